"""Masks that cancel: pairs of members share a seed, one adds what it grows to, the other takes it away, mod 2^64.

    shared(i, j) = X25519(key i, key j)                         keys made for this one round (RFC 7748)
    seed(i, j)   = HKDF-SHA256(shared, salt = SHA-256 of the proposal, info = purpose, round, query, members, keys)
    mask(i, j)   = ChaCha20(seed(i, j), nonce 0) as little-endian 64-bit words (RFC 8439; each seed is used once)

The proposal, the query, the sorted list of members and all their keys are bound into every seed: two rounds that
differ in any of it have masks that know nothing of each other, so that sums over two lists of members cannot be
subtracted below their noise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from seawall.model import Refused

PURPOSE = b"seawall aggregate mask 1"
WORD = 1 << 64
KEY_BYTES = 32


class Binding(msgspec.Struct, frozen=True):
    """What every seed of a round is bound to."""

    round_id: str
    proposal: bytes  # SHA-256 of the signed proposal
    query: bytes  # SHA-256 of the question
    keys: Mapping[str, bytes]  # node id -> X25519 public key, of all members

    @property
    def info(self) -> bytes:
        """All of it, each part with its length before it, so that no two lists read alike."""
        parts = [PURPOSE, self.round_id.encode(), self.query, struct.pack("<I", len(self.keys))]
        for node in sorted(self.keys):
            parts += [node.encode(), self.keys[node]]
        return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def new_key() -> X25519PrivateKey:
    """A key for one round."""
    return X25519PrivateKey.generate()


def public_of(key: X25519PrivateKey) -> bytes:
    """The 32 bytes that go into the set-up."""
    return key.public_key().public_bytes_raw()


def masked(vector: Sequence[int], node: str, key: X25519PrivateKey, binding: Binding) -> bytes:
    """``vector`` (signed whole numbers below 2^63) under the masks with all other members, as little-endian words.

    Raises Refused E-EXCHANGE-848 when a member's key is no usable point.
    """
    words = [value % WORD for value in vector]
    info, others = binding.info, [other for other in binding.keys if other != node]
    for other in others:
        grown = _grown(_seed(key, binding.keys[other], other, binding.proposal, info, node), len(words))
        if node < other:
            words = [(word + part) % WORD for word, part in zip(words, grown, strict=True)]
        else:
            words = [(word - part) % WORD for word, part in zip(words, grown, strict=True)]
    return struct.pack(f"<{len(words)}Q", *words)


def summed(vectors: Iterable[bytes]) -> list[int]:
    """The sum mod 2^64 of masked vectors of equal length, each word read as a signed number."""
    total: list[int] = []
    for vector in vectors:
        words = struct.unpack(f"<{len(vector) // 8}Q", vector)
        total = [(one + other) % WORD for one, other in zip(total, words, strict=True)] if total else list(words)
    return [word - WORD if word >= WORD // 2 else word for word in total]


def _seed(key: X25519PrivateKey, other: bytes, name: str, salt: bytes, info: bytes, node: str) -> bytes:
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError:  # of another length, or a point of small order
        raise Refused(
            "E-EXCHANGE-848", "The key that {node} gave for this round cannot be used; it was refused.", node=name
        ) from None
    pair = "|".join(sorted((node, name))).encode()
    return HKDF(SHA256(), 32, salt, info + struct.pack("<I", len(pair)) + pair).derive(shared)


def _grown(seed: bytes, count: int) -> tuple[int, ...]:
    encryptor = Cipher(ChaCha20(seed, bytes(16)), mode=None).encryptor()
    return struct.unpack(f"<{count}Q", encryptor.update(bytes(8 * count)))
