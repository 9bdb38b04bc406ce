"""The inside of a sealed message: a statement with its proof, the body that it commits to, and zeros.

    0    4   bytes of the statement
    4    n   statement: DSSE over JSON, by the sender's Ed25519 key, or by a key that both sides share (``between_us``)
    4+n  m   body: m and its SHA-256 stand in the statement
    ...      zeros up to the size class

The body is not inside the DSSE envelope, whose base64 would add a third to it.
"""

from __future__ import annotations

import hashlib
import struct

import msgspec

from seawall.exchange.envelope.bounds import MAX_BODY_BYTES, MAX_LIFE, MAX_NUMBER, MAX_STATEMENT_BYTES, VERSION
from seawall.exchange.envelope.faults import unreadable
from seawall.model.circle import Proof
from seawall.model.message import MessageKind
from seawall.model.unreadable import UNREADABLE

STATEMENT_TYPE = "application/vnd.seawall.message.v1+json"
_LENGTH = struct.Struct(">I")


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the sender stands for. Moments in microseconds UTC, its own clock; digests and ids in lower hex."""

    version: int = VERSION
    sender: str = msgspec.field(name="from")  # node id
    to: str  # node id
    to_key: str  # the recipient's prekey
    from_key: str = ""  # the sender's prekey, where a shared key stands behind this
    proof: Proof
    id: str  # 16 random bytes
    sequence: int
    kind: MessageKind
    created: int
    expires: int
    body_bytes: int
    body_sha256: str


def encode_statement(statement: Statement) -> bytes:
    """The JSON that is signed."""
    return msgspec.json.encode(statement, order="sorted")


def read_statement(payload: bytes) -> Statement:
    """The statement in signed bytes. Raises BadEnvelope E-EXCHANGE-747 for one that cannot be."""
    try:
        said = msgspec.json.decode(payload, type=Statement)
        bytes.fromhex(said.to_key), bytes.fromhex(said.from_key)
        numbers = 0 < said.sequence <= MAX_NUMBER and 0 <= said.created < said.expires <= MAX_NUMBER
        texts = len(said.id) == 32 and len(bytes.fromhex(said.id)) == 16
        if numbers and texts and 0 <= said.body_bytes <= MAX_BODY_BYTES and said.expires - said.created <= MAX_LIFE:
            return said
    except (ValueError, *UNREADABLE):
        pass
    raise unreadable()


def pack(envelope: bytes, body: bytes, size: int) -> bytes:
    """``size`` bytes: the statement's envelope, the body, zeros."""
    inside = _LENGTH.pack(len(envelope)) + envelope + body
    return inside + bytes(size - len(inside))


def unpack(inside: bytes) -> tuple[bytes, bytes]:
    """The statement's envelope, and all that follows it. Raises BadEnvelope E-EXCHANGE-747."""
    (length,) = _LENGTH.unpack_from(inside)
    if length > min(MAX_STATEMENT_BYTES, len(inside) - _LENGTH.size):
        raise unreadable()
    start = _LENGTH.size + length
    return inside[_LENGTH.size : start], inside[start:]


def body_of(statement: Statement, rest: bytes) -> bytes:
    """The body that the statement commits to; raises BadEnvelope E-EXCHANGE-747 when that is not what follows it."""
    body, zeros = rest[: statement.body_bytes], rest[statement.body_bytes :]
    if len(body) != statement.body_bytes or any(zeros) or hashlib.sha256(body).hexdigest() != statement.body_sha256:
        raise unreadable()
    return body
