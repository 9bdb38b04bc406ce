"""The mathematics: ristretto255 by libsodium, with the hashing of RFC 9497. No messages, no state, no I/O.

Points and scalars are 32 bytes, as RFC 9496 and RFC 9497 section 4.1 write them. Points of others are refused when
they are not canonical or are the identity; scalars of others when they are not below the group's order.

    hash_to_group(value, dst)   RFC 9497 section 4.1: expand_message_xmd with SHA-512 to 64 bytes (RFC 9380 section
                                5.3.1), then the one-way map of ristretto255
    multiply(k, P)              k*P, in constant time

libsodium is loaded at the first use and tried against a published vector before it is trusted.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from seawall.model import Fault, Refused

POINT_BYTES = 32
SCALAR_BYTES = 32
UNIFORM_BYTES = 64
ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 9496 section 4.4
MOST_DST_BYTES = 255  # RFC 9380 section 5.3.3: a longer tag is hashed first
_BLOCK = bytes(128)  # Z_pad: SHA-512's input block
_IDENTITY = bytes(POINT_BYTES)


@cache
def library() -> Any:
    """pysodium over the system's libsodium, initialised and tried.

    Raises Fault E-EXCHANGE-700 when either is missing, E-EXCHANGE-701 when it does not compute what the RFC says.
    """
    try:
        import pysodium
    except (
        ImportError,
        OSError,
        AttributeError,
        TypeError,
        ValueError,
    ):  # it says no more than that when it finds none
        raise Fault(
            "E-EXCHANGE-700",
            "Private set intersection needs libsodium: install 'seawall[quiet]' and the system package libsodium23.",
        ) from None
    if not hasattr(pysodium, "crypto_scalarmult_ristretto255") or pysodium.sodium_init() < 0 or not _right(pysodium):
        raise Fault(
            "E-EXCHANGE-701",
            "The installed libsodium does not compute ristretto255 as published; install libsodium 1.0.18 or newer.",
        )
    return pysodium


def hash_to_group(message: bytes, dst: bytes) -> bytes:
    """A point whose discrete logarithm nobody knows. RFC 9497 section 4.1, RFC 9380 section 5.3.1."""
    point: bytes = library().crypto_core_ristretto255_from_hash(expand_message_xmd(message, dst, 64))
    return point


def hash_to_scalar(message: bytes, dst: bytes) -> bytes:
    """A scalar. RFC 9497 section 4.1."""
    return to_scalar(expand_message_xmd(message, dst, 64))


def derive_scalar(seed: bytes, info: bytes, context: bytes) -> bytes:
    """A secret scalar from a seed of 32 bytes. RFC 9497 section 3.2.1, DeriveKeyPair."""
    message = seed + len(info).to_bytes(2) + info
    for counter in range(256):
        scalar = hash_to_scalar(message + counter.to_bytes(1), b"DeriveKeyPair" + context)
        if any(scalar):
            return scalar
    raise ValueError("no scalar from this seed")  # probability 2^-64000


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """``length`` uniform bytes by SHA-512. RFC 9380 section 5.3.1; tags above 255 bytes by section 5.3.3."""
    blocks = -(-length // 64)
    if not 0 < blocks <= 255:
        raise ValueError("1 to 16,320 bytes")
    tag = _tag(dst)
    first = hashlib.sha512(_BLOCK + message + length.to_bytes(2) + b"\0" + tag).digest()
    block = hashlib.sha512(first + b"\x01" + tag).digest()
    found = block
    for number in range(2, blocks + 1):
        mixed = int.from_bytes(first) ^ int.from_bytes(block)
        block = hashlib.sha512(mixed.to_bytes(64) + number.to_bytes(1) + tag).digest()
        found += block
    return found[:length]


def to_scalar(uniform: bytes) -> bytes:
    """64 uniform bytes modulo the group's order."""
    scalar: bytes = library().crypto_core_ristretto255_scalar_reduce(uniform)
    return scalar


def to_point(uniform: bytes) -> bytes:
    """A random point from 64 uniform bytes."""
    point: bytes = library().crypto_core_ristretto255_from_hash(uniform)
    return point


def checked_scalar(scalar: bytes) -> bytes:
    """A scalar of the other side. Raises Refused E-EXCHANGE-702 unless it is canonical."""
    if len(scalar) != SCALAR_BYTES or int.from_bytes(scalar, "little") >= ORDER:
        raise bad_element()
    return scalar


def checked_point(point: bytes) -> bytes:
    """A point of the other side. Raises Refused E-EXCHANGE-702 unless it is canonical and not the identity."""
    if len(point) != POINT_BYTES or point == _IDENTITY or _has_top_bit(point):
        raise bad_element()
    if not library().crypto_core_ristretto255_is_valid_point(point):
        raise bad_element()
    return point


def multiply(scalar: bytes, point: bytes) -> bytes:
    """scalar * point. Raises Refused E-EXCHANGE-702 for a point that is not canonical, or when 0 comes out."""
    if len(point) != POINT_BYTES or _has_top_bit(point):
        raise bad_element()
    try:
        product: bytes = library().crypto_scalarmult_ristretto255(scalar, point)
    except ValueError:  # libsodium refuses both by itself
        raise bad_element() from None
    return product


def multiply_base(scalar: bytes) -> bytes:
    """scalar * G."""
    product: bytes = library().crypto_scalarmult_ristretto255_base(scalar)
    return product


def add(left: bytes, right: bytes) -> bytes:
    """left + right. Raises Refused E-EXCHANGE-702 for points that are not canonical."""
    try:
        total: bytes = library().crypto_core_ristretto255_add(left, right)
    except ValueError:
        raise bad_element() from None
    return total


def invert(scalar: bytes) -> bytes:
    """1 / scalar."""
    inverse: bytes = library().crypto_core_ristretto255_scalar_invert(scalar)
    return inverse


def product(left: bytes, right: bytes) -> bytes:
    """left * right, of scalars."""
    found: bytes = library().crypto_core_ristretto255_scalar_mul(left, right)
    return found


def less_product(left: bytes, factor: bytes, right: bytes) -> bytes:
    """left - factor * right, of scalars."""
    sodium = library()
    found: bytes = sodium.crypto_core_ristretto255_scalar_sub(
        left, sodium.crypto_core_ristretto255_scalar_mul(factor, right)
    )
    return found


def expand_all(dst: bytes, values: Sequence[bytes]) -> bytes:
    """64 uniform bytes for each value: expand_message_xmd(value, dst, 64)."""
    tag = _tag(dst)
    start, between, behind = hashlib.sha512(_BLOCK), b"\0\x40\0" + tag, b"\x01" + tag  # 0x0040: 64 bytes wanted
    sha512 = hashlib.sha512
    found = []
    for value in values:
        expand = start.copy()
        expand.update(value + between)
        found.append(sha512(expand.digest() + behind).digest())
    return b"".join(found)


def map_all(scalar: bytes, uniform: bytes) -> bytes:
    """32 bytes for each 64 of ``uniform``: scalar times the point they stand for."""
    sodium = _bare(scalar)
    to_group, times = sodium.crypto_core_ristretto255_from_hash, sodium.crypto_scalarmult_ristretto255
    point, product = ctypes.create_string_buffer(POINT_BYTES), ctypes.create_string_buffer(POINT_BYTES)
    found = []
    for element in split(uniform, UNIFORM_BYTES):
        to_group(point, element)
        if times(product, scalar, point):
            raise bad_element()
        found.append(product.raw)
    return b"".join(found)


def evaluate_all(scalar: bytes, points: bytes, keep: int) -> bytes:
    """The first ``keep`` bytes of scalar * point, for each point. Raises Refused E-EXCHANGE-702 for one bad point."""
    times = _bare(scalar).crypto_scalarmult_ristretto255
    if len(points) % POINT_BYTES or _has_top_bit(points):
        raise bad_element()
    product = ctypes.create_string_buffer(POINT_BYTES)
    found = []
    for start in range(0, len(points), POINT_BYTES):
        if times(product, scalar, points[start : start + POINT_BYTES]):
            raise bad_element()
        found.append(product.raw[:keep])
    return b"".join(found)


def _bare(scalar: bytes) -> Any:
    """The library's own functions, which check no lengths: for the two loops, where a buffer each costs 3 %."""
    if len(scalar) != SCALAR_BYTES:
        raise ValueError("a scalar is 32 bytes")
    return library().sodium


def split(packed: bytes, size: int = POINT_BYTES) -> Iterable[bytes]:
    """The elements of a packed list."""
    return (packed[start : start + size] for start in range(0, len(packed), size))


def bad_element() -> Refused:
    """What is said of a point or scalar that is none."""
    return Refused(
        "E-EXCHANGE-702", "The other side sent a value that is no valid group element; its part was refused."
    )


def _has_top_bit(points: bytes) -> bool:
    # libsodium 1.0.18 reads a point without looking at bit 255, so that each had two spellings (mended in 1.0.19)
    return max(points[POINT_BYTES - 1 :: POINT_BYTES], default=0) > 0x7F


def _tag(dst: bytes) -> bytes:
    if len(dst) > MOST_DST_BYTES:
        dst = hashlib.sha512(b"H2C-OVERSIZE-DST-" + dst).digest()
    return dst + len(dst).to_bytes(1)


def _right(sodium: Any) -> bool:
    """That libsodium computes the vector, and that what must be refused is refused."""
    blind, uniform, blinded = VECTOR
    if sodium.crypto_scalarmult_ristretto255(blind, sodium.crypto_core_ristretto255_from_hash(uniform)) != blinded:
        return False
    for refused in NOT_POINTS:
        try:
            sodium.crypto_scalarmult_ristretto255(blind, refused)
        except ValueError:
            continue
        return False
    return True


VECTOR = (  # RFC 9497 appendix A.1.1, test vector 1: blind, input expanded, blinded element
    bytes.fromhex("64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"),
    expand_message_xmd(b"\0", b"HashToGroup-OPRFV1-\0-ristretto255-SHA512", 64),
    bytes.fromhex("609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c"),
)
NOT_POINTS = (_IDENTITY, b"\xff" * POINT_BYTES, b"\x01" + bytes(31))  # identity, not canonical, negative
