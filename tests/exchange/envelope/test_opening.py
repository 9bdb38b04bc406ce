"""What is not as its sender sealed it for us is refused with one sentence, and nothing of it comes out."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import partial

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.envelope.scenes import AT, BOX, DAY, SEOUL, TAIPEI, TOKYO, Party, opened, sealed
from seawall.exchange.envelope import MAX_ENVELOPE_BYTES, BadEnvelope, OwnPrekeys, open_envelope
from seawall.exchange.envelope import statement as inside
from seawall.exchange.envelope.bounds import HEADER_BYTES, OVERHEAD_BYTES, VERSION
from seawall.exchange.envelope.header import NO_MAILBOX, Outside, key_name
from seawall.exchange.envelope.sealing import SUITE, context
from seawall.exchange.envelope.statement import STATEMENT_TYPE, encode_statement, pack, read_statement
from seawall.identity import dsse
from seawall.identity.prekeys import Prekey
from seawall.model.circle import Proof
from seawall.model.message import MessageKind

SEALED = sealed()
BETWEEN = sealed(proof=Proof.BETWEEN_US)


def code_of(attempt: Callable[[], object]) -> str:
    """Why it was refused."""
    with pytest.raises(BadEnvelope) as refused:
        attempt()
    assert "203.0.113.77" not in str(refused.value)
    return refused.value.code


@given(st.integers(min_value=0, max_value=len(SEALED) - 1), st.sampled_from([SEALED, BETWEEN]))
@settings(max_examples=60, deadline=None)
def test_a_truncated_message_is_refused(length: int, data: bytes) -> None:
    """Cut anywhere, it is called cut short."""
    assert code_of(lambda: opened(data[:length])) == "E-EXCHANGE-742"


@given(
    st.integers(min_value=0, max_value=len(SEALED) - 1),
    st.integers(min_value=1, max_value=255),
    st.sampled_from([SEALED, BETWEEN]),
)
@settings(max_examples=150, deadline=None)
def test_a_changed_byte_is_noticed(place: int, change: int, data: bytes) -> None:
    """No byte may differ: not of the header, the KEM's part, the body, the padding or the tag."""
    altered = bytearray(data)
    altered[place] ^= change
    code = code_of(lambda: opened(bytes(altered)))
    outside = {"E-EXCHANGE-742", "E-EXCHANGE-743", "E-EXCHANGE-744", "E-EXCHANGE-745"}
    assert code in outside if place < HEADER_BYTES else code == "E-EXCHANGE-746"


@given(st.binary(max_size=9_000))
@settings(max_examples=60, deadline=None)
def test_noise_is_refused(data: bytes) -> None:
    """Bytes that were never sealed give a sentence, whatever they are."""
    assert code_of(lambda: opened(data)) in {"E-EXCHANGE-742", "E-EXCHANGE-743"}


def test_something_appended_is_noticed() -> None:
    """More bytes than the header says are as bad as fewer."""
    assert code_of(lambda: opened(SEALED + b"\0")) == "E-EXCHANGE-742"


def test_what_is_too_large_is_not_read() -> None:
    """One byte above the largest class is refused by its size alone."""
    assert code_of(lambda: opened(bytes(MAX_ENVELOPE_BYTES + 1))) == "E-EXCHANGE-741"


def test_another_version_is_refused() -> None:
    """Neither an older nor a newer suite is tried: there is nothing to fall back to."""
    for version in (0, VERSION + 1):
        assert code_of(partial(opened, SEALED[:4] + struct.pack(">H", version) + SEALED[6:])) == "E-EXCHANGE-743"


def test_a_message_in_another_mailbox_is_refused() -> None:
    """A relay that swaps two mailboxes, or moves a message to the direct line, is noticed."""
    boxed = sealed(mailbox=BOX)
    assert code_of(lambda: opened(boxed, mailbox=BOX[::-1])) == "E-EXCHANGE-745"
    assert code_of(lambda: opened(boxed)) == "E-EXCHANGE-745"
    moved = boxed[:22] + NO_MAILBOX + boxed[38:]
    assert code_of(lambda: opened(moved)) == "E-EXCHANGE-744"


def test_a_renamed_mailbox_breaks_the_seal() -> None:
    """Also when the relay makes up the name that our key would have there."""
    there = bytes.fromhex(BOX)
    key = key_name(SEOUL.own.newest.public.key_id, there)
    moved = SEALED[:6] + key + there + SEALED[38:]
    assert code_of(lambda: opened(moved, mailbox=BOX)) == "E-EXCHANGE-746"


def test_a_key_that_was_wiped_opens_nothing() -> None:
    """A message for a prekey that is gone says what the sender has to do."""
    gone = OwnPrekeys((Prekey.generate(SEOUL.node_id, AT),))
    attempt = lambda: open_envelope(SEALED, gone, TAIPEI.known, to=SEOUL.node_id, at=AT)  # noqa: E731
    assert code_of(attempt) == "E-EXCHANGE-744"


def test_a_former_key_still_opens() -> None:
    """What was sealed for last week's prekey is opened beside this week's."""
    both = OwnPrekeys((Prekey.generate(SEOUL.node_id, AT), *SEOUL.own.keys))
    assert open_envelope(SEALED, both, TAIPEI.known, to=SEOUL.node_id, at=AT).body == b"203.0.113.77"


def test_a_message_of_somebody_else_is_refused() -> None:
    """Tokyo seals for Seoul and says it is Taipei; or its message lies where Taipei's should."""
    for proof in Proof:
        forged = sealed(signer=TOKYO.signer)
        assert code_of(partial(opened, forged)) == "E-EXCHANGE-748"
        honest = sealed(sender=TOKYO, proof=proof)
        expected = "E-EXCHANGE-748" if proof is Proof.TRANSFERABLE else "E-EXCHANGE-753"
        assert code_of(partial(opened, honest)) == expected


def forwarded(data: bytes, *, first: Party, then: Party) -> bytes:
    """``first`` opens what it was sent and seals the very statement anew for ``then``."""
    plain = SUITE.decrypt(data[HEADER_BYTES:], first.own.newest.opening_key, context(data[:HEADER_BYTES]))
    public = then.own.newest.public
    key = key_name(public.key_id, NO_MAILBOX)
    header = Outside(VERSION, key, NO_MAILBOX, len(data) - HEADER_BYTES).encode()
    return header + SUITE.encrypt(plain, public.sealing_key(), context(header))


@pytest.mark.parametrize("proof", list(Proof))
def test_a_message_that_was_passed_on_is_refused(proof: Proof) -> None:
    """Seoul cannot make Tokyo believe that what Taipei said to Seoul was said to Tokyo."""
    passed = forwarded(sealed(proof=proof), first=SEOUL, then=TOKYO)
    expected = "E-EXCHANGE-749" if proof is Proof.TRANSFERABLE else "E-EXCHANGE-748"
    assert code_of(lambda: opened(passed, by=TOKYO)) == expected


def test_what_came_back_is_not_the_other_sides_word() -> None:
    """Taipei's message sealed anew for Taipei is not one of Seoul's."""
    for proof in Proof:
        back = forwarded(sealed(proof=proof), first=SEOUL, then=TAIPEI)
        assert code_of(partial(opened, back, by=TAIPEI, sender=SEOUL)) in {"E-EXCHANGE-748", "E-EXCHANGE-753"}


def test_an_expired_message_is_refused() -> None:
    """From the moment it named on, it is not taken in."""
    assert code_of(lambda: opened(SEALED, at=AT + DAY)) == "E-EXCHANGE-751"
    assert opened(SEALED, at=AT + DAY - 1).sequence == 1


def test_a_message_from_the_future_is_refused() -> None:
    """More than a day ahead of our clock is not believed."""
    assert code_of(lambda: opened(SEALED, at=AT - DAY - 1)) == "E-EXCHANGE-750"
    assert opened(SEALED, at=AT - DAY).sequence == 1


def made(body: bytes = b"", rest: bytes | None = None, *, change: Mapping[str, object] = {}) -> bytes:
    """A message whose statement a dishonest sender changed before signing it."""
    plain = SUITE.decrypt(SEALED[HEADER_BYTES:], SEOUL.own.newest.opening_key, context(SEALED[:HEADER_BYTES]))
    envelope, _ = inside.unpack(plain)
    honest = msgspec.to_builtins(read_statement(dsse.peek(envelope, STATEMENT_TYPE)))
    payload = msgspec.json.encode({**honest, "body_bytes": 0, **change})
    envelope = dsse.sign(payload, STATEMENT_TYPE, TAIPEI.signer)
    packed = pack(envelope, body, 8_192) if rest is None else rest
    public = SEOUL.own.newest.public
    key = key_name(public.key_id, NO_MAILBOX)
    header = Outside(VERSION, key, NO_MAILBOX, len(packed) + OVERHEAD_BYTES - 4 - HEADER_BYTES).encode()
    return header + SUITE.encrypt(packed, public.sealing_key(), context(header))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"version": 0}, "E-EXCHANGE-752"),
        ({"version": 2}, "E-EXCHANGE-752"),
        ({"from": TOKYO.node_id}, "E-EXCHANGE-748"),
        ({"to": TOKYO.node_id}, "E-EXCHANGE-749"),
        ({"to_key": "00" * 32}, "E-EXCHANGE-749"),
        ({"created": AT + 2 * DAY, "expires": AT + 3 * DAY}, "E-EXCHANGE-750"),
        ({"created": AT - 2 * DAY, "expires": AT - DAY}, "E-EXCHANGE-751"),
        ({"created": AT, "expires": AT + 31 * DAY}, "E-EXCHANGE-747"),
        ({"created": AT, "expires": AT - 1}, "E-EXCHANGE-747"),
        ({"sequence": 0}, "E-EXCHANGE-747"),
        ({"sequence": 1 << 60}, "E-EXCHANGE-747"),
        ({"id": "00"}, "E-EXCHANGE-747"),
        ({"kind": "unheard-of"}, "E-EXCHANGE-747"),
        ({"more": 1}, "E-EXCHANGE-747"),
        ({"body_bytes": 5}, "E-EXCHANGE-747"),
        ({"body_bytes": 1 << 40}, "E-EXCHANGE-747"),
        ({"body_sha256": "00" * 32}, "E-EXCHANGE-747"),
    ],
)
def test_what_a_dishonest_sender_states_is_checked(change: dict[str, object], code: str) -> None:
    """A peer's own signature does not make a wrong version, node, moment, number or body right."""
    assert code_of(lambda: opened(made(change=change))) == code


def test_padding_is_zeros() -> None:
    """Something hidden behind the body is refused."""
    assert code_of(lambda: opened(made(b"hidden"))) == "E-EXCHANGE-747"


@pytest.mark.parametrize(
    "packed", [b"\0\0\0\0", b"\xff" * 64, b"\0\0\0\x02{}", struct.pack(">I", 5_000) + bytes(6_000)]
)
def test_an_inside_that_is_none_is_refused(packed: bytes) -> None:
    """A seal that opens on noise gives one sentence."""
    assert code_of(lambda: opened(made(rest=packed))) == "E-EXCHANGE-747"


def test_each_message_has_its_own_digest() -> None:
    """The same words said twice under one number are two messages, so a swapped one is noticed by its digest."""
    one, two = opened(sealed()), opened(sealed())
    assert one.sequence == two.sequence
    assert one.digest != two.digest
    assert one.id != two.id


def test_a_statement_is_small() -> None:
    """The largest statement stays far below its bound."""
    statement = inside.Statement(
        sender=TAIPEI.node_id,
        to=SEOUL.node_id,
        to_key="f" * 64,
        from_key="f" * 64,
        proof=Proof.BETWEEN_US,
        id="f" * 32,
        sequence=1 << 53,
        kind=MessageKind.AGGREGATE,
        created=AT,
        expires=AT + DAY,
        body_bytes=1 << 23,
        body_sha256="f" * 64,
    )
    assert len(dsse.sign(encode_statement(statement), STATEMENT_TYPE, TAIPEI.signer)) < 1_500
