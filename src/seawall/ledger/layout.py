"""The bytes on disk.

``leaves``: one 160-byte record a leaf, big-endian; the last record of each batch is a *head*.

    0     4       8       16       24      28   32           64     96          160
    | crc | flags | index | offset | length | 0 | commitment | root | signature |
      crc = CRC-32 of bytes 4..160      flags: 1 head, 2 signed      root, signature: zero except in a head

``payloads``: for each leaf, at (offset, length): 64 hex digits of salt, a space, the canonical event, a newline.
Erased contents are a salt of zeros and spaces; the tree still verifies.

``checkpoint``: the last head as C2SP text. ``frontier``, ``refusals``: derived, made again when lost.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

import msgspec

RECORD_BYTES = 160
SALT_BYTES = 32
HEAD = 1
SIGNED = 2
_BODY = struct.Struct(">IQQII32s32s64s")
_CRC = struct.Struct(">I")
_ERASED_SALT = b"0" * (2 * SALT_BYTES)


class Leaf(msgspec.Struct, frozen=True):
    """One record of ``leaves``."""

    index: int
    offset: int
    length: int
    commitment: bytes
    flags: int = 0
    root: bytes = bytes(32)
    signature: bytes = bytes(64)

    @property
    def is_head(self) -> bool:
        """True for the last record of a batch."""
        return bool(self.flags & HEAD)

    @property
    def end(self) -> int:
        """Where this leaf's payload ends."""
        return self.offset + self.length


def pack(leaf: Leaf) -> bytes:
    """The 160 bytes of ``leaf``."""
    body = _BODY.pack(leaf.flags, leaf.index, leaf.offset, leaf.length, 0, leaf.commitment, leaf.root, leaf.signature)
    return _CRC.pack(zlib.crc32(body)) + body


def unpack(record: bytes) -> Leaf | None:
    """The leaf in 160 bytes; None when the record is torn or damaged."""
    if len(record) != RECORD_BYTES or _CRC.unpack_from(record)[0] != zlib.crc32(record[4:]):
        return None
    flags, index, offset, length, _, commitment, root, signature = _BODY.unpack_from(record, 4)
    return Leaf(index, offset, length, commitment, flags, root, signature)


def commitment_of(salt: bytes, event: bytes) -> bytes:
    """What a leaf commits to: SHA-256(salt || event)."""
    return hashlib.sha256(salt + event).digest()


def pack_payload(salt: bytes, event: bytes) -> bytes:
    """One line of ``payloads``."""
    return salt.hex().encode() + b" " + event + b"\n"


def erased_payload(length: int) -> bytes:
    """What stands in place of an erased payload of ``length`` bytes."""
    return _ERASED_SALT + b" " * (length - len(_ERASED_SALT) - 1) + b"\n"


def unpack_payload(line: bytes) -> tuple[bytes, bytes] | None:
    """(salt, event) of one payload; None when it was erased. Raises ValueError when it is neither."""
    if line == erased_payload(len(line)):
        return None
    if len(line) < 2 * SALT_BYTES + 2 or line[64:65] != b" " or not line.endswith(b"\n"):
        raise ValueError("not a payload")
    salt = bytes.fromhex(line[:64].decode("ascii"))
    if salt.hex().encode() != line[:64]:  # one spelling only: upper case would be an edit nobody sees
        raise ValueError("not a payload")
    return salt, line[65:-1]
