"""STIX indicators from values: valid by the OASIS validator, the same every time."""

from __future__ import annotations

import json

import pytest
from stix2validator import validate_instance

from seawall.codec.indicators import IndicatorRow
from seawall.codec.pattern import simple_keys
from seawall.codec.stix import check, parse_bundle
from seawall.codec.value_indicator import ValueIndicators, indicator_id
from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.stix import TLP2_IDS, derived_id

T = ObservableType
MAKER = ValueIndicators(tlp=Tlp.AMBER_STRICT, pap=Pap.GREEN)
VALUES = [
    (T.IPV4, "192.0.2.1"), (T.IPV6, "2001:db8::1"), (T.CIDR, "192.0.2.0/24"), (T.CIDR, "2001:db8::/32"),
    (T.DOMAIN, "evil.example"), (T.URL, "http://evil.example/it's\\a\"b?q=é"), (T.EMAIL, "a@b.example"),
    (T.MD5, "a" * 32), (T.SHA1, "a" * 40), (T.SHA256, "a" * 64), (T.CERTIFICATE, "a" * 40), (T.JA3, "a" * 32),
    (T.JA4, "t13d1516h2_8daaf6152771_b186095e22b6"), (T.HASSH, "a" * 32), (T.AS, "4134"), (T.CVE, "CVE-2021-44228"),
    (T.FILE_NAME, "簡報\\'\".docx"), (T.WALLET, "0x" + "a" * 40),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_every_type_gives_a_valid_indicator(kind: T, value: str) -> None:
    """By the OASIS validator and by our own check; its pattern looks for the value."""
    span = 1_772_323_200_000_000, 1_775_001_600_000_000
    row = IndicatorRow(kind, value, 1, "7", 'Wave "7"', "Seen\nonce", 85, Tlp.GREEN, *span)
    entry = MAKER.entry(row, ("feed",))
    body = json.loads(entry.body)
    assert validate_instance(body).is_valid
    assert check(body).valid
    assert simple_keys(body["pattern"]) == [Observable(kind, value)]
    assert (body["id"], body["name"], body["confidence"]) == (entry.indicator_id, value, 85)
    assert body["labels"] == ['campaign:Wave "7"']
    assert body["object_marking_refs"] == [TLP2_IDS[Tlp.GREEN]]
    assert (body["valid_from"], body["valid_until"]) == ("2026-03-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z")


def test_a_bare_value_is_marked_by_the_options() -> None:
    """Nothing said: the default marking, valid from the beginning, no campaign."""
    entry = MAKER.entry(IndicatorRow(T.DOMAIN, "evil.example", 1), ("feed",))
    body = json.loads(entry.body)
    assert (entry.tlp, entry.pap, entry.campaign, entry.valid_from) == (Tlp.AMBER_STRICT, Pap.GREEN, None, None)
    assert body["object_marking_refs"] == [TLP2_IDS[Tlp.AMBER_STRICT]]
    assert "labels" not in body
    assert validate_instance(body).is_valid


def test_the_same_row_gives_the_same_bytes() -> None:
    """Whoever imports it and whenever, so that a repeat is no change."""
    row = IndicatorRow(T.DOMAIN, "evil.example", 1)
    other = ValueIndicators(tlp=Tlp.AMBER_STRICT, pap=Pap.GREEN)
    assert MAKER.entry(row, ("a",)).body == other.entry(row, ("b",)).body


def test_ids_are_derived_from_type_and_value() -> None:
    """The inlined form agrees with the plain one."""
    assert indicator_id(T.URL, "http://é.example/") == derived_id("indicator", "url", "http://é.example/")
    assert indicator_id(T.MD5, "a" * 32) != indicator_id(T.JA3, "a" * 32)


def test_made_indicators_are_read_back() -> None:
    """As a bundle, by our own reader."""
    bodies = b",".join(MAKER.entry(IndicatorRow(kind, value, 1), ("x",)).body for kind, value in VALUES)
    parsed = parse_bundle(b"[" + bodies + b"]")
    assert (len(parsed.objects), parsed.rejected) == (len(VALUES), [])
