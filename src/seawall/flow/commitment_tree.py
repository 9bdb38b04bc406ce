"""The mathematics of commitments: one value's hash, and the RFC 6962 Merkle tree over a batch. Pure.

commitment = SHA-256("seawall/commitment/v1" LF || salt || type LF || length LF || value LF || day LF || source class)
batch leaf = SHA-256(0x00 || commitment)        node = SHA-256(0x01 || left || right)        (RFC 6962 section 2.1)

The salt (16 random bytes) hides a value that could be guessed; the length in front of the value keeps two values from
giving one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

SALT_BYTES = 16
HASH_BYTES = 32
_TAG = b"seawall/commitment/v1\n"


def commitment(salt: bytes, type: bytes, value: bytes, day: int, source: bytes) -> bytes:
    """The 32 bytes that commit to a value; ``day`` in days since 1970-01-01."""
    return sha256(b"%b%b%b\n%d\n%b\n%d\n%b" % (_TAG, salt, type, len(value), value, day, source)).digest()


def root_of(commitments: Sequence[bytes]) -> bytes:
    """The Merkle tree hash over a batch, which is not empty."""
    level = leaves_of(commitments)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path_to(commitments: Sequence[bytes], place: int) -> list[bytes]:
    """The hashes that lead from one place of a batch to its root, deepest first; 0 <= place < length."""
    level, path = leaves_of(commitments), []
    while len(level) > 1:
        if place ^ 1 < len(level):
            path.append(level[place ^ 1])
        level, place = _above(level), place >> 1
    return path


def leaves_of(commitments: Sequence[bytes]) -> list[bytes]:
    """The leaf hash of each commitment."""
    return [sha256(b"\x00" + each).digest() for each in commitments]


def split(joined: bytes) -> list[bytes]:
    """Commitments as the store keeps them, one by one."""
    return [joined[start : start + HASH_BYTES] for start in range(0, len(joined), HASH_BYTES)]


def _above(level: list[bytes]) -> list[bytes]:
    """One level up; a last one without a neighbour goes up as it is, as the RFC's recursion has it."""
    found = [sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
    return [*found, level[-1]] if len(level) & 1 else found
