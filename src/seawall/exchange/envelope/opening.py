"""Open a sealed message from one peer.

Steps, each with its own sentence: (1) size and header, (2) the version, (3) the mailbox it lay in, (4) our key, (5) the
seal, which stands for the header too, (6) the proof, (7) the version again, as the sender said it, (8) sender,
recipient and key, (9) the moments, (10) the body. Nothing is handed on before the last. The caller owes the sequence:
whether a number came before.
"""

from __future__ import annotations

import hashlib

import msgspec
from cryptography.exceptions import InvalidTag

from seawall.exchange.envelope.bounds import HEADER_BYTES, MAX_AHEAD, VERSION
from seawall.exchange.envelope.faults import (
    altered,
    downgraded,
    expired,
    for_another,
    from_the_future,
    not_from_peer,
    other_mailbox,
    unknown_key,
    unknown_sender_key,
    unreadable,
)
from seawall.exchange.envelope.header import Outside, key_name, mailbox_bytes, read_outside
from seawall.exchange.envelope.sealing import SUITE, context
from seawall.exchange.envelope.statement import STATEMENT_TYPE, Statement, body_of, read_statement, unpack
from seawall.identity import dsse
from seawall.identity.between_us import key_from, prekey_beside
from seawall.identity.prekeys import OwnPrekeys, Prekey, PublicPrekey, SenderKeys, read_prekey
from seawall.model import Refused
from seawall.model.circle import Proof
from seawall.model.message import MessageKind


class Opened(msgspec.Struct, frozen=True):
    """A message that held every test. Moments in microseconds UTC, the sender's clock."""

    sequence: int
    kind: MessageKind
    at: int
    expires: int
    body: bytes
    digest: str  # SHA-256 of what was signed, lower hex: the same number with another digest is another message
    id: bytes  # 16 random bytes
    proof: Proof


def open_envelope(data: bytes, own: OwnPrekeys, sender: SenderKeys, *, to: str, at: int, mailbox: str = "") -> Opened:
    """The message that ``sender`` sealed for us (node id ``to``), found in ``mailbox``. ``at``: microseconds UTC.

    Raises BadEnvelope E-EXCHANGE-741 to 753, one code a cause; then no part of it was used.
    """
    outside = read_outside(data)
    if outside.mailbox != mailbox_bytes(mailbox):
        raise other_mailbox()
    key = _own_key(own, outside)
    if key is None:
        raise unknown_key()
    try:
        inside = SUITE.decrypt(data[HEADER_BYTES:], key.opening_key, context(outside.encode()))
    except (InvalidTag, ValueError):
        raise altered() from None
    envelope, rest = unpack(inside)
    payload, statement = _proven(envelope, key, sender, at)
    _check(statement, key, sender, to=to, at=at)
    return Opened(
        statement.sequence,
        statement.kind,
        statement.created,
        statement.expires,
        body_of(statement, rest),
        hashlib.sha256(payload).hexdigest(),
        bytes.fromhex(statement.id),
        statement.proof,
    )


def _own_key(own: OwnPrekeys, outside: Outside) -> Prekey | None:
    return next((key for key in own.keys if key_name(key.public.key_id, outside.mailbox) == outside.key), None)


def _proven(envelope: bytes, key: Prekey, sender: SenderKeys, at: int) -> tuple[bytes, Statement]:
    """What stands in the statement, once the proof that it names holds."""
    try:
        said = read_statement(dsse.peek(envelope, STATEMENT_TYPE))  # to learn which proof to ask for, no more
    except Refused as refused:
        raise unreadable() from (refused if refused.code == "E-EXCHANGE-747" else None)
    try:
        if said.proof is Proof.TRANSFERABLE:
            payload = dsse.verify(envelope, STATEMENT_TYPE, sender.signing)
        else:
            other = _prekey_of(sender, envelope, said, at)
            payload = dsse.verify_by(envelope, STATEMENT_TYPE, key_from(key, other).holds)
    except Refused as refused:
        raise (refused if refused.code == "E-EXCHANGE-753" else not_from_peer()) from None
    return payload, said


def _prekey_of(sender: SenderKeys, envelope: bytes, said: Statement, at: int) -> PublicPrekey:
    """The sender's prekey that is named: one we know, or the one beside the proof, which the sender signed."""
    known = next((prekey for prekey in sender.prekeys if prekey.key_id.hex() == said.from_key), None)
    if known is not None:
        return known
    try:
        beside = read_prekey(prekey_beside(envelope), node_id=sender.node_id, keys=sender.signing, at=at)
    except Refused:
        raise unknown_sender_key() from None
    if beside.key_id.hex() != said.from_key:
        raise unknown_sender_key()
    return beside


def _check(said: Statement, key: Prekey, sender: SenderKeys, *, to: str, at: int) -> None:
    if said.version != VERSION:
        raise downgraded()
    if said.sender != sender.node_id:
        raise not_from_peer()
    if said.to != to or said.to_key != key.public.key_id.hex():
        raise for_another()
    if said.created > at + MAX_AHEAD:
        raise from_the_future()
    if said.expires <= at:
        raise expired()
