"""What travels between a relay and its users: paths, headers, the frames of a fetch.

POST /v1/mailbox/<id>?expires=<seconds>             the message             200 {"id": ...}
GET  /v1/mailbox/<id>?after=<id>&limit=N&wait=S                             200 frames, oldest first
POST /v1/mailbox/<id>/delete                        16 bytes an id          200 {"deleted": N}
GET  /v1/count/<round>                                                      200 answer, 202 waiting, 204 nothing given
POST /v1/count/<round>                              16 bytes a tag          200 answer, 202 waiting
POST /v1/witness/add-checkpoint                     c2sp.org/tlog-witness   200 cosignature line
GET  /v1/relay                                                              200 roles, sizes, witness key

A frame: id (16 bytes) || expires, seconds (8, big-endian) || length (4) || message.
The token travels as ``Authorization: Bearer <43 letters base64url>``.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterator

from seawall.exchange.relay.interface import ID_BYTES, TOKEN_BYTES, Waiting

MAILBOX = "/v1/mailbox/"
COUNT = "/v1/count/"
WITNESS = "/v1/witness/add-checkpoint"
ABOUT = "/v1/relay"
BYTES = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
TLOG_SIZE = "text/x.tlog.size"  # c2sp.org/tlog-witness: the body of 409
FRAME = struct.Struct(f">{ID_BYTES}sQI")
SECOND = 1_000_000
_TOKEN_LETTERS = 43


def token_text(token: bytes) -> str:
    """A token as people and headers carry it: 43 letters."""
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def read_token(text: str) -> bytes | None:
    """The 32 bytes of a token, or None for anything else."""
    if len(text) != _TOKEN_LETTERS or not text.isascii():
        return None
    try:
        token = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return token if len(token) == TOKEN_BYTES and token_text(token) == text else None


def read_id(text: str) -> bytes | None:
    """The 16 bytes of an id written as 32 lower hex digits, or None for anything else."""
    if len(text) != 2 * ID_BYTES or any(letter not in "0123456789abcdef" for letter in text):
        return None
    return bytes.fromhex(text)


def frame_head(id: bytes, expires: int, length: int) -> bytes:
    """What stands before each message of a fetch; ``expires`` in seconds."""
    return FRAME.pack(id, expires, length)


def read_frames(body: bytes) -> Iterator[Waiting]:
    """The messages of a fetch. Raises ValueError when the body is cut off or is none."""
    at = 0
    while at < len(body):
        if at + FRAME.size > len(body):
            raise ValueError("cut off")
        id, expires, length = FRAME.unpack_from(body, at)
        at += FRAME.size
        if at + length > len(body) or expires > 2**40:
            raise ValueError("cut off")
        yield Waiting(id.hex(), body[at : at + length], expires * SECOND)
        at += length
