"""RFC 6962 section 2.1: the Merkle tree hash, kept as a frontier so that an append costs O(log n).

leaf hash = SHA-256(0x00 || leaf data)        node hash = SHA-256(0x01 || left || right)
leaf data = commitment = SHA-256(salt || canonical event)         (32 bytes, so a tree shows no contents)
"""

from __future__ import annotations

import hashlib

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the complete subtrees at the right edge, widest first; with the size they are the whole state."""

    __slots__ = ("nodes", "size")

    def __init__(self, size: int = 0, nodes: tuple[bytes, ...] = ()) -> None:
        self.size = size
        self.nodes = list(nodes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        rest = self.size
        while rest & 1:  # every trailing one-bit of the size is a complete subtree to merge with
            leaf = node_hash(self.nodes.pop(), leaf)
            rest >>= 1
        self.nodes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves so far (32 bytes)."""
        if not self.nodes:
            return EMPTY_ROOT
        whole = self.nodes[-1]
        for left in reversed(self.nodes[:-1]):
            whole = node_hash(left, whole)
        return whole

    def copy(self) -> Frontier:
        """An independent frontier of the same size."""
        return Frontier(self.size, tuple(self.nodes))
