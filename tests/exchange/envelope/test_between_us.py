"""Between us: the recipient is convinced, and could have written every byte that convinced it."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from exchange.envelope.scenes import AT, DAY, SEOUL, TAIPEI, TOKYO, Party, opened, sealed
from seawall.exchange.envelope import BadEnvelope
from seawall.exchange.envelope.bounds import HEADER_BYTES
from seawall.exchange.envelope.sealing import SUITE, context
from seawall.exchange.envelope.statement import (
    STATEMENT_TYPE,
    Statement,
    encode_statement,
    pack,
    read_statement,
    unpack,
)
from seawall.identity import dsse
from seawall.identity.between_us import check_proof, is_between_us, key_from, key_to, prekey_beside, prove
from seawall.identity.prekeys import read_prekey
from seawall.model import Refused
from seawall.model.circle import Proof
from seawall.model.message import MessageKind

DATA = sealed(b"the plan", proof=Proof.BETWEEN_US)


def transcript(data: bytes) -> bytes:
    """All that Seoul holds of a message once it is open: statement, proof, body, padding."""
    return SUITE.decrypt(data[HEADER_BYTES:], SEOUL.own.newest.opening_key, context(data[:HEADER_BYTES]))


def forged(statement: Statement, body: bytes, size: int) -> bytes:
    """The transcript of a message from Taipei to Seoul, made with Seoul's secrets and Taipei's public prekey alone."""
    key = key_from(SEOUL.own.newest, TAIPEI.own.newest.public)
    made = msgspec.json.decode(dsse.sign(encode_statement(statement), STATEMENT_TYPE, key), type=dict[str, object])
    beside = prekey_beside(unpack(transcript(DATA))[0]).decode()  # what Taipei signed of its key, once, for everybody
    return pack(msgspec.json.encode(made | {"prekey": beside}), body, size)


def test_the_recipient_can_make_an_equal_transcript() -> None:
    """From what Seoul knows it makes, byte for byte, what Taipei sent: so the bytes say nothing about who made them."""
    held = transcript(DATA)
    statement = read_statement(dsse.peek(unpack(held)[0], STATEMENT_TYPE))
    assert forged(statement, b"the plan", len(held)) == held


def test_the_recipient_can_make_one_that_was_never_sent() -> None:
    """A statement with other words passes every test that an honest one passes."""
    body = b"words that Taipei never said"
    statement = Statement(
        sender=TAIPEI.node_id,
        to=SEOUL.node_id,
        to_key=SEOUL.own.newest.public.key_id.hex(),
        from_key=TAIPEI.own.newest.public.key_id.hex(),
        proof=Proof.BETWEEN_US,
        id="00" * 16,
        sequence=7,
        kind=MessageKind.EVIDENCE,
        created=AT,
        expires=AT + DAY,
        body_bytes=len(body),
        body_sha256=hashlib.sha256(body).hexdigest(),
    )
    header = DATA[:HEADER_BYTES]
    plain = forged(statement, body, len(transcript(DATA)))
    message = opened(header + SUITE.encrypt(plain, SEOUL.own.newest.public.sealing_key(), context(header)))
    assert (message.body, message.sequence) == (body, 7)


def test_a_third_party_accepts_nothing() -> None:
    """Shown the whole transcript and every public key there is, a verifier finds no signature over it."""
    envelope, _ = unpack(transcript(DATA))
    for keys in (TAIPEI.known.signing, SEOUL.known.signing, TOKYO.known.signing):
        with pytest.raises(Refused, match="E-IDENTITY-012"):
            dsse.verify(envelope, STATEMENT_TYPE, keys)
    with pytest.raises(Refused, match="E-IDENTITY-012"):
        check_proof(envelope, STATEMENT_TYPE, TOKYO.own, TAIPEI.own.newest.public)


def test_a_signed_message_convinces_a_third_party() -> None:
    """The other proof is what it says: the same transcript, transferable, is Taipei's signature for anybody."""
    envelope, _ = unpack(transcript(sealed(b"the plan")))
    statement = read_statement(dsse.verify(envelope, STATEMENT_TYPE, TAIPEI.known.signing))
    assert statement.body_sha256 == hashlib.sha256(b"the plan").hexdigest()


def test_only_the_two_can_make_it() -> None:
    """Whoever holds neither secret convinces neither side."""
    statement = read_statement(dsse.peek(unpack(transcript(DATA))[0], STATEMENT_TYPE))
    key = key_to(TOKYO.own.newest, SEOUL.own.newest.public)
    plain = pack(dsse.sign(encode_statement(statement), STATEMENT_TYPE, key), b"the plan", len(transcript(DATA)))
    header = DATA[:HEADER_BYTES]
    with pytest.raises(BadEnvelope, match="E-EXCHANGE-748"):
        opened(header + SUITE.encrypt(plain, SEOUL.own.newest.public.sealing_key(), context(header)))


def test_each_direction_has_its_own_key() -> None:
    """What Taipei proves to Seoul cannot be handed back to Taipei as Seoul's word."""
    there = key_to(TAIPEI.own.newest, SEOUL.own.newest.public).sign(b"m")
    assert key_from(SEOUL.own.newest, TAIPEI.own.newest.public).holds(there, b"m")
    assert not key_from(TAIPEI.own.newest, SEOUL.own.newest.public).holds(there, b"m")


def test_a_document_carries_the_key_to_check_it_with() -> None:
    """A notice or drop is checked with the prekey beside its proof, which its sender signed."""
    envelope = prove(b"{}", "t/x", TAIPEI.own.newest, SEOUL.own.newest.public, TAIPEI.signer)
    assert is_between_us(envelope)
    public = read_prekey(prekey_beside(envelope), node_id=TAIPEI.node_id, keys=TAIPEI.known.signing, at=AT)
    assert check_proof(envelope, "t/x", SEOUL.own, public) == b"{}"
    with pytest.raises(Refused, match="E-IDENTITY-012"):
        check_proof(envelope, "t/y".replace("y", "x"), TOKYO.own, public)


def test_a_low_order_point_is_refused() -> None:
    """A prekey of zeros shares no key with anybody."""
    public = TAIPEI.own.newest.public
    nothing = type(public)(public.node_id, public.created, public.ends, public.ml_kem, public.x25519, bytes(32))
    with pytest.raises(Refused, match="E-IDENTITY-104"):
        key_from(SEOUL.own.newest, nothing)


def test_a_prekey_that_was_never_told_comes_along() -> None:
    """A new week's key needs no exchange before it: the message bears it, signed by its node."""
    fresh = Party(TAIPEI.node_id)
    fresh.signer = TAIPEI.signer
    assert opened(sealed(sender=fresh, proof=Proof.BETWEEN_US)).body == b"203.0.113.77"


def test_a_prekey_that_its_node_did_not_sign_is_refused() -> None:
    """Whoever signs a prekey with a key that is not (or no more) that node's convinces nobody, and is told so."""
    fresh = Party(TAIPEI.node_id)
    with pytest.raises(BadEnvelope, match="E-EXCHANGE-753"):
        opened(sealed(sender=fresh, proof=Proof.BETWEEN_US))
