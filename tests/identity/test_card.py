"""Cards and fingerprints, as somebody in the middle would like to have them."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from seawall.identity import NodeKeys, check_fingerprint, read_card
from seawall.identity.card import MAX_CARD_BYTES, fingerprint_of
from seawall.model import Fault, Refused


def _changed(card: bytes, **fields: Any) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(card, type=dict[str, Any]) | fields)


def test_a_card_says_who_we_are(taipei: NodeKeys) -> None:
    """What is read from a card is what its maker holds."""
    card = read_card(taipei.card())
    assert (card.node_id, card.name, card.economy) == (taipei.node_id, "Taipei", "TW")
    assert card.signing_public == taipei.signing_public
    assert card.certificate_sha256 == taipei.certificate_sha256
    assert card.identity_id == taipei.identity_id
    assert card.ca_certificate == taipei.ca_pem


def test_a_reformatted_card_is_the_same_card(taipei: NodeKeys) -> None:
    """White space and the order of fields do not matter."""
    fields = msgspec.json.decode(taipei.card(), type=dict[str, Any])
    assert read_card(msgspec.json.encode(dict(reversed(fields.items())))) == read_card(taipei.card())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Taipei 2"),
        ("economy", "KR"),
        ("created", "2020-01-01T00:00:00.000000Z"),
        ("node_id", "33b904d0-b207-5987-8f1e-c3c961585f25"),
        ("certificate_sha256", "ab" * 32),
        ("fingerprint", "00000 " * 11 + "00000"),
        ("signature", base64.b64encode(bytes(64)).decode()),
    ],
)
def test_an_altered_card_is_refused(taipei: NodeKeys, field: str, value: str) -> None:
    """Changing any field breaks the card."""
    with pytest.raises(Refused) as caught:
        read_card(_changed(taipei.card(), **{field: value}))
    assert caught.value.code == "E-IDENTITY-031"


def test_a_card_cannot_wear_another_nodes_parts(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """An authority, key or pin from somebody else's card does not fit."""
    other = msgspec.json.decode(seoul.card(), type=dict[str, Any])
    for field in ("ca_certificate", "signing_key", "certificate_sha256", "node_id", "signature"):
        with pytest.raises(Refused):
            read_card(_changed(taipei.card(), **{field: other[field]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "seawall-card-9"},
        {"name": ""},
        {"name": "x" * 121},
        {"name": "Taipei\x1b[2J"},
        {"name": "Taipei\u202egnp.exe"},
        {"economy": "TWN"},
        {"economy": "台灣"},
        {"signing_key": "!!"},
        {"signing_key": "AAAA"},
        {"signature": "!"},
        {"certificate_sha256": "zz"},
        {"ca_certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"ca_certificate": 7},
        {"extra": "field"},
    ],
)
def test_what_is_not_a_card_is_refused(taipei: NodeKeys, changes: dict[str, Any]) -> None:
    """Other versions, unreadable parts, terminal escapes and unknown fields give one refusal."""
    with pytest.raises(Fault) as caught:
        read_card(_changed(taipei.card(), **changes))
    assert caught.value.code == "E-IDENTITY-030"


def test_truncation_and_size_are_refused(taipei: NodeKeys) -> None:
    """Every proper prefix of a card, and anything larger than a card can be, is refused."""
    card = taipei.card()
    for length in range(0, len(card) - 2, 37):
        with pytest.raises(Fault):
            read_card(card[:length])
    with pytest.raises(Fault) as caught:
        read_card(card + b" " * MAX_CARD_BYTES)
    assert caught.value.code == "E-IDENTITY-030"


def test_a_leaf_is_not_an_authority(taipei: NodeKeys) -> None:
    """A certificate that may not issue others is no authority, though everything else in the card is consistent."""
    leaf = (taipei.folder / "server.crt").read_text("ascii")
    with pytest.raises(Refused) as caught:
        read_card(_changed(taipei.card(), ca_certificate=leaf))
    assert caught.value.code == "E-IDENTITY-031"


def test_a_fingerprint_is_sixty_digits(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """Twelve groups of five digits, 199 bits, different for every node."""
    groups = taipei.fingerprint.split(" ")
    assert len(groups) == 12
    assert all(len(group) == 5 and group.isdecimal() for group in groups)
    assert taipei.fingerprint != seoul.fingerprint


def test_the_fingerprint_covers_every_part() -> None:
    """Changing key, authority or pin, or moving a byte between them, changes the fingerprint."""
    whole = fingerprint_of(b"k" * 32, b"certificate", "aa" * 32)
    others = {
        fingerprint_of(b"K" * 32, b"certificate", "aa" * 32),
        fingerprint_of(b"k" * 32, b"certificatE", "aa" * 32),
        fingerprint_of(b"k" * 32, b"certificate", "ab" * 32),
        fingerprint_of(b"k" * 33, b"ertificate", "aa" * 32),
    }
    assert whole not in others
    assert len(others) == 4


def test_a_spoken_fingerprint_may_be_spaced_anyhow(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """Dashes, spaces and line ends do not matter; one digit does."""
    card = read_card(taipei.card())
    check_fingerprint(card, taipei.fingerprint)
    check_fingerprint(card, taipei.fingerprint.replace(" ", "-") + "\n")
    wrong = taipei.fingerprint[:-1] + str((int(taipei.fingerprint[-1]) + 1) % 10)
    for spoken in (wrong, seoul.fingerprint, "", taipei.fingerprint[:-6]):
        with pytest.raises(Refused) as caught:
            check_fingerprint(card, spoken)
        assert caught.value.code == "E-IDENTITY-032"
