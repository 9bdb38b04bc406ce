"""What attackers and broken exporters send: a verdict for each part, the rest lands, nothing raises."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given as property_given
from hypothesis import settings
from hypothesis import strategies as st
from pymisp import MISPEvent

from codec.misp.scenes import EVENT_UUID, attribute, event, uuid
from seawall.codec.misp import EXTENSION, event_to_stix, events_in, parse_misp, to_events
from seawall.codec.misp.reading import MAX_TEXT, MAX_VALUE
from seawall.codec.stix import check
from seawall.model import Fault

GOOD = attribute("domain", "a.example", uuid=uuid(1))
NASTY: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    "x" * 70_000,
    [],
    [[]],
    [None],
    {},
    {"a": {"b": []}},
    "\x1b[31m",
    "\u202e",
]
FIELDS = [
    "uuid", "type", "value", "category", "to_ids", "comment", "timestamp", "first_seen", "last_seen", "Tag", "data",
    "Galaxy", "Sighting", "ShadowAttribute", "distribution", "deleted", "SharingGroup", "object_relation",
]  # fmt: skip
PARTS = [
    "uuid", "info", "date", "timestamp", "distribution", "Tag", "Galaxy", "Object", "EventReport", "Orgc", "Org",
    "RelatedEvent", "SharingGroup", "published", "publish_timestamp", "Sighting", "Attribute",
]  # fmt: skip


def survives(given: dict[str, Any]) -> list[str]:
    """Convert there and back; every object is valid, PyMISP reads the result. Returns the types."""
    found = event_to_stix(given)
    assert all(check(obj).valid for obj in found.objects)
    made = to_events(msgspec.json.encode(obj) for obj in found.objects)
    for one in made.events:
        loaded = MISPEvent()
        loaded.load(json.loads(json.dumps({"Event": one})))
    return [obj["type"] for obj in found.objects]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
def test_any_field_may_hold_anything(field: str, value: object) -> None:
    """The good attribute beside it lands."""
    assert "indicator" in survives(event({**attribute("ip-src", "192.0.2.1"), field: value}, GOOD))


@pytest.mark.parametrize("field", PARTS)
@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
def test_any_part_of_an_event_may_hold_anything(field: str, value: object) -> None:
    """A report comes of it in any case."""
    assert "report" in survives({**event(GOOD), field: value})


@pytest.mark.parametrize("part", ["Object", "EventReport", "Galaxy", "Tag", "Orgc", "Sighting"])
def test_parts_full_of_nonsense_are_left_out(part: str) -> None:
    """Lists of everything."""
    broken = [*NASTY, {"uuid": 5, "name": [], "Attribute": NASTY, "GalaxyCluster": NASTY, "content": 7}]
    assert "indicator" in survives(event(GOOD, **{part: broken}))


def test_one_uuid_belongs_to_one_part() -> None:
    """The second attribute or object under it is rejected, also in another event of the document."""
    twice = event(GOOD, attribute("domain", "b.example", uuid=uuid(1)), Object=[{"uuid": uuid(1), "name": "file"}])
    found = event_to_stix(twice)
    assert len(found.rejected) == 2
    other = {**event(attribute("domain", "c.example", uuid=uuid(1))), "uuid": uuid(99)}
    joined = parse_misp(json.dumps({"response": [{"Event": event(GOOD)}, {"Event": other}]}).encode())
    assert ["another event" in part.reason for part in joined.rejected] == [True]
    assert joined.events == 2


def test_what_is_no_uuid_gets_one_that_stays() -> None:
    """The same at every import; it is told."""
    given = event(attribute("domain", "a.example", uuid="../../etc/passwd"), uuid="x" * 10_000)
    found = event_to_stix(given)
    assert [loss.kind for loss in found.losses] == ["misp:uuid"]
    assert found.objects == event_to_stix(given).objects


def test_sizes_have_bounds() -> None:
    """A 10 MB comment is cut and told, a 10 MB value is rejected, a 10 MB report is cut."""
    long = "x" * 10_000_000
    given = event(attribute("domain", "a.example", comment=long), attribute("text", long, to_ids=False),
                  EventReport=[{"name": "a", "content": long}], info=long)  # fmt: skip
    found = event_to_stix(given)
    assert len(found.rejected) == 1
    assert "misp:attribute:comment-too-long" in {loss.kind for loss in found.losses}
    assert sum(len(msgspec.json.encode(obj)) for obj in found.objects) < 2_000_000
    assert len(found.objects[0]["extensions"][EXTENSION]["misp"]["comment"]) == MAX_TEXT
    assert MAX_VALUE < 10_000_000


def test_depth_is_a_fault_not_a_crash() -> None:
    """And so is what is no UTF-8."""
    for data in (b'{"Event":' * 5000 + b"1" + b"}" * 5000, b'{"Event":{"info":"\xff"}}', b'{"Event":[[[[1]]]]}', b"[]"):
        with pytest.raises(Fault, match="E-MISP-00"):
            events_in(data)


def test_markup_formulas_and_escapes_stay_data() -> None:
    """They come back as they went, and PyMISP still reads them."""
    values = [
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "\x1b]0;x\x07",
        "{{7*7}}",
        "%s%n",
        "'; DROP TABLE a;--",
    ]
    given = event(*(attribute("text", value, to_ids=False, comment=value) for value in values), info="<b>\x1b[2J</b>")
    made = to_events(msgspec.json.encode(obj) for obj in event_to_stix(given).objects).events[0]
    assert [one["value"] for one in made["Attribute"]] == values
    survives(given)


def test_quotes_do_not_leave_the_pattern() -> None:
    """What stands in a value stays inside the constant."""
    found = event_to_stix(event(attribute("mutex", "a'] OR [domain-name:value = 'b.example"), GOOD))
    assert found.objects[0]["pattern"] == "[mutex:name = 'a\\'] OR [domain-name:value = \\'b.example']"


@pytest.mark.parametrize("event_uuid", ["../../evil", "a/b", "", 7, None, ["x"]])
def test_a_forged_extension_names_no_file(event_uuid: object) -> None:
    """An event's UUID becomes a file name in a feed: what is none is a loss."""
    part = {"extension_type": "property-extension", "kind": "attribute", "event_uuid": event_uuid,
            "misp": {"type": "domain", "value": "a.example"}}  # fmt: skip
    body = {"type": "note", "id": f"note--{uuid(1)}", "extensions": {EXTENSION: part}}
    made = to_events([msgspec.json.encode(body)])
    assert made.events == []
    assert made.losses[0] == (body["id"], "its extension names no event")


@pytest.mark.parametrize("misp", [{}, {"type": "domain"}, {"type": [], "value": {}}, {"type": "nonsense", "value": "x"},
                                  {"type": "datetime", "value": "yesterday"}, {"type": "domain", "value": "a.example",
                                  "Tag": [7, {"name": []}], "distribution": "4", "category": "Nonsense",
                                  "first_seen": "never", "timestamp": "soon"}])  # fmt: skip
def test_a_forged_extension_is_read_without_trust(misp: dict[str, Any]) -> None:
    """What comes of it is an event that PyMISP accepts."""
    part = {"extension_type": "property-extension", "kind": "attribute", "event_uuid": EVENT_UUID, "misp": misp}
    made = to_events(
        [msgspec.json.encode({"type": "indicator", "id": "indicator--x", "extensions": {EXTENSION: part}})]
    )
    for one in made.events:
        MISPEvent().load({"Event": one})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"type":"indicator"}', b'{"id":5,"type":"a"}', b"\xff"])
def test_bodies_that_are_no_objects_are_losses(body: bytes) -> None:
    """One each."""
    made = to_events([body])
    assert (made.events, len(made.losses)) == ([], 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS + PARTS), inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=80, deadline=None)
@property_given(st.dictionaries(st.sampled_from(FIELDS + PARTS), JSON, max_size=10))
def test_no_event_raises(given: dict[str, Any]) -> None:
    """Whatever it is made of."""
    survives(given)


def test_a_pattern_counts_before_an_extension() -> None:
    """Whoever shares a harmless pattern cannot make a MISP detect something else by it."""
    (good, report) = event_to_stix(event(GOOD)).objects
    good["extensions"][EXTENSION]["misp"]["value"] = "bank.example"
    made = to_events([msgspec.json.encode(good), msgspec.json.encode(report)])
    assert [reason for _, reason in made.losses] == ["its extension and pattern differ"]
    assert [one["value"] for found in made.events for one in found["Attribute"]] == ["a.example"]


def test_a_note_does_not_become_a_detection() -> None:
    """Nor does observed data, whatever its extension asks."""
    (note, _) = event_to_stix(event(attribute("text", "x", to_ids=False, uuid=uuid(1)))).objects
    note["extensions"][EXTENSION]["misp"] |= {"type": "domain", "value": "bank.example", "to_ids": True}
    made = to_events([msgspec.json.encode(note)])
    assert [one for found in made.events for one in found["Attribute"]] == []
    assert ("its extension asks for a detection that it is not") in {reason for _, reason in made.losses}


def test_nobody_writes_into_somebody_elses_event() -> None:
    """A part by another creator stands beside the event, and it is told; a report keeps its own name."""
    ours = event_to_stix(event(GOOD, Orgc={"uuid": uuid(50), "name": "Ours"})).objects
    theirs = event_to_stix(event(attribute("domain", "b.example", uuid=uuid(2)), Orgc={"uuid": uuid(51), "name": "B"}))
    forged = [obj for obj in theirs.objects if obj["type"] == "indicator"]
    renamed = {**next(obj for obj in ours if obj["type"] == "report"), "id": f"report--{uuid(66)}", "name": "Renamed"}
    made = to_events(msgspec.json.encode(obj) for obj in [*ours, *forged, renamed])
    (event_of_ours,) = [one for one in made.events if one["uuid"] == EVENT_UUID]
    assert (event_of_ours["info"], [one["value"] for one in event_of_ours["Attribute"]]) == (
        "Green Wave",
        ["a.example"],
    )
    assert {reason for _, reason in made.losses} == {
        "it claims a place in an event that somebody else wrote", "its extension names another event",
    }  # fmt: skip


STIX_FIELDS = [
    "created_by_ref", "created", "modified", "pattern", "pattern_type", "labels", "confidence", "kill_chain_phases",
    "object_refs", "object_marking_refs", "external_references", "hashes", "value", "name", "description", "revoked",
    "source_ref", "target_ref", "sighting_of_ref", "count", "valid_from", "published", "content", "extensions",
]  # fmt: skip
TYPES = ["indicator", "report", "grouping", "observed-data", "file", "note", "opinion", "sighting", "relationship",
         "identity", "malware", "vulnerability", "x509-certificate", "location", "artifact"]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=12)
    | st.sampled_from([f"{kind}--{uuid(1)}" for kind in TYPES] + ["2026-03-01T00:00:00.000Z", "[a:b = 'c']"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*STIX_FIELDS, "misp", "kind", "event_uuid", "Tag"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@st.composite
def stix_bodies(draw: st.DrawFn) -> bytes:
    """One object of a known type with anything in it, our extension now and then."""
    body = draw(st.dictionaries(st.sampled_from(STIX_FIELDS), ANYTHING, max_size=8))
    kind = draw(st.sampled_from(TYPES))
    body |= {"type": kind, "id": f"{kind}--{uuid(draw(st.integers(1, 4)))}"}
    if draw(st.booleans()):
        misp = draw(st.dictionaries(st.sampled_from(FIELDS + PARTS), JSON, max_size=6))
        kinds = ["event", "attribute", "object", "report", "sighting", "reference", "cluster", "data"]
        body["extensions"] = {EXTENSION: {"kind": draw(st.sampled_from(kinds)), "event_uuid": uuid(1), "misp": misp}}
    return msgspec.json.encode(body)


@settings(max_examples=80, deadline=None)
@property_given(st.lists(stix_bodies(), max_size=6))
def test_no_stix_raises(bodies: list[bytes]) -> None:
    """Whatever a peer sends, what comes of it is something that PyMISP reads."""
    for one in to_events(bodies).events:
        MISPEvent().load(json.loads(json.dumps({"Event": one})))
