"""What is sealed comes out whole, and its outside tells a size class."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.envelope.scenes import AT, BOX, DAY, SEOUL, TAIPEI, opened, sealed
from seawall.exchange.envelope import MAX_BODY_BYTES, MAX_ENVELOPE_BYTES, MIN_ENVELOPE_BYTES
from seawall.exchange.envelope.bounds import HEADER_BYTES
from seawall.exchange.sizes import padme
from seawall.identity.prekeys import IN_FORCE, KEPT_AFTER_END, USED_AFTER_END
from seawall.model import Fault, Unavailable
from seawall.model.circle import Proof
from seawall.model.message import MessageKind


@pytest.mark.parametrize("proof", list(Proof))
@given(body=st.binary(max_size=20_000), mailbox=st.sampled_from(["", BOX]))
@settings(max_examples=25, deadline=None)
def test_what_is_sealed_comes_out(proof: Proof, body: bytes, mailbox: str) -> None:
    """Any body, with either proof, in a mailbox or on the line, is opened by its recipient as it was."""
    message = opened(sealed(body, proof=proof, mailbox=mailbox), mailbox=mailbox)
    assert (message.body, message.proof, message.kind, message.sequence) == (body, proof, MessageKind.OVERLAP, 1)
    assert (message.at, message.expires) == (AT, AT + DAY)


def test_the_largest_body_is_sealed_and_one_byte_more_is_not() -> None:
    """Eight mebibytes go, in at most 3.2 % more; one byte more is a fault for whoever posts it."""
    data = sealed(bytes(MAX_BODY_BYTES))
    assert len(data) <= min(MAX_ENVELOPE_BYTES, MAX_BODY_BYTES * 1.032)
    assert len(opened(data).body) == MAX_BODY_BYTES
    with pytest.raises(Fault, match="E-EXCHANGE-740"):
        sealed(bytes(MAX_BODY_BYTES + 1))


def test_small_messages_look_alike() -> None:
    """An empty one, a question and an answer of two kilobytes have one size."""
    sizes = {len(sealed(body)) for body in (b"", b"known?", bytes(1_500))}
    assert sizes == {MIN_ENVELOPE_BYTES}


@given(st.integers(min_value=0, max_value=1 << 40))
def test_padme_adds_at_most_twelve_percent(length: int) -> None:
    """A size class is never below the length, is a fixed point, and is at most 12 % above it."""
    size = padme(length, least=1)
    assert max(length, 1) <= size <= max(length * 1.12, 1)
    assert padme(size, least=1) == size


def test_there_are_few_size_classes() -> None:
    """From the smallest message to the largest there are about 300 sizes."""
    sizes = set()
    length = MIN_ENVELOPE_BYTES
    while length <= MAX_ENVELOPE_BYTES:
        size = padme(length, least=MIN_ENVELOPE_BYTES)
        sizes.add(size)
        length = size + 1
    assert len(sizes) <= 274


def test_the_outside_names_nobody() -> None:
    """The header differs for the same recipient in two mailboxes, and no id of a node or key stands in the clear."""
    data, other = sealed(mailbox=BOX), sealed(mailbox=BOX[::-1])
    assert data[6:22] != other[6:22]
    key = SEOUL.own.newest.public
    secrets = [SEOUL.node_id, TAIPEI.node_id, key.key_id.hex(), "203.0.113.77"]
    for text in secrets:
        assert text.encode() not in data
    assert key.key_id not in data
    assert key.x25519 not in data
    assert data[22:38].hex() == BOX
    assert len(data) == HEADER_BYTES + int.from_bytes(data[38:42], "big")


def test_equal_bodies_do_not_look_equal() -> None:
    """The same body sealed twice shares nothing behind the header."""
    one, two = sealed(b"x"), sealed(b"x")
    assert one[:HEADER_BYTES] == two[:HEADER_BYTES]
    assert one[HEADER_BYTES:] != two[HEADER_BYTES:]


def test_nothing_is_sealed_for_a_key_that_ended_long_ago() -> None:
    """For 23 days after its end a key still serves who heard of no newer one, and then no more."""
    ends = AT + IN_FORCE
    late = ends + USED_AFTER_END
    assert opened(sealed(at=late, expires=late + DAY), at=late).body == b"203.0.113.77"
    with pytest.raises(Unavailable, match=r"E-EXCHANGE-755: .*'seawall sync' with it once"):
        sealed(at=late + 1, expires=late + DAY)


def test_no_message_outlives_the_key_that_opens_it() -> None:
    """However long it should live, it expires when the recipient's key is wiped."""
    late = AT + IN_FORCE + USED_AFTER_END
    message = opened(sealed(at=late, expires=late + 1_000 * DAY), at=late)
    assert message.expires == AT + IN_FORCE + KEPT_AFTER_END


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mailbox": "box"}, "E-EXCHANGE-754"),
        ({"mailbox": BOX.upper()}, "E-EXCHANGE-754"),
        ({"expires": AT}, "E-EXCHANGE-756"),
        ({"sequence": 0}, "E-EXCHANGE-756"),
    ],
)
def test_what_cannot_be_is_not_sealed(change: dict[str, object], code: str) -> None:
    """A mailbox that is none, an end that is over and a number below one are faults of the caller."""
    with pytest.raises(Fault, match=code):
        sealed(**change)  # type: ignore[arg-type]
