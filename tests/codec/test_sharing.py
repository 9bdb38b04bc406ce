"""Sightings between nodes as STIX 2.1, judged by the OASIS validator."""

from __future__ import annotations

import msgspec
import pytest
from stix2validator import ValidationOptions, validate_instance

from seawall.codec.sharing import (
    EVIDENCE_EXTENSION,
    candidate_indicator,
    encode,
    indicator_values,
    read_sighting,
    sighting_of,
    version_of,
    withdrawn_sighting,
)
from seawall.codec.stix import check
from seawall.model import Observable, ObservableType, Pap, SightingSummary, Tlp

IDENTITY = "identity--0b1c2d3e-4f50-5a61-8b72-9c83ad94be05"
FIRST = 1_773_446_400_123_456


def seen(value: str = "evil.example", **changes: object) -> SightingSummary:
    """A sighting by our own sensors."""
    given: dict[str, object] = {
        "type": ObservableType.DOMAIN,
        "value": value,
        "side": "TW",
        "first_seen": FIRST,
        "last_seen": FIRST + 60_000_000,
        "count": 3,
        "sectors": ("water", "health"),
        "indicator_id": None,
        "basis": ("alert",),
        "tlp": Tlp.AMBER,
        "pap": Pap.GREEN,
        "origin": None,
        **changes,
    }
    return SightingSummary(**given)  # type: ignore[arg-type]


VALUES = [
    Observable(ObservableType.DOMAIN, "evil.example"),
    Observable(ObservableType.IPV4, "203.0.113.7"),
    Observable(ObservableType.IPV6, "2001:db8::7"),
    Observable(ObservableType.URL, "http://evil.example/it's"),
    Observable(ObservableType.SHA256, "ab" * 32),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.type.value)
def test_a_candidate_becomes_an_indicator_that_names_it(value: Observable) -> None:
    """The pattern reads back as the same value, and both judges find no error."""
    made = candidate_indicator(value, identity=IDENTITY, created=FIRST, tlp=Tlp.AMBER, pap=Pap.GREEN)
    assert indicator_values(encode(made)) == [value]
    assert check(made).errors == ()
    assert validate_instance(made, ValidationOptions(version="2.1")).is_valid


def test_a_sighting_keeps_its_id_and_rises_in_version() -> None:
    """Told again with more, it is the same object in a later version; the count stays within STIX's bound."""
    first = sighting_of(
        seen(), indicator_id=f"indicator--{IDENTITY[10:]}", identity=IDENTITY, sensors=2, modified=FIRST
    )
    later = sighting_of(
        seen(count=2 * 10**9),
        indicator_id=f"indicator--{IDENTITY[10:]}",
        identity=IDENTITY,
        sensors=2,
        modified=FIRST + 3_600_000_000,
    )
    assert first["id"] == later["id"]
    assert version_of(encode(later)) > version_of(encode(first))
    assert later["count"] == 999_999_999
    assert check(first).errors == ()


def test_the_other_side_reads_back_what_was_told() -> None:
    """The first moment is exact to the microsecond; sectors keep their order of arrival."""
    made = sighting_of(seen(), indicator_id=f"indicator--{IDENTITY[10:]}", identity=IDENTITY, sensors=2, modified=FIRST)
    told = read_sighting(encode(made))
    assert told.count == 3
    assert told.evidence() == (FIRST, ("water", "health"), ("alert",))


@pytest.mark.parametrize("evidence", [{"sectors": "water"}, {"first_seen_microseconds": "soon"}, []])
def test_evidence_that_is_not_ours_is_no_evidence(evidence: object) -> None:
    """Whatever a peer puts into the extension, the plain sighting still counts."""
    made = sighting_of(seen(), indicator_id=f"indicator--{IDENTITY[10:]}", identity=IDENTITY, sensors=2, modified=FIRST)
    made["extensions"] = {EVIDENCE_EXTENSION: evidence}
    assert read_sighting(msgspec.json.encode(made)).evidence() == (None, (), ())


def test_a_withdrawn_sighting_is_a_later_version_without_evidence() -> None:
    """It keeps its id, counts nothing, tells no sector any more, and is still valid STIX."""
    first = sighting_of(
        seen(), indicator_id=f"indicator--{IDENTITY[10:]}", identity=IDENTITY, sensors=2, modified=FIRST
    )
    gone = withdrawn_sighting(encode(first), FIRST + 3_600_000_000)
    told = read_sighting(encode(gone))
    assert gone["id"] == first["id"]
    assert version_of(encode(gone)) > version_of(encode(first))
    assert told.withdrawn
    assert told.evidence() == (None, (), ())
    assert check(gone).errors == ()
