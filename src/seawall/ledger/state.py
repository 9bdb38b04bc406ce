"""Where the ledger stands: size, frontier, end of payloads; catching up with other writers, and mending a torn tail."""

from __future__ import annotations

import msgspec

from seawall.ledger.checkpoint import Checkpoint, LedgerKey, decode, encode, head, origin_of, signer_of
from seawall.ledger.files import LedgerFiles
from seawall.ledger.layout import RECORD_BYTES, SIGNED, Leaf
from seawall.ledger.tree import EMPTY_ROOT, Frontier, leaf_hash
from seawall.model import Fault
from seawall.model.unreadable import UNREADABLE

CHECKPOINT_BYTES = 512  # one disk sector of constant length: an overwrite is whole or absent
_FRONTIER_EVERY = 1024  # leaves between two savings of the frontier; reopening replays fewer than this


class _SavedFrontier(msgspec.Struct):
    size: int
    payload_end: int
    nodes: list[bytes]


class LedgerState:
    """What one process knows of the ledger; only touched while the lock is held."""

    def __init__(self, files: LedgerFiles, key: LedgerKey | None) -> None:
        self._files = files
        self._key = key
        self.frontier = Frontier()
        self.payload_end = 0
        self._saved_at = 0

    def begin(self) -> None:
        """Give a new ledger its checkpoint over nothing, so that a later empty one is known to be damage."""
        if not any(self._files.size(name) for name in ("checkpoint", "leaves", "payloads")):
            self._files.append("checkpoint", 0, self._padded(head(self._key, 0, EMPTY_ROOT)))
            self._files.sync_folder()

    def catch_up(self) -> int:
        """Take in what was appended since, cut what was never acknowledged; returns how many bytes were cut.

        (1) Every acknowledged leaf must be there. (2) Later records count up to the last whole head. (3) That head's
        root and signature must hold. (4) The rest is a torn write, and goes. Raises Fault E-LEDGER-001/002/003/004.
        """
        acknowledged = self._acknowledged()
        whole = self._files.size("leaves") // RECORD_BYTES
        if max(acknowledged, self.frontier.size) > whole:
            raise _shortened(whole, max(acknowledged, self.frontier.size))
        known = self.frontier.size
        if known == 0 and whole:
            self._restore_frontier(whole)
        ahead, payload_end, last = self._read_tail(whole)
        if ahead.size < acknowledged:
            raise _damaged(ahead.size)
        if last is None and ahead.size > known:  # the saved frontier led right to the end
            last = self._files.leaf(ahead.size - 1)
        if last is not None:
            self._check_head(last, ahead)
        if self._files.size("payloads") < payload_end:
            raise Fault(
                "E-LEDGER-003",
                "The ledger's payloads end early; leaf {index} has lost its contents.",
                index=ahead.size - 1,
            )
        self.frontier, self.payload_end = ahead, payload_end
        lost = self._files.cut("leaves", ahead.size * RECORD_BYTES) + self._files.cut("payloads", payload_end)
        if ahead.size > acknowledged and last is not None:  # killed between the leaf and the checkpoint
            self._mend_checkpoint(self.checkpoint_of(last))
        return lost

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Overwrite the checkpoint in place (it only grows). Not fsynced: the head inside ``leaves`` already is."""
        self._files.overwrite("checkpoint", 0, self._padded(checkpoint))

    def _mend_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write it as it would have been: perhaps by a key that was replaced since."""
        public = None if self._key is None else signer_of(self._key, checkpoint)
        self._files.overwrite("checkpoint", 0, encode(checkpoint, public).ljust(CHECKPOINT_BYTES, b"\n"))

    def checkpoint_of(self, last: Leaf) -> Checkpoint:
        """The checkpoint that the head record ``last`` stands for."""
        signature = last.signature if last.flags & SIGNED else None
        return Checkpoint(origin_of(self._key), last.index + 1, last.root, signature)

    def advance(self, frontier: Frontier, payload_end: int) -> None:
        """What was just appended is on disk."""
        self.frontier, self.payload_end = frontier, payload_end
        if frontier.size - self._saved_at >= _FRONTIER_EVERY:
            self.save_frontier()

    def save_frontier(self) -> None:
        """Keep the frontier beside the leaves, so that opening a long ledger is quick. Losing it costs time only."""
        if self.frontier.size > self._saved_at:
            saved = _SavedFrontier(self.frontier.size, self.payload_end, self.frontier.nodes)
            self._files.overwrite("frontier", 0, msgspec.json.encode(saved).ljust(4096))
            self._saved_at = self.frontier.size

    def _padded(self, checkpoint: Checkpoint) -> bytes:
        public = None if self._key is None else self._key.signing_public
        return encode(checkpoint, public).ljust(CHECKPOINT_BYTES, b"\n")

    def _acknowledged(self) -> int:
        try:
            checkpoint = decode(self._files.read("checkpoint", 0, CHECKPOINT_BYTES))
        except ValueError:
            raise bad_checkpoint() from None
        if checkpoint.origin != origin_of(self._key):
            raise Fault(
                "E-LEDGER-007",
                "This ledger belongs to {origin}; open it with that node's keys.",
                origin=checkpoint.origin,
            )
        return checkpoint.size

    def _restore_frontier(self, whole: int) -> None:
        try:
            saved = msgspec.json.decode(self._files.read("frontier", 0, 4096), type=_SavedFrontier)
        except UNREADABLE:
            return
        if not 0 < saved.size <= whole or len(saved.nodes) != saved.size.bit_count():
            return
        frontier = Frontier(saved.size, tuple(saved.nodes))
        last = self._files.leaf(saved.size - 1)
        if last is not None and last.is_head and last.root == frontier.root() and last.end == saved.payload_end:
            self.frontier, self.payload_end, self._saved_at = frontier, saved.payload_end, saved.size

    def _read_tail(self, whole: int) -> tuple[Frontier, int, Leaf | None]:
        """Frontier, payload end and record of the last head that whole, numbered, contiguous records lead to."""
        good, good_end, last = self.frontier.copy(), self.payload_end, None
        walking, end = self.frontier.copy(), self.payload_end
        for leaf in self._files.leaves(self.frontier.size, whole):
            if leaf is None or leaf.index != walking.size or leaf.offset != end:
                break
            walking.append(leaf_hash(leaf.commitment))
            end = leaf.end
            if leaf.is_head:
                good, good_end, last = walking.copy(), end, leaf
        return good, good_end, last

    def _check_head(self, last: Leaf, frontier: Frontier) -> None:
        if last.root != frontier.root():
            raise _damaged(last.index)
        if self._key is not None and signer_of(self._key, self.checkpoint_of(last)) is None:
            raise _damaged(last.index)


def _shortened(found: int, expected: int) -> Fault:
    return Fault(
        "E-LEDGER-001",
        "The ledger was cut: {expected} leaves were acknowledged, {found} are there. Restore it from a backup.",
        expected=expected,
        found=found,
    )


def _damaged(index: int) -> Fault:
    return Fault(
        "E-LEDGER-002", "Leaf {index} of the ledger was altered; run 'seawall ledger verify' for details.", index=index
    )


def bad_checkpoint() -> Fault:
    """The fault for a checkpoint that cannot be believed."""
    return Fault(
        "E-LEDGER-004",
        "The ledger's checkpoint is missing or altered; run 'seawall ledger verify' and restore it from a backup.",
    )
