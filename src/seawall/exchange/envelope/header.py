"""The outside of a sealed message: all that whoever carries it can read.

    0   4   "SWSM"
    4   2   version, which names the suite (big-endian, as all numbers)
    6   16  the recipient's key, under a name that holds in this mailbox only
    22  16  mailbox, or zeros for the direct line
    38  4   bytes that follow: the KEM's 1,120, then the ciphertext with its tag
    42

A prekey is the same for all who write to a node. So that a relay cannot tell by it that two mailboxes belong to one
node, the header names it by SHA-256(key id || mailbox), cut to 16 bytes; the key id itself is known to peers only.
"""

from __future__ import annotations

import hashlib
import re
import struct

import msgspec

from seawall.exchange.envelope.bounds import HEADER_BYTES, MAX_ENVELOPE_BYTES, OVERHEAD_BYTES, VERSION
from seawall.exchange.envelope.faults import cut_short, other_version, oversized
from seawall.model import Fault

MAGIC = b"SWSM"
NO_MAILBOX = bytes(16)
_LAYOUT = struct.Struct(">4sH16s16sI")
_MAILBOX = re.compile(r"[0-9a-f]{32}")


class Outside(msgspec.Struct, frozen=True):
    """The header, read and not yet believed."""

    version: int
    key: bytes  # 16
    mailbox: bytes  # 16
    length: int

    def encode(self) -> bytes:
        """The 42 bytes; they are also what the seal is bound to."""
        return _LAYOUT.pack(MAGIC, self.version, self.key, self.mailbox, self.length)


def key_name(key_id: bytes, mailbox: bytes) -> bytes:
    """The 16 bytes by which a prekey (its 32-byte id) is called in one mailbox (16 bytes)."""
    return hashlib.sha256(b"seawall key in a mailbox 1\n" + key_id + mailbox).digest()[:16]


def mailbox_bytes(mailbox: str) -> bytes:
    """The 16 bytes of a mailbox's 32 lower hex digits; zeros for ``""``. Raises Fault E-EXCHANGE-754."""
    if not mailbox:
        return NO_MAILBOX
    if not _MAILBOX.fullmatch(mailbox):
        raise Fault(
            "E-EXCHANGE-754", "{given} is no mailbox; one is named by 32 digits 0-9 and a-f.", given=repr(mailbox[:40])
        )
    return bytes.fromhex(mailbox)


def read_outside(data: bytes) -> Outside:
    """The header of a whole sealed message. Raises BadEnvelope E-EXCHANGE-741, 742, 743."""
    if len(data) > MAX_ENVELOPE_BYTES:
        raise oversized()
    if len(data) < OVERHEAD_BYTES:
        raise cut_short()
    magic, version, key, mailbox, length = _LAYOUT.unpack_from(data)
    if magic != MAGIC:
        raise cut_short()
    if version != VERSION:
        raise other_version(version)
    if length != len(data) - HEADER_BYTES:
        raise cut_short()
    return Outside(version, key, mailbox, length)
