"""What a leaf says, as it lies on the disk: in plain, or sealed with the node's vault.

A leaf commits to the plain text, so the tree is the same either way: every hash and checkpoint can be verified without
the key, and with it that the contents are those. Each leaf is sealed under a key of its own (``identity.sealing``),
bound to its number, and padded, so that its length does not tell how much it says. The salt is sealed too: with it
anybody could try what the commitment may stand for.

    sealed: MAGIC | nonce | ChaCha20-Poly1305 of: salt (32) | length of the event (4) | event | zeros
"""

from __future__ import annotations

import struct

from seawall.identity.sealing import Box, is_sealed
from seawall.ledger.layout import SALT_BYTES, pack_payload, unpack_payload
from seawall.model import Fault

PADDED_TO = 256  # bytes: most events differ by less
_LENGTH = struct.Struct(">I")


def payload_of(salt: bytes, event: bytes, index: int, box: Box | None) -> bytes:
    """The bytes of one payload, sealed when there is a ``box``."""
    if box is None:
        return pack_payload(salt, event)
    plain = salt + _LENGTH.pack(len(event)) + event
    return box.seal(plain + bytes(-len(plain) % PADDED_TO), _about(index))


def opened_payload(data: bytes, index: int, box: Box | None) -> tuple[bytes, bytes] | None:
    """(salt, event); None when it was erased.

    Raises ValueError when it is damaged, Fault E-LEDGER-030 when it is sealed and there is no ``box``.
    """
    if not is_sealed(data):
        return unpack_payload(data)
    if box is None:
        raise Fault(
            "E-LEDGER-030",
            "The contents of the ledger are sealed with the node's vault; the tree can be verified without it, what "
            "leaves say cannot be read.",
        )
    try:
        plain = box.open(data, _about(index))
        (length,) = _LENGTH.unpack_from(plain, SALT_BYTES)
    except (Fault, struct.error):
        raise ValueError("not a payload") from None
    begin = SALT_BYTES + _LENGTH.size
    if len(plain) < begin + length:
        raise ValueError("not a payload")
    return plain[:SALT_BYTES], plain[begin : begin + length]


def _about(index: int) -> bytes:
    return f"leaf {index}".encode()
