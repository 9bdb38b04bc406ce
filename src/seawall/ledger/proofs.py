"""Inclusion and consistency proofs (RFC 6962 sections 2.1.1, 2.1.2; checked as in RFC 9162 sections 2.1.3.2, 2.1.4.2).

``Roots`` answers "the root of the leaves from a to b"; both proofs are lists of such roots, deepest first.
"""

from __future__ import annotations

from typing import Protocol

from seawall.ledger.tree import EMPTY_ROOT, node_hash
from seawall.model import Refused

MAX_PROOF = 63  # hashes; no tree of 2**63 leaves needs more (also the bound of c2sp.org/tlog-witness)


class Roots(Protocol):
    """Where proofs take their hashes from."""

    def root(self, start: int, stop: int) -> bytes:
        """The Merkle tree hash of leaves ``start`` up to ``stop``; they form a subtree, and there is at least one."""


def inclusion(roots: Roots, index: int, size: int) -> list[bytes]:
    """The hashes that lead from leaf ``index`` to the root of ``size`` leaves; 0 <= index < size."""
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _left(stop - start)
        if index < middle:
            path.append(roots.root(middle, stop))
            stop = middle
        else:
            path.append(roots.root(start, middle))
            start = middle
    return path[::-1]


def consistency(roots: Roots, old: int, new: int) -> list[bytes]:
    """The hashes that show ``new`` leaves to begin with ``old`` ones; 0 <= old <= new. None where old is 0 or new."""
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, stop, whole = 0, new, True
    while old < stop:  # old counts from the beginning of the log: it ends inside [start, stop)
        middle = start + _left(stop - start)
        if old <= middle:
            path.append(roots.root(middle, stop))
            stop = middle
        else:
            path.append(roots.root(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(roots.root(start, stop))
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, root: bytes, path: list[bytes]) -> None:
    """Pass when the leaf hash ``leaf`` stands at ``index`` of the tree. Raises Refused E-LEDGER-020."""
    if not 0 <= index < size:
        raise _does_not_hold()
    node, last = index, size - 1
    for other in path:
        if last == 0:
            raise _does_not_hold()
        if node & 1 or node == last:
            leaf = node_hash(other, leaf)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = node_hash(leaf, other)
        node, last = node >> 1, last >> 1
    if last != 0 or leaf != root:
        raise _does_not_hold()


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: list[bytes]) -> None:
    """Pass when the tree of ``new`` leaves begins with that of ``old`` leaves. Raises Refused E-LEDGER-020."""
    if old in (0, new):
        if path or (old_root != new_root if old == new else old_root != EMPTY_ROOT):
            raise _does_not_hold()
        return
    if not 0 < old < new or not path:
        raise _does_not_hold()
    rest = list(path) if old & (old - 1) else [old_root, *path]
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = rest[0]
    for other in rest[1:]:
        if last == 0:
            raise _does_not_hold()
        if node & 1 or node == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, other)
        node, last = node >> 1, last >> 1
    if last != 0 or first != old_root or second != new_root:
        raise _does_not_hold()


def _left(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def _does_not_hold() -> Refused:
    return Refused("E-LEDGER-020", "The proof does not hold; it was altered, or belongs to another ledger.")
