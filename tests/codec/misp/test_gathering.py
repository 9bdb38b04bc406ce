"""STIX that never was MISP becomes events: by report, by grouping, by creator and day."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from pymisp import MISPEvent

import realdata
from codec.misp import peer
from codec.misp.scenes import attribute, event, uuid
from seawall.codec.indicators import IndicatorRow
from seawall.codec.misp import ToMisp, attribute_of, event_to_stix, parse_misp, to_events
from seawall.codec.misp.feed import attributes_in
from seawall.codec.pattern import pattern_for
from seawall.codec.value_indicator import ValueIndicators
from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.stix.tlp import TLP2_IDS

MOMENT = "2026-03-01T10:00:00.000Z"
AUTHOR = {
    "type": "identity",
    "id": f"identity--{uuid(90)}",
    "name": "Example CERT",
    "created": MOMENT,
    "modified": MOMENT,
}


def stix(kind: str, number: int, **more: Any) -> dict[str, Any]:
    """One object."""
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid(number)}", "created": MOMENT, "modified": MOMENT,
            "created_by_ref": AUTHOR["id"], "object_marking_refs": [TLP2_IDS[Tlp.GREEN]], **more}  # fmt: skip


def indicator(number: int, pattern: str, **more: Any) -> dict[str, Any]:
    """One indicator."""
    return stix("indicator", number, pattern=pattern, pattern_type="stix", valid_from=MOMENT, **more)


def out(*objects: dict[str, Any]) -> ToMisp:
    """The events of these objects."""
    return to_events(msgspec.json.encode(obj) for obj in objects)


VALUES = {
    ObservableType.IPV4: ("192.0.2.1", "ip-dst"),
    ObservableType.IPV6: ("2001:db8::1", "ip-dst"),
    ObservableType.CIDR: ("192.0.2.0/24", "ip-dst"),
    ObservableType.DOMAIN: ("a.example", "domain"),
    ObservableType.URL: ("http://a.example/x", "url"),
    ObservableType.EMAIL: ("a@a.example", "email"),
    ObservableType.MD5: ("a" * 32, "md5"),
    ObservableType.SHA1: ("a" * 40, "sha1"),
    ObservableType.SHA256: ("a" * 64, "sha256"),
    ObservableType.CERTIFICATE: ("a" * 40, "x509-fingerprint-sha1"),
    ObservableType.JA3: ("a" * 32, "ja3-fingerprint-md5"),
    ObservableType.JA4: ("t13d1516h2_8daaf6152771_b186095e22b6", "other"),
    ObservableType.HASSH: ("a" * 32, "hassh-md5"),
    ObservableType.AS: ("64496", "AS"),
    ObservableType.CVE: ("CVE-2024-12345", "vulnerability"),
    ObservableType.FILE_NAME: ("a.exe", "filename"),
    ObservableType.WALLET: ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "btc"),
    ObservableType.PATTERN: ("[file:name = 'a' AND file:size = 5]", "stix2-pattern"),
}


@pytest.mark.parametrize("kind", list(ObservableType))
def test_every_value_has_misps_own_word(kind: ObservableType) -> None:
    """For detection, under the indicator's UUID; PyMISP accepts it."""
    value, word = VALUES[kind]
    (made,) = attribute_of(indicator(1, pattern_for(Observable(kind, value))))
    assert (made["type"], made["value"], made["to_ids"], made["uuid"]) == (word, value, True, uuid(1))
    loaded = MISPEvent()
    loaded.add_attribute(**made)


def test_several_values_are_several_attributes() -> None:
    """Each under a UUID that stays; what is more than a list of values goes whole."""
    both = indicator(1, "[domain-name:value = 'a.example'] OR [ipv4-addr:value = '192.0.2.1']")
    assert [made["value"] for made in attribute_of(both)] == ["a.example", "192.0.2.1"]
    assert attribute_of(both) == attribute_of(copy.deepcopy(both))
    (whole,) = attribute_of(indicator(2, "[file:name = 'a' AND file:size = 5]"))
    assert (whole["type"], whole["value"]) == ("stix2-pattern", "[file:name = 'a' AND file:size = 5]")
    (yara,) = attribute_of({**indicator(3, "rule x {}"), "pattern_type": "yara"})
    assert yara["type"] == "yara"
    assert attribute_of({"type": "malware", "id": "malware--x"}) == []


def test_a_report_is_an_event_of_what_it_lists() -> None:
    """With who wrote it, its links, its text, what is indicated as galaxy tags, and the strictest marking."""
    actor = stix("threat-actor", 5, name="Green Actor")
    report = stix("report", 9, name="Green Wave", description="Long text", published=MOMENT, labels=["apt"],
                  object_refs=[f"indicator--{uuid(1)}", f"indicator--{uuid(2)}", actor["id"]],
                  external_references=[{"source_name": "blog", "url": "https://blog.example/1"}])  # fmt: skip
    red = indicator(2, "[domain-name:value = 'b.example']", object_marking_refs=[TLP2_IDS[Tlp.RED]])
    relation = stix("relationship", 7, relationship_type="indicates", source_ref=f"indicator--{uuid(1)}",
                    target_ref=actor["id"])  # fmt: skip
    seen = stix("sighting", 8, sighting_of_ref=f"indicator--{uuid(1)}", count=4, last_seen=MOMENT)
    made = out(relation, seen, report, red, indicator(1, "[domain-name:value = 'a.example']", name="C2"), actor, AUTHOR)
    (one,) = made.events
    assert (one["uuid"], one["info"], one["date"], made.losses) == (uuid(9), "Green Wave", "2026-03-01", [])
    assert one["Orgc"] == {"uuid": uuid(90), "name": "Example CERT"}
    galaxy = 'misp-galaxy:stix-2.1-threat-actor="Green Actor"'
    assert [tag["name"] for tag in one["Tag"]] == ["tlp:red", "apt", galaxy]
    first, second, link = one["Attribute"]
    assert (first["value"], first["comment"], first["timestamp"]) == ("a.example", "C2", "1772359200")
    assert [tag["name"] for tag in first["Tag"]] == ["tlp:green", galaxy]
    assert first["Sighting"][0]["source"] == "seen 4 times"
    assert (second["value"], link["value"]) == ("b.example", "https://blog.example/1")
    assert one["EventReport"][0]["content"] == "Long text"


def test_loose_indicators_are_gathered_by_creator_day_and_marking() -> None:
    """The same events at every export."""
    rows = [IndicatorRow(ObservableType.IPV4, f"192.0.2.{number}", number, tlp=Tlp(number % 2)) for number in range(9)]
    maker = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN)
    bodies = [maker.entry(row, ("a",)).body for row in rows]
    made = to_events(bodies)
    assert sorted(len(one["Attribute"]) for one in made.events) == [4, 5]
    assert {one["Tag"][0]["name"] for one in made.events} == {"tlp:clear", "tlp:green"}
    assert to_events(reversed(bodies)).events == made.events
    assert made.objects == 9


def test_a_day_of_many_is_split() -> None:
    """No event of ten thousand attributes; every attribute once."""
    maker = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN)
    rows = (IndicatorRow(ObservableType.IPV4, f"10.0.{n >> 8}.{n & 255}", n) for n in range(6_000))
    made = to_events(maker.entry(row, ("a",)).body for row in rows)
    assert len(made.events) == 16
    assert sum(len(one["Attribute"]) for one in made.events) == 6_000


def test_observed_data_is_context() -> None:
    """Not for detection; a vulnerability too."""
    sco = {
        "type": "file",
        "spec_version": "2.1",
        "id": f"file--{uuid(3)}",
        "name": "a.exe",
        "hashes": {"MD5": "a" * 32},
    }
    observed = stix("observed-data", 4, first_observed=MOMENT, last_observed=MOMENT, number_observed=1,
                    object_refs=[sco["id"]])  # fmt: skip
    flaw = stix("vulnerability", 5, name="CVE-2024-12345")
    (one,) = out(sco, observed, flaw).events
    assert {(made["type"], made["to_ids"]) for made in one["Attribute"]} == {
        ("md5", False), ("filename", False), ("vulnerability", False),
    }  # fmt: skip


def test_what_misp_has_no_place_for_is_told() -> None:
    """One loss for each object, with its id."""
    given = [stix("location", 1, country="TW"), stix("opinion", 2, opinion="agree", object_refs=[AUTHOR["id"]]),
             stix("relationship", 3, relationship_type="uses", source_ref=f"malware--{uuid(8)}",
                  target_ref=f"tool--{uuid(9)}")]  # fmt: skip
    made = out(*given)
    assert {identifier for identifier, _ in made.losses} == {obj["id"] for obj in given}


@pytest.mark.parametrize("name", ["unit42-stix", "stix-examples"])
def test_real_reports_become_events_that_pymisp_reads(name: str) -> None:
    """Vendors' bundles, with their oddities; every simple indicator is there."""
    attributes = 0
    for path in sorted(realdata.folder(name).glob("*.json"))[:25]:
        bundle = msgspec.json.decode(path.read_bytes())
        made = to_events(msgspec.json.encode(obj) for obj in bundle.get("objects", [bundle]))
        for one in made.events:
            attributes += len(list(attributes_in(one)))
            MISPEvent().load({"Event": copy.deepcopy(one)})
    assert attributes > 50


def test_what_misp_stix_makes_is_understood() -> None:
    """Its bundles come back with every value for detection."""
    given = event(
        attribute("ip-dst", "192.0.2.1", uuid=uuid(1), category="Network activity"),
        attribute("domain", "a.example", uuid=uuid(2), category="Network activity"),
        attribute("sha256", "a" * 64, uuid=uuid(3), category="Payload delivery"),
        attribute("ip-src|port", "192.0.2.2|443", uuid=uuid(4), category="Network activity"),
        attribute("filename|md5", f"it's.exe|{'b' * 32}", uuid=uuid(5), category="Payload delivery"),
        Orgc={"uuid": uuid(9), "name": "Example"},
    )  # fmt: skip
    made = to_events(peer.to_stix(given))
    values = {(one["type"], one["value"]) for one in attributes_in(made.events[0]) if one["to_ids"]}
    assert values == {(one["type"], one["value"]) for one in given["Attribute"]}


def test_misp_stix_understands_what_we_make() -> None:
    """As an outsider's STIX: the values for detection are attributes there."""
    given = event(attribute("ip-dst", "192.0.2.1", uuid=uuid(1)), attribute("sha256", "b" * 64, uuid=uuid(2)))
    made = peer.to_misp(event_to_stix(given).objects)
    assert {one.value for one in made.attributes} == {"192.0.2.1", "b" * 64}


def test_an_event_of_its_own_folder_is_read() -> None:
    """misp-stix's own test collections."""
    for path in sorted(realdata.folder("misp-stix").glob("test_events_collection_?.json")):
        found = parse_misp(path.read_bytes())
        assert (found.events, found.rejected) == (2, [])
