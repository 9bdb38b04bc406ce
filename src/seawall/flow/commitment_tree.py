"""The mathematics of commitments: one value's hash, and the RFC 6962 Merkle tree over a batch. Pure.

commitment = SHA-256("seawall/commitment/v1" LF || salt || type LF || length LF || value LF || day LF || source class)
batch leaf = SHA-256(0x00 || commitment)        node = SHA-256(0x01 || left || right)        (RFC 6962 section 2.1)

The salt (16 random bytes) hides a value that could be guessed; the length in front of the value keeps two values from
giving one text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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


def paths_to(commitments: Sequence[bytes], places: Collection[int]) -> list[bytes]:
    """The hashes that lead from several places of a batch to its root at once: level by level, deepest first, from the
    left, each only where no other place gives it. 0 <= place < length."""
    level, at, proof = leaves_of(commitments), sorted(set(places)), []
    while len(level) > 1:
        known = set(at)
        proof += [level[place ^ 1] for place in at if place ^ 1 not in known and place ^ 1 < len(level)]
        level, at = _above(level), sorted({place >> 1 for place in at})
    return proof


def root_over(count: int, commitments: Mapping[int, bytes], proof: Sequence[bytes]) -> bytes | None:
    """The root that ``commitments`` (place -> commitment) and the hashes of ``paths_to`` give in a batch of ``count``;
    None when the hashes are too few or too many, or a place is outside."""
    if not commitments or not 0 <= min(commitments) <= max(commitments) < count:
        return None
    level, given = {place: sha256(b"\x00" + one).digest() for place, one in sorted(commitments.items())}, iter(proof)
    while count > 1:
        above: dict[int, bytes] = {}
        for place, one in level.items():  # in rising order, as ``paths_to`` wrote them
            if place >> 1 in above:
                continue
            beside = place ^ 1
            if beside >= count:
                above[place >> 1] = one
                continue
            other = level[beside] if beside in level else next(given, None)
            if other is None:
                return None
            left, right = (one, other) if beside > place else (other, one)
            above[place >> 1] = sha256(b"\x01" + left + right).digest()
        level, count = above, (count + 1) >> 1
    return level[0] if next(given, None) is None else None


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
