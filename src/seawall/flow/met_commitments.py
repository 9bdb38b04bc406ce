"""Committing to what our sensors merely met, as to candidates: each claim is on the ledger before a peer asks.

A value that was met is compared with a peer's candidates, so it is a guess like any other; the commitment bounds who
says so: it is as old as the circle asks before it enters, and is opened before anything above tier 1 is told.

Of each type the latest ``MOST_MET`` enter the books in one run, ``MOST_HELD`` are held. Totals of a batch name them
apart ("met ipv4"), so that a claim of many candidates cannot be made of page views.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import pyarrow as pa

from seawall.flow.commitment_tree import SALT_BYTES, commitment, root_of
from seawall.flow.excluded import Gate
from seawall.flow.node import Node
from seawall.lake import LakeSession
from seawall.match import met_values
from seawall.model import Observable, ObservableType
from seawall.model.books import SourceClass
from seawall.model.epoch import DAY
from seawall.store.commitments import BATCH, Batch, NewBatch

MOST_MET = 20_000
"""New values of one type that are committed to in one run, and that one list brings: the latest first."""
MOST_HELD = 100_000
"""Values of one type that are held: whatever was met longer ago is forgotten, its commitment's batch stays."""
MET = "met "
"""Before a type, in the totals of batches."""
LEFT_OUT = "met-left-out"
"""Key of the note that counts, by type and reason, what was met and does not enter."""
GONE = "no-longer-here"  # the lake forgot it
Row = tuple[str, str, int, str, bytes, int]


def met_type(type: ObservableType) -> str:
    """Under which name totals count what was merely met of a type."""
    return f"{MET}{type.value}"


def commit_met(node: Node, session: LakeSession, gate: Gate) -> list[Batch]:
    """Commit to what was met and is new; the batches wait for their leaves. Run behind the candidates, in their lock.

    What passes no more is withdrawn, and enters again when it passes again.
    """
    if not node.settings.overlap.compare_met:
        return []
    held = {(type, value): withdrawn for type, value, withdrawn in node.store.met.known()}
    met = met_values(session, gate, held)
    left_out, fresh, changes = Counter(met.left_out), list[Row](), list[tuple[str, str, str | None]]()
    entered: Counter[str] = Counter()
    for type, value, first_seen, known, screen in _rows(met.table):
        reason = screen or gate.reason(Observable(ObservableType(type), value))
        if known:
            withdrawn = held.pop((type, value), None)
            if withdrawn != reason:
                changes.append((type, value, reason))
        elif reason is not None:
            left_out[type, reason] += 1
        elif "\x00" in value:  # no engine of the store holds it, and no host is called so
            continue
        elif entered[type] >= MOST_MET:
            left_out[type, "met-earlier"] += 1
        else:
            entered[type] += 1
            fresh.append((type, value, first_seen // DAY, SourceClass.MET.value, b"", 0))
    changes += [(type, value, GONE) for (type, value), withdrawn in held.items() if withdrawn != GONE]
    node.store.met.withdraw(changes)
    told = [[type, reason, count] for (type, reason), count in sorted(left_out.items())]
    node.store.notes.set(LEFT_OUT, msgspec.json.encode(told).decode())
    made = _batches(node, fresh)
    node.store.met.add(made)
    if made:
        node.store.met.forget_beyond(MOST_HELD)
    return [Batch(one.number, one.at, one.root, len(one.rows), one.totals, None) for one in made]


def met_left_out(node: Node) -> dict[str, dict[str, int]]:
    """Type -> reason -> how many values that were met enter no overlap; as of the last run."""
    found: dict[str, dict[str, int]] = {}
    text = node.store.notes.get(LEFT_OUT)
    for type, reason, count in msgspec.json.decode(text, type=list[tuple[str, str, int]]) if text else ():
        found.setdefault(type, {})[reason] = count
    return found


def _rows(table: pa.Table) -> Iterator[tuple[str, str, int, bool, str | None]]:
    columns = ["type", "value", "first_seen", "known", "screen"]
    for batch in table.select(columns).to_batches(max_chunksize=10_000):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


def _batches(node: Node, fresh: Sequence[Row]) -> list[NewBatch]:
    """The latest come last, and so have the greatest numbers."""
    last = node.store.commitments.last()
    number = last.number + 1 if last is not None else 0
    totals = dict(last.totals) if last is not None else {}
    made: list[NewBatch] = []
    ordered = list(reversed(fresh))
    for start in range(0, len(ordered), BATCH):
        rows, hashes = [], []
        for type, value, day, source, _, strength in ordered[start : start + BATCH]:
            salt = secrets.token_bytes(SALT_BYTES)
            hashes.append(commitment(salt, type.encode(), value.encode(), day, source.encode()))
            rows.append((type, value, day, source, salt, strength))
            totals[MET + type] = totals.get(MET + type, 0) + 1
        made.append(NewBatch(number + len(made), node.clock(), root_of(hashes), dict(totals), b"".join(hashes), rows))
    return made
