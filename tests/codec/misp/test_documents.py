"""MISP documents read: events in any wrapping, attributes as indicators, observed data or notes."""

from __future__ import annotations

import json
from typing import Any

import pytest

import realdata
from codec.misp.scenes import attribute, document, event, real_documents, uuid
from seawall.codec.misp import event_to_stix, parse_misp
from seawall.codec.misp_warninglist import parse_warninglist
from seawall.codec.pattern import simple_keys
from seawall.model import Fault, Tlp
from seawall.model.stix.tlp import TLP2_IDS


def made(*attributes: object, **more: Any) -> dict[str, list[dict[str, Any]]]:
    """The objects of an event by type."""
    found: dict[str, list[dict[str, Any]]] = {}
    for obj in event_to_stix(event(*attributes, **more)).objects:
        found.setdefault(obj["type"], []).append(obj)
    return found


def test_an_attribute_for_detection_is_an_indicator_with_its_uuid() -> None:
    """The event's title is the campaign, the comment the description, the timestamp the start."""
    (one,) = made(attribute("ip-dst|port", "192.0.2.1|443", comment="C2", uuid=uuid(1)))["indicator"]
    assert (one["id"], one["pattern"]) == (f"indicator--{uuid(1)}", "[ipv4-addr:value = '192.0.2.1']")
    assert (one["description"], one["valid_from"]) == ("C2", "2026-03-01T00:00:00.000Z")
    assert one["labels"] == ["campaign:Green Wave"]


def test_two_values_in_one_attribute_are_two_keys_of_one_indicator() -> None:
    """``domain|ip``; of ``filename|md5`` the hash."""
    first, second = made(
        attribute("domain|ip", "evil.example|2001:db8::1"), attribute("filename|md5", f"a|{'a' * 32}")
    )["indicator"]
    assert [key.value for key in simple_keys(first["pattern"]) or ()] == ["evil.example", "2001:db8::1"]
    assert [key.value for key in simple_keys(second["pattern"]) or ()] == ["a" * 32]


def test_context_is_observed_not_detected() -> None:
    """An address is observed data, a link a note, a vulnerability itself; text is a note."""
    found = made(
        attribute("ip-src", "192.0.2.1", to_ids=False, uuid=uuid(1)),
        attribute("link", "https://example.com/report", to_ids=False),
        attribute("vulnerability", "CVE-2024-12345", to_ids=False),
        attribute("text", "Locky", to_ids=False),
    )
    assert "indicator" not in found
    assert found["observed-data"][0]["object_refs"] == [f"ipv4-addr--{uuid(1)}"]
    assert found["vulnerability"][0]["external_references"][0]["external_id"] == "CVE-2024-12345"
    assert [note["content"] for note in found["note"]] == ["link: https://example.com/report", "text: Locky"]
    assert found["note"][0]["external_references"] == [{"source_name": "link", "url": "https://example.com/report"}]


def test_rules_are_carried_whole() -> None:
    """YARA, Sigma and Snort keep their language."""
    found = made(attribute("yara", "rule x { condition: true }"), attribute("snort", "alert ip any any -> any any ()"))
    assert [one["pattern_type"] for one in found["indicator"]] == ["yara", "snort"]
    assert found["indicator"][0]["pattern"] == "rule x { condition: true }"


def test_deleted_parts_are_revoked() -> None:
    """So that a deletion travels; an object takes its attributes along."""
    found = made(
        attribute("domain", "a.example", deleted=True),
        Object=[{"uuid": uuid(9), "name": "file", "deleted": True, "Attribute": [attribute("md5", "a" * 32)]}],
    )
    assert [one["revoked"] for one in found["indicator"]] == [True, True]
    assert found["grouping"][0]["revoked"] is True


def test_what_cannot_be_used_has_a_verdict_and_the_rest_lands() -> None:
    """Broken values are rejected one by one; what no pattern can say is kept as a note and reported."""
    found = event_to_stix(event(
        attribute("ip-src", "nonsense", uuid=uuid(1)), {"value": 5}, attribute("text", "Emotet"),
        attribute("domain", "a.example"), 7, None, attribute("unheard-of", "x"),
    ))  # fmt: skip
    assert [part.id for part in found.rejected] == [uuid(1), None]
    assert [loss.kind for loss in found.losses] == ["misp:text", "misp:unheard-of"]
    assert [obj["type"] for obj in found.objects] == ["note", "indicator", "note", "report"]


def test_real_events_are_read() -> None:
    """PyMISP's, misp-stix's and ESET's events, in all their wrappings."""
    indicators = events = 0
    for name, raw in real_documents():
        try:
            found = parse_misp(raw)
        except Fault as fault:
            assert (name, fault.code) == ("misp-events/sharing_groups.json", "E-MISP-002")
            continue
        events += found.events
        indicators += sum(obj["type"] == "indicator" for obj in found.objects)
    assert events == 16
    assert indicators > 380


@pytest.mark.parametrize(("data", "code"), [(b"{", "E-MISP-001"), (b"{}", "E-MISP-002"), (b"[" * 9999, "E-MISP-001")])
def test_other_json_is_a_fault(data: bytes, code: str) -> None:
    """One sentence with a code."""
    with pytest.raises(Fault) as caught:
        parse_misp(data)
    assert caught.value.code == code


def test_a_bare_list_of_events_is_read() -> None:
    """As a search answers it."""
    one = document(attribute("domain", "a.example"))
    found = parse_misp(b"[" + one + b"," + document(attribute("domain", "b.example"), uuid=uuid(5)) + b"]")
    assert found.events == 2


def test_attributes_that_a_search_found_go_to_their_events() -> None:
    """Each brings its event along; those without one stand together."""
    first, second = ({"uuid": uuid(number), "info": f"Event {number}", "org_id": "1"} for number in (7, 8))
    listed = [{**attribute("domain", f"{number}.example", uuid=uuid(number)), "Event": about}
              for number, about in enumerate((first, second, first))]  # fmt: skip
    found = parse_misp(json.dumps({"response": {"Attribute": [*listed, attribute("domain", "d.example")]}}).encode())
    reports = {obj["name"]: len(obj["object_refs"]) for obj in found.objects if obj["type"] == "report"}
    assert reports == {"Event 7": 2, "Event 8": 1, "Untitled event": 1}
    assert found.rejected == []


def test_unmarked_events_take_the_importers_marking() -> None:
    """A tag counts before it."""
    plain = event_to_stix(event(attribute("domain", "a.example")), tlp=Tlp.GREEN).objects[0]
    tagged = event_to_stix(event(attribute("domain", "a.example", Tag=[{"name": "tlp:red"}])), tlp=Tlp.GREEN).objects[0]
    assert plain["object_marking_refs"] == [TLP2_IDS[Tlp.GREEN]]
    assert tagged["object_marking_refs"] == [TLP2_IDS[Tlp.RED]]


def test_real_warninglists_are_read() -> None:
    """22 lists with 38,992 entries."""
    lists = [parse_warninglist(path.read_bytes()) for path in realdata.folder("misp-warninglists").glob("*.json")]
    assert len(lists) == 22
    assert sum(len(found.entries) for found in lists) == 38_992
    assert {found.kind for found in lists} == {"cidr", "hostname", "string"}


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"name":"x","list":["a"],"type":"radar"}', b"\xff"])
def test_other_documents_are_no_warninglists(data: bytes) -> None:
    """One sentence with a code."""
    with pytest.raises(Fault, match="E-MISP-010"):
        parse_warninglist(data)
