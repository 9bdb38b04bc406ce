"""Committing to candidates when they are found, not when a peer asks: each claim is on the ledger beforehand.

Steps of one run: (1) the candidates that stand now, (2) compared in one order with what was committed to before, (3)
the new ones in batches into the store, (4) one leaf a batch, (5) its place and moment into the store. A process that
ends between 3 and 4 leaves batches that the next run puts on the ledger first; until then nothing in them counts.

What a batch's leaf tells: its root, how many values it holds, and how many of each type were committed to in all.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import pyarrow as pa

from seawall import ledger as log
from seawall.flow.alone import alone
from seawall.flow.budgets import finish_spending
from seawall.flow.commitment_tree import SALT_BYTES, commitment, root_of
from seawall.flow.cosigned import keep_cosigned
from seawall.flow.decoy_tending import tend_decoys
from seawall.flow.excluded import OPERATION, Gate, lists_state
from seawall.flow.met_commitments import MET, commit_met
from seawall.flow.node import Node
from seawall.flow.openings import check_opening, open_commitment
from seawall.flow.refresh import generation_of
from seawall.ledger import EventKind, LedgerEvent
from seawall.match import candidate_table, screened_counts
from seawall.model import Observable, ObservableType, Unavailable
from seawall.model.books import Committed, SourceClass
from seawall.model.epoch import DAY, day_of
from seawall.store.commitments import BATCH, Batch, Change, NewBatch

__all__ = [
    "check_opening",
    "commit_candidates",
    "commitment_job",
    "committed",
    "left_out",
    "lists_changed",
    "open_commitment",
]

NODE = "node"  # who acts when nobody asked
DRAWN = "commitments-drawn"
"""Key of the note that says from which state of lake and lists candidates were compared last."""
LEFT_OUT = "commitments-left-out"
"""Key of the note that counts, by type and reason, the suspects that are no candidates."""
AT_ONCE = 16  # batches of one transaction: 65,536 values, some 30 MB
GONE = "no-candidate"  # the lake holds it no longer for one: forgotten with time, or it turned out to be popular
RANK: Mapping[SourceClass, int] = {source: 5 - place for place, source in enumerate(SourceClass)}
MAX_SENSORS = 62
Progress = Callable[[int], None]


class _Found(msgspec.Struct, frozen=True, gc=False):
    type: str
    value: str
    day: int
    source: str
    strength: int


def commit_candidates(node: Node, progress: Progress | None = None) -> int:
    """Commit to every candidate that is new; returns how many. With nothing new this starts no engine.

    Raises Unavailable E-FLOW-504 while another process does it.
    """
    busy = Unavailable("E-FLOW-504", "Another process is committing to candidates; try again in a minute.")
    with alone(node.folder / "commitments.lock", busy, seconds=30):
        _record(node, node.store.commitments.pending())
        if not node.settings.lake.store_telemetry:
            return 0
        state = f"{generation_of(node)}/{lists_state(node)}"
        if node.store.notes.get(DRAWN) == state:
            return 0
        gate = Gate(node)
        with node.lake.reading() as session:
            table = candidate_table(session, gate)
            counts = screened_counts(session, gate)
            tend_decoys(node, session)
            new = _compare(node, gate, table, progress or (lambda _: None))
            _record(node, commit_met(node, session, gate))
        told = [[type, reason, count] for (type, reason), count in sorted(counts.items())]
        node.store.notes.set(LEFT_OUT, msgspec.json.encode(told).decode())
        node.store.notes.set(DRAWN, state)
    return new


def commitment_job(node: Node) -> str:
    """For the schedule: one run, whose word on our ledger arrived since, and what a killed process left to record."""
    new = commit_candidates(node)
    finish_spending(node)
    node.store.budgets.forget_before(day_of(node.clock()))
    return f"{new} new candidates committed to, {keep_cosigned(node)} cosigned checkpoints kept"


def committed(node: Node, type: ObservableType, *, before: int) -> Iterator[Committed]:
    """Values whose leaf is not younger than ``before`` (microseconds UTC): strongest evidence first, then the newest.

    Only what may enter an overlap. When own assets, warninglists or the list of exclusions changed since the last run
    of the job, each value is compared with them here.
    """
    gate = Gate(node) if lists_changed(node) else None
    for item in node.store.commitments.ranked(type.value, before):
        if gate is None or gate.reason(Observable(type, item.value)) is None:
            source = SourceClass(item.source)
            yield Committed(type, item.value.encode(), item.day, source, item.at, item.strength)


def lists_changed(node: Node) -> bool:
    """Whether own assets, warninglists or the list of exclusions are others than at the last run."""
    return (node.store.notes.get(DRAWN) or "").partition("/")[2] != lists_state(node)


def left_out(node: Node) -> dict[str, dict[str, int]]:
    """Type -> reason -> how many values with an alarm, or committed to before, enter no overlap; as of the last run."""
    found: dict[str, dict[str, int]] = {}
    text = node.store.notes.get(LEFT_OUT)
    for type, reason, count in msgspec.json.decode(text, type=list[tuple[str, str, int]]) if text else ():
        found.setdefault(type, {})[reason] = count
    for held_type, withdrawn, count in node.store.commitments.counts():
        if withdrawn is not None:
            reasons = found.setdefault(held_type, {})
            reasons[withdrawn] = reasons.get(withdrawn, 0) + count
    return found


def _compare(node: Node, gate: Gate, table: pa.Table, progress: Progress) -> int:
    """Steps 2 to 5: two sorted sequences side by side, so memory does not grow with what is held."""
    writer = _Writer(node)
    known = node.store.commitments.known()
    held = next(known, None)
    for found in _findings(table):
        while held is not None and (held.type, held.value) < (found.type, found.value):
            writer.change(held, held.strength, _why_gone(gate, held))
            held = next(known, None)
        keep_out = OPERATION if gate.operation(Observable(ObservableType(found.type), found.value)) else None
        if held is not None and (held.type, held.value) == (found.type, found.value):
            writer.change(held, found.strength, keep_out)
            held = next(known, None)
        elif keep_out is None:
            writer.add(found)
            progress(writer.added)
    while held is not None:
        writer.change(held, held.strength, _why_gone(gate, held))
        held = next(known, None)
    writer.flush()
    return writer.added


class _Writer:
    """Gathers what is new and what changed, and writes it in batches."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._new: list[_Found] = []
        self._changes: list[Change] = []
        last = node.store.commitments.last()
        self._number = last.number + 1 if last is not None else 0
        self._totals = dict(last.totals) if last is not None else {}
        self.added = 0

    def add(self, found: _Found) -> None:
        self.added += 1
        self._new.append(found)
        if len(self._new) >= AT_ONCE * BATCH:
            self._write()

    def change(self, held: Change, strength: int, withdrawn: str | None) -> None:
        if (held.strength, held.withdrawn) != (strength, withdrawn):
            self._changes.append(Change(held.type, held.value, strength, withdrawn))
            if len(self._changes) >= AT_ONCE * BATCH:
                self._write()

    def flush(self) -> None:
        self._write()

    def _write(self) -> None:
        if self._changes:
            self._node.store.commitments.change(self._changes)
            self._changes = []
        if not self._new:
            return
        batches = [self._batch(self._new[start : start + BATCH]) for start in range(0, len(self._new), BATCH)]
        self._new = []
        self._node.store.commitments.add(batches)
        _record(self._node, [_as_held(batch) for batch in batches])

    def _batch(self, found: list[_Found]) -> NewBatch:
        salts = secrets.token_bytes(SALT_BYTES * len(found))
        hashes, rows = [], []
        for place, item in enumerate(found):
            salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
            hashes.append(commitment(salt, item.type.encode(), item.value.encode(), item.day, item.source.encode()))
            rows.append((item.type, item.value, item.day, item.source, salt, item.strength))
            self._totals[item.type] = self._totals.get(item.type, 0) + 1
        self._number += 1
        at = self._node.clock()
        return NewBatch(self._number - 1, at, root_of(hashes), dict(self._totals), b"".join(hashes), rows)


def _record(node: Node, batches: Sequence[Batch]) -> None:
    """Steps 4 and 5."""
    if not batches:
        return
    at = node.clock()
    recorded = node.ledger.record_many([_event(batch, at) for batch in batches])
    leaves = {batch.number: leaf.leaf_index for batch, leaf in zip(batches, recorded, strict=True)}
    node.store.commitments.recorded(leaves, at)


def _event(batch: Batch, at: int) -> LedgerEvent:
    details: dict[str, str | int | list[str]] = {
        "root": batch.root.hex(),
        "count": batch.count,
        "committed": [f"{type} {count}" for type, count in sorted(batch.totals.items()) if not type.startswith(MET)],
    }
    if met := [f"{type[len(MET) :]} {count}" for type, count in sorted(batch.totals.items()) if type.startswith(MET)]:
        details["met"] = met
    return log.LedgerEvent(EventKind.COMMITTED, at, NODE, f"batch {batch.number}", details)


def _as_held(batch: NewBatch) -> Batch:
    return Batch(batch.number, batch.at, batch.root, len(batch.rows), batch.totals, None)


def _findings(table: pa.Table) -> Iterator[_Found]:
    """One finding a value, in order; rows of several sides are taken together."""
    before: _Found | None = None
    columns = ["type", "value", "first_seen", "basis", "sensors", "count"]
    for batch in table.select(columns).to_batches(max_chunksize=10_000):
        rows = zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
        for type, value, first_seen, basis, sensors, count in rows:
            if "\x00" in value:  # no engine of the store holds it, and no host is called so
                continue
            source = next((each for each in SourceClass if each.value in basis), SourceClass.INDICATOR)
            strength = RANK[source] * 10_000 + min(sensors, MAX_SENSORS) * 100 + min(count.bit_length(), 63)
            found = _Found(type, value, first_seen // DAY, source.value, strength)
            if before is not None and (before.type, before.value) == (type, value):
                stronger = max(before, found, key=lambda each: each.strength)
                before = msgspec.structs.replace(stronger, day=min(before.day, found.day))
                continue
            if before is not None:
                yield before
            before = found
    if before is not None:
        yield before


def _why_gone(gate: Gate, held: Change) -> str:
    return gate.reason(Observable(ObservableType(held.type), held.value)) or GONE
