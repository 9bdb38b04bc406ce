"""One notice, signed and opened. Pure: keys and moments are given.

The order of opening: (1) size, (2) signature by a key of that peer, (3) form, (4) sender and recipient, (5) moment.
What fails (1) to (4) is the peer's misdeed, because nobody else can speak on its line or sign in its name.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from seawall.exchange.discipline import Misdeed
from seawall.exchange.nesting import nested_deeper
from seawall.exchange.notices.bounds import DEFAULT_NOTICE_BOUNDS, NoticeBounds
from seawall.exchange.notices.paths import NOTICE_TYPE
from seawall.identity import dsse
from seawall.model import Fault, Refused
from seawall.model.notice import NoticeKind
from seawall.model.unreadable import UNREADABLE

MAX_NUMBER = 1 << 53  # what every JSON reader holds exactly
SECOND = 1_000_000


class Payload(msgspec.Struct, frozen=True):
    """What is signed. ``from`` and ``to`` are node ids."""

    sender: str = msgspec.field(name="from")
    to: str
    number: int
    kind: NoticeKind
    at: int
    body: dict[str, Any]


class Sealed(msgspec.Struct, frozen=True):
    """A signed notice and what stands in it."""

    payload: Payload
    envelope: bytes
    digest: str  # SHA-256 of the signed payload, lower hex


class BadNotice(Refused):
    """A notice that cannot be taken; ``misdeed`` is None where nobody did wrong."""

    def __init__(self, misdeed: Misdeed | None, code: str, text: str, **values: object) -> None:
        self.misdeed = misdeed
        super().__init__(code, text, **values)


def seal_notice(
    signer: dsse.Signer | Callable[[bytes, str], bytes],
    *,
    sender: str,
    to: str,
    number: int,
    kind: NoticeKind,
    at: int,
    body: Mapping[str, object],
    bounds: NoticeBounds = DEFAULT_NOTICE_BOUNDS,
) -> Sealed:
    """Sign one, or prove it otherwise: ``signer(payload, type)`` gives the envelope.

    Raises Fault E-EXCHANGE-602 when the body is larger than a notice may be.
    """
    plain = msgspec.json.encode(body, order="sorted")
    if len(plain) > bounds.body_bytes:
        raise Fault("E-EXCHANGE-602", "A notice holds at most {most} bytes; say it in several.", most=bounds.body_bytes)
    payload = Payload(sender, to, number, kind, at, msgspec.json.decode(plain, type=dict[str, Any]))
    encoded = msgspec.json.encode(payload, order="sorted")
    envelope = signer(encoded, NOTICE_TYPE) if callable(signer) else dsse.sign(encoded, NOTICE_TYPE, signer)
    return Sealed(payload, envelope, hashlib.sha256(encoded).hexdigest())


def open_notice(
    envelope: bytes,
    *,
    peer: str,
    sender: str,
    to: str,
    keys: Iterable[bytes],
    at: int,
    believe: Callable[[bytes, str], bytes] | None = None,
    bounds: NoticeBounds = DEFAULT_NOTICE_BOUNDS,
) -> Sealed:
    """The notice in an envelope that ``peer`` (node id ``sender``) signed for us (``to``). ``at``: our clock.

    ``believe(envelope, type)`` gives the payload or raises Refused, for proofs that are no signatures.

    Raises BadNotice E-EXCHANGE-603 (too large), -604 (unsigned, altered or another's), -605 (not a notice), -606 (not
    for us), -607 (from the future).
    """
    if len(envelope) > bounds.envelope_bytes:
        raise BadNotice(
            Misdeed.OVERSIZE, "E-EXCHANGE-603", "A notice from {peer} is larger than one may be; it was not read.",
            peer=peer,
        )  # fmt: skip
    try:
        encoded = dsse.verify(envelope, NOTICE_TYPE, keys) if believe is None else believe(envelope, NOTICE_TYPE)
    except Refused as refused:
        forged = refused.code == "E-IDENTITY-012"
        raise BadNotice(
            Misdeed.FORGED if forged else Misdeed.MALFORMED,
            "E-EXCHANGE-604",
            "A notice that came from {peer} is not signed by it, or was altered; it was not read.",
            peer=peer,
        ) from None
    payload = _read(encoded, peer, bounds)
    if payload.sender != sender or payload.to != to:
        raise BadNotice(
            Misdeed.FORGED,
            "E-EXCHANGE-606",
            "Notice {number} from {peer} was signed for another node; it was not taken in.",
            number=payload.number,
            peer=peer,
        )
    if payload.at > at + int(bounds.ahead_seconds * SECOND):
        raise BadNotice(
            None,
            "E-EXCHANGE-607",
            "Notice {number} from {peer} bears a moment in the future; compare both clocks, then send it again.",
            number=payload.number,
            peer=peer,
        )
    return Sealed(payload, envelope, hashlib.sha256(encoded).hexdigest())


def read_payload(envelope: bytes) -> Payload:
    """What stands in an envelope from our own book: not checked, because the key may have been rotated since."""
    payload = msgspec.json.decode(envelope, type=_Payload).payload
    return msgspec.json.decode(base64.b64decode(payload), type=Payload)


class _Payload(msgspec.Struct):
    payload: str


def _read(encoded: bytes, peer: str, bounds: NoticeBounds) -> Payload:
    try:
        if not nested_deeper(encoded, bounds.nesting):
            payload = msgspec.json.decode(encoded, type=Payload)
            small = len(msgspec.json.encode(payload.body)) <= bounds.body_bytes
            if small and 0 < payload.number <= MAX_NUMBER and 0 <= payload.at <= MAX_NUMBER:
                return payload
    except UNREADABLE:
        pass
    raise BadNotice(
        Misdeed.MALFORMED,
        "E-EXCHANGE-605",
        "What {peer} signed is no notice that this version can read; update the older of the two nodes.",
        peer=peer,
    )
