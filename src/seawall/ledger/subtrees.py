"""Roots of parts of the tree, so that a proof over millions of leaves takes milliseconds.

``subtrees``: for every 256 leaves in a row, their root (32 bytes). Derived: made when needed, made again when lost;
whoever takes a proof from here compares it with the signed root, so a damaged file is noticed and made anew.
"""

from __future__ import annotations

from contextlib import suppress

from seawall.ledger.files import LedgerFiles
from seawall.ledger.tree import Frontier, leaf_hash, node_hash
from seawall.model import Fault, Unavailable

WIDTH = 256  # leaves; also the width of a C2SP tile
HASH_BYTES = 32
MAX_WHOLE = 100_000  # roots held in memory: those of 25 million leaves, in about 20 MB


class Subtrees:
    """Implements ``proofs.Roots`` over the leaves on disk."""

    def __init__(self, files: LedgerFiles) -> None:
        self._files = files
        self._whole: dict[tuple[int, int], bytes] = {}

    def root(self, start: int, stop: int) -> bytes:
        """See ``proofs.Roots``. Raises Fault E-LEDGER-002 when a leaf is damaged."""
        if stop - start == WIDTH and start % WIDTH == 0:
            return self._wide(start // WIDTH)
        if stop - start <= WIDTH:
            return self._fresh(start, stop)
        if (start, stop) in self._whole:
            return self._whole[start, stop]
        middle = start + (1 << ((stop - start - 1).bit_length() - 1))
        root = node_hash(self.root(start, middle), self.root(middle, stop))
        if (stop - start).bit_count() == 1 and len(self._whole) < MAX_WHOLE:  # a complete subtree never changes
            self._whole[start, stop] = root
        return root

    def leaf(self, index: int) -> bytes:
        """The hash of one leaf."""
        return self._fresh(index, index + 1)

    def forget(self) -> None:
        """What was kept may be wrong: the next question makes it anew."""
        self._files.cut("subtrees", 0)
        self._whole.clear()

    def _wide(self, number: int) -> bytes:
        kept = self._files.size("subtrees") // HASH_BYTES
        if number >= kept:
            fresh = [self._fresh(which * WIDTH, (which + 1) * WIDTH) for which in range(kept, number + 1)]
            with suppress(Unavailable):  # a full disk costs time only
                self._files.overwrite("subtrees", kept * HASH_BYTES, b"".join(fresh))
            return fresh[-1]
        return self._files.read("subtrees", number * HASH_BYTES, HASH_BYTES)

    def _fresh(self, start: int, stop: int) -> bytes:
        tree = Frontier()
        for index, leaf in enumerate(self._files.leaves(start, stop), start):
            if leaf is None:
                raise Fault(
                    "E-LEDGER-002",
                    "Leaf {index} of the ledger was altered; run 'seawall ledger verify' for details.",
                    index=index,
                )
            tree.append(leaf_hash(leaf.commitment))
        return tree.root()
