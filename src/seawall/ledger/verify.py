"""Verification: compute every hash again and compare, leaf by leaf, with what the signed heads say.

For each leaf: (1) its record is whole, carries its own number, and its payload follows the one before, (2) the payload
gives the commitment, or was erased by a leaf that says so, (3) at each head, the tree has the head's root. At the end:
(4) the last head's signature holds, (5) it is what the checkpoint says, (6) nothing is left over. Only when (4) fails,
the heads before it are checked one by one to find where it began.
"""

from __future__ import annotations

import msgspec

from seawall.identity.sealing import is_sealed
from seawall.ledger.checkpoint import Checkpoint, LedgerKey, decode, origin_of, signer_of
from seawall.ledger.files import LedgerFiles
from seawall.ledger.layout import RECORD_BYTES, SIGNED, Leaf, commitment_of
from seawall.ledger.state import CHECKPOINT_BYTES, bad_checkpoint
from seawall.ledger.tree import EMPTY_ROOT, Frontier, leaf_hash
from seawall.model import Fault


class VerifyReport(msgspec.Struct, frozen=True):
    """What a whole ledger was found to be. A damaged one raises instead."""

    size: int  # leaves
    root: str  # lower hex
    heads: int  # batches
    signed: bool
    erased: int  # payloads that were erased, each with a leaf saying so
    payload_bytes: int
    sealed: int  # payloads that could not be checked because the vault is closed; the tree over them was
    unfinished_bytes: int  # a torn write that was never acknowledged; the next writer cuts it


class _Erasure(msgspec.Struct):
    leaf: int


class _Erased(msgspec.Struct):
    kind: str
    details: _Erasure


def verify(files: LedgerFiles, key: LedgerKey | None) -> VerifyReport:
    """Verify the ledger behind ``files``. Raises Fault E-LEDGER-010 (which leaf, what is wrong with it), 001, 004."""
    with files.locked():  # other writers wait for this glance only
        whole = files.size("leaves")
        payloads = files.size("payloads")
        try:
            checkpoint = decode(files.read("checkpoint", 0, CHECKPOINT_BYTES))
        except ValueError:
            raise bad_checkpoint() from None
    walk = _Walk(files, whole // RECORD_BYTES, checkpoint)
    walk.run()
    _check_end(walk, key, checkpoint)
    return VerifyReport(
        size=walk.done.size,
        root=walk.done.root().hex(),
        heads=walk.heads,
        signed=key is not None,
        erased=len(walk.erased),
        payload_bytes=walk.done_end,
        sealed=walk.sealed,
        unfinished_bytes=(whole - walk.done.size * RECORD_BYTES) + (payloads - walk.done_end),
    )


class _Walk:
    """One pass over the leaves. ``done`` is the state at the last whole head."""

    def __init__(self, files: LedgerFiles, count: int, checkpoint: Checkpoint) -> None:
        self.files = files
        self.count = count
        self.acknowledged = checkpoint.size
        self.done = Frontier()
        self.done_end = 0
        self.heads = 0
        self.last: Leaf | None = None
        self.sealed = 0
        self.erased: set[int] = set()
        self.confessed: set[int] = set()

    def run(self) -> None:
        """Go from the first leaf to the last whole head. Raises Fault E-LEDGER-001 or 010."""
        if self.count < self.acknowledged:
            raise Fault(
                "E-LEDGER-001",
                "The ledger was cut: {expected} leaves were acknowledged, {found} are there. Restore it from a backup.",
                expected=self.acknowledged,
                found=self.count,
            )
        tree, end = Frontier(), 0
        for index, leaf in enumerate(self.files.leaves(0, self.count)):
            if leaf is None or leaf.index != index or leaf.offset != end:
                if index >= self.acknowledged:
                    return  # a torn tail that nobody was told of
                raise bad_leaf(index, "its record is damaged or not in its place")
            self._check_payload(leaf)
            tree.append(leaf_hash(leaf.commitment))
            end = leaf.end
            if leaf.is_head:
                if leaf.root != tree.root():
                    raise bad_leaf(self.done.size, "the tree no longer has the root that was recorded")
                self.done, self.done_end, self.last = tree.copy(), end, leaf
                self.heads += 1

    def _check_payload(self, leaf: Leaf) -> None:
        try:
            data = self.files.read("payloads", leaf.offset, leaf.length)
            if self.files.box is None and is_sealed(data) and len(data) == leaf.length:
                self.sealed += 1
                return
            opened = self.files.payload(leaf)
        except ValueError:
            raise bad_leaf(leaf.index, "its contents cannot be read") from None
        if opened is None:
            self.erased.add(leaf.index)
            return
        salt, event = opened
        if commitment_of(salt, event) != leaf.commitment:
            raise bad_leaf(leaf.index, "its contents were altered")
        if event.startswith(b'{"actor"') and b'"payload-erased"' in event:
            self.confessed.add(msgspec.json.decode(event, type=_Erased).details.leaf)


def _check_end(walk: _Walk, key: LedgerKey | None, checkpoint: Checkpoint) -> None:
    if walk.done.size < walk.acknowledged:
        raise bad_leaf(walk.done.size, "its batch has no head")
    unexplained = set() if walk.sealed else walk.erased - walk.confessed  # confessions may be among the sealed
    if unexplained:
        raise bad_leaf(min(unexplained), "its contents were erased without a record of it")
    if checkpoint.origin != origin_of(key):
        raise Fault(
            "E-LEDGER-007", "This ledger belongs to {origin}; open it with that node's keys.", origin=checkpoint.origin
        )
    if key is not None:
        if walk.last is not None and not _signed(walk.last, key):
            raise bad_leaf(_first_unsigned(walk, key), "the signature over the tree does not hold")
        if signer_of(key, checkpoint) is None:
            raise bad_checkpoint()
    if checkpoint.root != _root_at(walk, checkpoint.size):
        raise bad_leaf(max(checkpoint.size - 1, 0), "the tree differs from the checkpoint")


def _root_at(walk: _Walk, size: int) -> bytes:
    if size == walk.done.size:
        return walk.done.root()
    leaf = walk.files.leaf(size - 1) if size else None  # killed before its checkpoint: an earlier head, checked above
    return EMPTY_ROOT if leaf is None else leaf.root


def _first_unsigned(walk: _Walk, key: LedgerKey) -> int:
    begin = 0
    for leaf in walk.files.leaves(0, walk.done.size):
        if leaf is not None and leaf.is_head:
            if not _signed(leaf, key):
                return begin
            begin = leaf.index + 1
    return begin


def _signed(leaf: Leaf, key: LedgerKey) -> bool:
    signature = leaf.signature if leaf.flags & SIGNED else None
    return signer_of(key, Checkpoint(origin_of(key), leaf.index + 1, leaf.root, signature)) is not None


def bad_leaf(index: int, reason: str) -> Fault:
    """The fault that names the first bad leaf."""
    return Fault(
        "E-LEDGER-010",
        "The ledger does not verify: leaf {index} is the first that is wrong ({reason}). Keep these files and ask for "
        "the other side's receipts.",
        index=index,
        reason=reason,
    )
