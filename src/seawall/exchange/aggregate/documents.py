"""What members of a round say to each other: four small documents, each signed (DSSE) by the node that speaks.

    agreement     "this is the catalogue I work with"
    proposal      the starter: query, period, members; its SHA-256 names the round's content
    set-up        a member that takes part: its key for this round
    contribution  its masked vectors, and the commitment to what stands in them

Opening one, in order: (1) size, (2) form, (3) signature by the key that we hold of the node it names. Whether it fits
the round is for ``rounds``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from seawall.exchange.aggregate.bounds import MAX_BUNDLE_BYTES, MAX_DOCUMENT_BYTES, MAX_DOCUMENTS
from seawall.exchange.aggregate.weeks import Period
from seawall.identity import dsse
from seawall.model import Refused
from seawall.model.unreadable import UNREADABLE

DOCUMENT_TYPE = "application/vnd.seawall.aggregate.v1+json"
BUNDLE_FORMAT = "seawall-aggregate-1"


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="agreement"):
    """A node works with one catalogue."""

    node: str  # node id, as everywhere here
    catalogue: str  # SHA-256, lower hex
    version: int
    at: int  # microseconds UTC


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="proposal"):
    """A round as its starter wants it."""

    node: str  # the starter
    round_id: str  # 32 lower hex digits, random
    query: str
    catalogue: str
    first_week: int
    weeks: int
    members: tuple[str, ...]  # node ids, sorted; the starter is one of them
    rerun_of: str  # the round that this one replaces; empty: none
    at: int
    expires: int

    @property
    def period(self) -> Period:
        """Its weeks."""
        return Period(self.first_week, self.weeks)


class SetUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="set-up"):
    """A member's key for this round."""

    node: str
    round_id: str
    proposal: str  # SHA-256 of the proposal's signed payload, lower hex
    catalogue: str
    key: bytes  # X25519
    at: int


class Contribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="contribution"):
    """A member's masked vectors: counts, then whether it has some, each a 64-bit little-endian word a bin."""

    node: str
    round_id: str
    roster: str  # SHA-256 over all set-ups, lower hex
    vector: bytes
    commitment: str  # SHA-256 over salt and input, lower hex
    at: int


Document = Agreement | Proposal | SetUp | Contribution
Kind = TypeVar("Kind", Agreement, Proposal, SetUp, Contribution)


class Signed(msgspec.Struct, frozen=True):
    """A document, the envelope it came in, and the SHA-256 of what was signed."""

    document: Document
    envelope: bytes
    digest: str


class _Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    documents: tuple[str, ...]


def seal(document: Document, signer: dsse.Signer) -> Signed:
    """Sign one."""
    payload = msgspec.json.encode(document, order="sorted")
    return Signed(document, dsse.sign(payload, DOCUMENT_TYPE, signer), hashlib.sha256(payload).hexdigest())


def open_signed(envelope: bytes, keys_of: Callable[[str], Iterable[bytes]]) -> Signed:
    """The document in an envelope. ``keys_of``: the signing keys we hold of a node id; none for a stranger.

    Raises Refused E-EXCHANGE-840 (too large, or no such document), -841 (not signed by the node that it names).
    """
    document = _read(_peeked(envelope))
    try:
        payload = dsse.verify(envelope, DOCUMENT_TYPE, keys_of(document.node))
    except Refused:
        raise Refused(
            "E-EXCHANGE-841",
            "A document of an aggregate round is not signed by a key that we hold of {node}; it was not taken in.",
            node=document.node,
        ) from None
    return Signed(document, envelope, hashlib.sha256(payload).hexdigest())


def reopened(envelope: bytes, kind: type[Kind]) -> Kind:
    """A document from our own book: its signature held when it was taken in, and the key may have changed since."""
    return msgspec.json.decode(dsse.peek(envelope, DOCUMENT_TYPE), type=kind)


def pack(envelopes: Iterable[bytes]) -> bytes:
    """Several signed documents as one message or file."""
    return msgspec.json.encode(_Bundle(BUNDLE_FORMAT, tuple(one.decode("ascii") for one in envelopes)))


def unpack(body: bytes) -> tuple[bytes, ...]:
    """The envelopes of a message or file, unopened. Raises Refused E-EXCHANGE-840."""
    try:
        if len(body) <= MAX_BUNDLE_BYTES:
            bundle = msgspec.json.decode(body, type=_Bundle)
            if bundle.format == BUNDLE_FORMAT and 0 < len(bundle.documents) <= MAX_DOCUMENTS:
                return tuple(one.encode() for one in bundle.documents)
    except UNREADABLE:
        pass
    raise _no_document()


def _peeked(envelope: bytes) -> bytes:
    if len(envelope) <= MAX_DOCUMENT_BYTES:
        try:
            return dsse.peek(envelope, DOCUMENT_TYPE)
        except Refused:
            pass
    raise _no_document()


def _read(payload: bytes) -> Document:
    try:
        document: Any = msgspec.json.decode(payload, type=Document)
    except UNREADABLE:
        raise _no_document() from None
    # one spelling only, so that a digest names one content
    if msgspec.json.encode(document, order="sorted") != payload:
        raise _no_document()
    return document  # type: ignore[no-any-return]


def _no_document() -> Refused:
    return Refused("E-EXCHANGE-840", "This is no document of an aggregate round; it was not taken in.")
