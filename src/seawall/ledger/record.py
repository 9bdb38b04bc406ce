"""The ledger: turns a release or refusal into a recorded one. ``Recorded`` is constructed in this file only (rule 1).

One recording, in order: (1) take the lock, (2) catch up with other writers and mend a torn tail, (3) write the payloads
and fsync, (4) write the leaves with a signed head and fsync, (5) overwrite the checkpoint, (6) give the receipt.
Until (4) nothing counts; a process killed earlier leaves bytes that the next writer cuts, with a leaf that says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from seawall.identity.sealing import Box
from seawall.ledger.checkpoint import Checkpoint, LedgerKey, decode, head
from seawall.ledger.events import EventKind, LedgerEvent, canonical_event, refusal_key
from seawall.ledger.evidence import Found, OnProgress, ProvedLeaf, opened, search
from seawall.ledger.files import LedgerFiles, OnWait
from seawall.ledger.layout import (
    HEAD,
    RECORD_BYTES,
    SALT_BYTES,
    SIGNED,
    Leaf,
    commitment_of,
    erased_payload,
    pack,
)
from seawall.ledger.payloads import payload_of
from seawall.ledger.proofs import check_consistency, check_inclusion, consistency, inclusion
from seawall.ledger.reading import LedgerEntry, LedgerPage, read_entry, read_page
from seawall.ledger.refusals import RefusalMemory
from seawall.ledger.sealing import finish_sealing
from seawall.ledger.state import LedgerState
from seawall.ledger.subtrees import Subtrees
from seawall.ledger.tiles import export_tiles
from seawall.ledger.tree import EMPTY_ROOT, leaf_hash
from seawall.ledger.verify import VerifyReport, verify
from seawall.model import Clock, Fault, NotFound, Recorded, Refused, Release, Unavailable, Withheld, system_clock

Recordable = TypeVar("Recordable", bound=Release | Withheld | LedgerEvent)
Value = Release | Withheld | LedgerEvent


class Ledger:
    """One node's append-only record; safe with several processes and threads. Use as a context manager."""

    def __init__(self, files: LedgerFiles, key: LedgerKey | None, clock: Clock, random: Callable[[int], bytes]) -> None:
        self._files = files
        self._key = key
        self._clock = clock
        self._random = random
        self._state = LedgerState(files, key)
        self._refusals = RefusalMemory(files)
        self._roots = Subtrees(files)

    @classmethod
    def open(
        cls,
        folder: Path,
        key: LedgerKey | None = None,
        *,
        on_wait: OnWait | None = None,
        clock: Clock = system_clock,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Self:
        """Open or begin the ledger in ``folder``; heads are signed by ``key``. A torn tail is cut and noted.

        ``on_wait("ledger")`` is called when another process holds it. Raises Fault E-LEDGER-001 to 004 when
        acknowledged leaves are missing or altered, E-LEDGER-007 when it belongs to another key.
        """
        box: Box | None = getattr(key, "payload_box", None)  # of the node's keys, when it has a vault
        ledger = cls(LedgerFiles(folder, on_wait, box), key, clock, random)
        try:
            with ledger._files.locked():
                finish_sealing(folder)
                ledger._state.begin()
                ledger._catch_up()
        except BaseException:
            ledger._files.close()
            raise
        return ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; everything acknowledged is on disk already."""
        with suppress(Unavailable), self._files.locked():
            self._state.save_frontier()
        self._files.close()

    @property
    def size(self) -> int:
        """Leaves this process knows of; other processes may have added more since the last call."""
        return self._state.frontier.size

    def root(self) -> str:
        """The Merkle tree hash over ``size`` leaves, lower hex."""
        return self._state.frontier.root().hex()

    def checkpoint(self) -> str:
        """The last head as C2SP text, for printing, mailing and witnesses."""
        with self._files.locked():
            self._catch_up()
            return self._files.read("checkpoint", 0, 4096).decode().rstrip("\n") + "\n"

    def record(self, value: Recordable) -> Recorded[Recordable]:
        """One release or refusal, on disk when this returns. See ``record_many``."""
        return self.record_many([value])[0]

    def record_event(self, event: LedgerEvent) -> Recorded[LedgerEvent]:
        """Any other event that belongs on the record."""
        return self.record(event)

    def record_many(self, values: Sequence[Recordable]) -> list[Recorded[Recordable]]:
        """Receipts for ``values``, in order, under one signed head and two fsyncs.

        A refusal that is already on record (same recipient, circle, object version, policy version) writes
        nothing and gets the old leaf's receipt. Raises Fault E-LEDGER-008 for a release of nothing, Unavailable
        E-LEDGER-005 when the disk refuses: then nothing is recorded.
        """
        if any(_releases_nothing(value) for value in values):
            raise Fault("E-LEDGER-008", "A release of nothing is not recorded; an empty answer needs no release.")
        if not values:
            return []
        with self._files.locked():
            self._catch_up()
            self._refusals.follow(self._state.frontier.size)
            fresh, indexes, refusals = self._sort_out(values)
            hashes = self._append(fresh)
            self._refusals.add(refusals)
            return [
                Recorded(value, index, (hashes.get(index) or self._hash_of(index)).hex())
                for value, index in zip(values, indexes, strict=True)
            ]

    def show(self, limit: int = 100, after: int = -1) -> LedgerPage:
        """Leaves with an index above ``after``, oldest first, at most ``limit`` (bounded by 1,000)."""
        with self._files.locked():
            self._catch_up()
        return read_page(self._files, self._state.frontier.size, limit, after)

    def entry(self, index: int) -> LedgerEntry:
        """One leaf. Raises NotFound E-LEDGER-009."""
        with self._files.locked():
            self._catch_up()
        if not 0 <= index < self._state.frontier.size:
            raise NotFound("E-LEDGER-009", "The ledger has no leaf {index}.", index=index)
        return read_entry(self._files, index)

    def head(self) -> Checkpoint:
        """The last head, read again from disk."""
        return decode(self.checkpoint().encode())

    @contextmanager
    def standing_still(self) -> Iterator[tuple[bytes, int, int, int]]:
        """Keep writers away; the checkpoint's bytes, and how many of ``leaves``, ``payloads``, ``refusals`` count."""
        with self._files.locked():
            self._catch_up()
            leaves, refusals = self._state.frontier.size * RECORD_BYTES, self._files.size("refusals")
            yield self._files.read("checkpoint", 0, 4096), leaves, self._state.payload_end, refusals

    def root_at(self, size: int) -> bytes:
        """The root that the first ``size`` leaves had. Raises NotFound E-LEDGER-026 when there are fewer."""
        if not 0 <= size <= self._state.frontier.size:
            raise NotFound("E-LEDGER-026", "The ledger has fewer than {size} leaves.", size=size)
        last = self._files.leaf(size - 1) if size else None
        if last is not None and last.is_head:
            return last.root
        return self._roots.root(0, size) if size else EMPTY_ROOT

    def prove(self, index: int, at: Checkpoint) -> ProvedLeaf:
        """Leaf ``index`` and its way to the root of the head ``at``, checked. Raises NotFound E-LEDGER-009."""
        if not 0 <= index < at.size:
            raise NotFound("E-LEDGER-009", "The ledger has no leaf {index}.", index=index)
        commitment, salt, event = opened(self._files, index)
        leaf = leaf_hash(commitment)
        path = inclusion(self._roots, index, at.size)
        try:
            check_inclusion(leaf, index, at.size, at.root, path)
        except Refused:  # what is kept of the tree was damaged: make it anew
            self._roots.forget()
            path = inclusion(self._roots, index, at.size)
            check_inclusion(leaf, index, at.size, at.root, path)
        return ProvedLeaf(index, commitment.hex(), salt, event, tuple(item.hex() for item in path))

    def prove_continues(self, size: int, at: Checkpoint) -> list[bytes]:
        """The proof that the head ``at`` continues the first ``size`` leaves, checked. Raises NotFound E-LEDGER-026."""
        path = consistency(self._roots, size, at.size)
        old = self.root_at(size)
        try:
            check_consistency(size, old, at.size, at.root, path)
        except Refused:
            self._roots.forget()
            path = consistency(self._roots, size, at.size)
            check_consistency(size, self.root_at(size), at.size, at.root, path)
        return path

    def search(
        self, name: str, at: Checkpoint, recipient: str | None = None, on_progress: OnProgress | None = None
    ) -> Found:
        """Every leaf under the head ``at`` that names ``name``."""
        return search(self._files, at.size, name, recipient, on_progress)

    def export_tiles(self, folder: Path) -> int:
        """The ledger as C2SP tlog-tiles below ``folder``; how many files were written. Raises Fault E-LEDGER-025."""
        note = self.checkpoint()
        return export_tiles(self._files, folder, note.encode(), decode(note.encode()).size)

    def verify(self) -> VerifyReport:
        """Compute everything again; raises Fault E-LEDGER-010 naming the first bad leaf. Changes nothing."""
        return verify(self._files, self._key)

    def erase(self, index: int, actor: str, reason: str) -> Recorded[LedgerEvent]:
        """Overwrite one leaf's contents; the tree still verifies, and a new leaf tells who did it and why."""
        self.entry(index)
        details: dict[str, str | int | list[str]] = {"leaf": index, "reason": reason}
        recorded = self.record(LedgerEvent(EventKind.PAYLOAD_ERASED, self._clock(), actor, f"leaf {index}", details))
        leaf = self._files.leaf(index)
        if leaf is not None:
            with self._files.locked():
                self._files.append("payloads", leaf.offset, erased_payload(leaf.length))
        return recorded

    def _catch_up(self) -> None:
        if lost := self._state.catch_up():
            details: dict[str, str | int | list[str]] = {"bytes_cut": lost}
            self._append([LedgerEvent(EventKind.REPAIR, self._clock(), "node", "unfinished write", details)])

    def _sort_out(self, values: Sequence[Value]) -> tuple[list[Value], list[int], dict[bytes, int]]:
        """What needs a new leaf, the leaf index of every value, and the refusals to remember."""
        fresh: list[Value] = []
        indexes: list[int] = []
        pending: dict[bytes, int] = {}
        for value in values:
            index: int | None = None
            if isinstance(value, Withheld):
                key = refusal_key(value, self._files.box)
                index = pending.get(key, self._refusals.find(key))
            if index is None:
                index = self._state.frontier.size + len(fresh)
                fresh.append(value)
                if isinstance(value, Withheld):
                    pending[key] = index
            indexes.append(index)
        return fresh, indexes, pending

    def _append(self, values: Sequence[Value]) -> dict[int, bytes]:
        """Write one batch; leaf index -> leaf hash. The caller holds the lock."""
        if not values:
            return {}
        frontier, offset = self._state.frontier.copy(), self._state.payload_end
        payloads: list[bytes] = []
        leaves: list[Leaf] = []
        hashes: dict[int, bytes] = {}
        for value in values:
            salt, event = self._random(SALT_BYTES), canonical_event(value)
            payloads.append(payload_of(salt, event, frontier.size, self._files.box))
            leaf = Leaf(frontier.size, offset, len(payloads[-1]), commitment_of(salt, event))
            leaves.append(leaf)
            hashes[leaf.index] = leaf_hash(leaf.commitment)
            frontier.append(hashes[leaf.index])
            offset = leaf.end
        signed = head(self._key, frontier.size, frontier.root())
        leaves[-1] = msgspec.structs.replace(
            leaves[-1],
            flags=HEAD | (SIGNED if signed.signature else 0),
            root=signed.root,
            signature=signed.signature or bytes(64),
        )
        self._files.append("payloads", self._state.payload_end, b"".join(payloads))
        self._files.append("leaves", self._state.frontier.size * RECORD_BYTES, b"".join(map(pack, leaves)))
        self._state.write_checkpoint(signed)
        self._state.advance(frontier, offset)
        return hashes

    def _hash_of(self, index: int) -> bytes:
        leaf = self._files.leaf(index)
        if leaf is None:
            raise Fault(
                "E-LEDGER-002",
                "Leaf {index} of the ledger was altered; run 'seawall ledger verify' for details.",
                index=index,
            )
        return leaf_hash(leaf.commitment)


def _releases_nothing(value: Value) -> bool:
    return isinstance(value, Release) and not value.objects
