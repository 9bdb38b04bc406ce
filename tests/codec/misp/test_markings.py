"""Tags, distribution and confidence: never wider than the event was, never MISP's number for STIX's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from codec.misp.scenes import attribute, event, uuid
from seawall.codec.misp import event_to_stix, to_events
from seawall.codec.misp.marking import said_by
from seawall.model import Pap, Tlp
from seawall.model.stix.tlp import TLP2_IDS, tlp_of_refs

GROUP = {"uuid": uuid(70), "name": "Example group", "SharingGroupOrg": [{"Organisation": {"name": "Secret Member"}}]}


def tag(*names: str) -> list[dict[str, str]]:
    """Tags."""
    return [{"name": name} for name in names]


def levels(given: dict[str, Any], tlp: Tlp = Tlp.AMBER_STRICT) -> dict[str, Tlp | None]:
    """The marking of each object by type."""
    return {obj["type"]: tlp_of_refs(obj["object_marking_refs"]) for obj in event_to_stix(given, tlp=tlp).objects
            if "object_marking_refs" in obj}  # fmt: skip


@pytest.mark.parametrize(
    ("event_tags", "own_tags", "wanted"),
    [
        (["tlp:white"], [], Tlp.CLEAR),
        (["tlp:clear"], ["TLP:GREEN"], Tlp.GREEN),
        (["tlp:amber"], ["tlp:clear"], Tlp.AMBER),
        (["tlp:amber+strict"], [], Tlp.AMBER_STRICT),
        (["tlp:red"], ["tlp:green"], Tlp.RED),
        ([], ["tlp:green"], Tlp.AMBER_STRICT),
        ([], ["tlp:red"], Tlp.RED),
        ([], [], Tlp.AMBER_STRICT),
        (["tlp:unclear", "tlp:ex:chr"], [], Tlp.AMBER_STRICT),
    ],
)
def test_the_strictest_tag_counts(event_tags: list[str], own_tags: list[str], wanted: Tlp) -> None:
    """Of event and attribute; TLP 1 and 2; of an event without a level the importer's counts, for its parts too."""
    given = event(attribute("domain", "a.example", Tag=tag(*own_tags)), Tag=tag(*event_tags))
    assert levels(given)["indicator"] == wanted


@pytest.mark.parametrize(
    ("distribution", "wanted"),
    [("0", Tlp.RED), (0, Tlp.RED), ("1", Tlp.CLEAR), ("2", Tlp.CLEAR), ("3", Tlp.CLEAR), ("4", Tlp.AMBER_STRICT),
     ("5", Tlp.CLEAR), ("9", Tlp.CLEAR), (None, Tlp.CLEAR), ([], Tlp.CLEAR)],
)  # fmt: skip
def test_distribution_is_a_floor(distribution: object, wanted: Tlp) -> None:
    """Your organisation only is RED, a sharing group AMBER+STRICT, whatever the tag says."""
    given = event(attribute("domain", "a.example"), Tag=tag("tlp:clear"), distribution=distribution)
    assert levels(given) == {"indicator": wanted, "report": wanted}


def test_a_part_may_be_narrower_than_its_event() -> None:
    """An attribute, or an object and everything in it."""
    inner = {"uuid": uuid(1), "name": "file", "distribution": "0", "Attribute": [attribute("md5", "a" * 32)]}
    given = event(attribute("ip-src", "192.0.2.1", to_ids=False, distribution="4", sharing_group_id="3"),
                  Object=[inner], Tag=tag("tlp:green"))  # fmt: skip
    assert levels(given) == {
        "ipv4-addr": Tlp.AMBER_STRICT, "observed-data": Tlp.AMBER_STRICT, "indicator": Tlp.RED, "grouping": Tlp.RED,
        "report": Tlp.GREEN,
    }  # fmt: skip


def test_members_of_a_sharing_group_are_not_passed_on() -> None:
    """Its name and UUID are, and the loss is told; without a number there it becomes your organisation only."""
    given = event(attribute("domain", "a.example"), distribution="4", sharing_group_id="3", SharingGroup=GROUP)
    found = event_to_stix(given)
    bodies = [msgspec.json.encode(obj) for obj in found.objects]
    assert b"Secret Member" not in b"".join(bodies)
    assert "misp:SharingGroup" in {loss.kind for loss in found.losses}
    made = to_events(bodies).events[0]
    assert (made["distribution"], made["sharing_group_id"]) == ("4", "3")
    assert made["SharingGroup"] == {"uuid": uuid(70), "name": "Example group"}
    nameless = event_to_stix(event(attribute("domain", "a.example"), distribution="4"))
    told = to_events(msgspec.json.encode(obj) for obj in nameless.objects)
    assert told.events[0]["distribution"] == "0"
    assert len(told.losses) == 1


def test_pap_and_the_chatham_house_rule_are_labels_of_every_part() -> None:
    """Policy reads them there; the stricter PAP wins."""
    given = event(
        attribute("domain", "a.example", Tag=tag("PAP:GREEN")), attribute("domain", "b.example", Tag=tag("pap:red")),
        Tag=tag("PAP:AMBER", "tlp:ex:chr"),
    )  # fmt: skip
    first, second, report = event_to_stix(given).objects
    assert first["labels"] == ["PAP:GREEN", "PAP:AMBER", "tlp:ex:chr", "campaign:Green Wave"]
    assert second["labels"] == ["pap:red", "tlp:ex:chr", "campaign:Green Wave"]
    assert report["labels"] == ["PAP:AMBER", "tlp:ex:chr"]
    assert said_by(("PAP:GREEN", "pap:red")).pap is Pap.RED


@pytest.mark.parametrize(
    ("name", "confidence"),
    [
        ('admiralty-scale:information-credibility="1"', 90),
        ('admiralty-scale:information-credibility="2"', 70),
        ('admiralty-scale:information-credibility="5"', 10),
        ('admiralty-scale:information-credibility="6"', None),
        ('admiralty-scale:source-reliability="a"', None),
        ('estimative-language:confidence-in-analytic-judgment="moderate"', 50),
        ('estimative-language:likelihood-probability="almost-certain"', None),
        ('misp:confidence-level="completely-confident"', 90),
        ('misp:confidence-level="usually-confident"', 70),
        ('misp:confidence-level="confidence-cannot-be-evaluated"', None),
        ("confidence:75", None),
    ],
)
def test_words_become_confidence_and_numbers_do_not(name: str, confidence: int | None) -> None:
    """STIX's own numbers for the words; MISP's 100, 75, 50, 25, 0 are never copied. Likelihood is no confidence."""
    given = event(attribute("domain", "a.example", Tag=[{"name": name, "numerical_value": 99}]))
    assert event_to_stix(given).objects[0].get("confidence") == confidence


@pytest.mark.parametrize(("confidence", "word"), [(100, "1"), (80, "1"), (79, "2"), (40, "3"), (20, "4"), (0, "5")])
def test_confidence_leaves_as_a_word(confidence: int, word: str) -> None:
    """By the ranges of STIX 2.1 appendix A."""
    body = {
        "type": "indicator", "id": f"indicator--{uuid(1)}", "pattern": "[domain-name:value = 'a.example']",
        "pattern_type": "stix", "created": "2026-03-01T00:00:00.000Z", "modified": "2026-03-01T00:00:00.000Z",
        "valid_from": "2026-03-01T00:00:00Z", "confidence": confidence,
    }  # fmt: skip
    tags = to_events([msgspec.json.encode(body)]).events[0]["Attribute"][0]["Tag"]
    assert tags == tag(f'admiralty-scale:information-credibility="{word}"')


def test_what_nothing_said_is_tagged_when_it_leaves() -> None:
    """An importer's marking, or one that was raised here, becomes a tag; distribution that says it already does not."""
    plain = event_to_stix(event(attribute("domain", "a.example")), tlp=Tlp.RED).objects
    assert to_events(map(msgspec.json.encode, plain)).events[0]["Tag"] == tag("tlp:red")
    narrow = event_to_stix(event(attribute("domain", "a.example"), distribution="0")).objects
    bodies = [msgspec.json.encode(obj) for obj in narrow]
    assert "Tag" not in to_events(bodies).events[0]
    assert to_events(bodies, distribution=False).events[0]["Tag"] == tag("tlp:red")
    green = event_to_stix(event(attribute("domain", "a.example"), Tag=tag("tlp:green"))).objects
    green[0]["object_marking_refs"] = [TLP2_IDS[Tlp.RED]]
    made = to_events(map(msgspec.json.encode, green)).events[0]
    assert (made["Tag"], made["Attribute"][0]["Tag"]) == (tag("tlp:green"), tag("tlp:red"))
