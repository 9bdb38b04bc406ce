"""An event that went to STIX comes back as it went; PyMISP and the OASIS validator are the judges."""

from __future__ import annotations

import copy
from importlib import import_module
from typing import Any

import msgspec
import pytest
from pymisp import MISPEvent
from stix2validator import ValidationOptions, validate_instance

from codec.misp.scenes import attribute, event, real_documents, uuid
from seawall.codec.misp import EXTENSION, event_to_stix, events_in, to_events
from seawall.codec.misp.feed import attributes_in
from seawall.codec.stix import check
from seawall.codec.stix.schemas import schemas
from seawall.model import Fault, Tlp

LOCAL = {
    "id", "event_id", "object_id", "org_id", "orgc_id", "sharing_group_id", "attribute_id", "attribute_count", "locked",
    "ShadowAttribute", "RelatedEvent", "Org", "event_creator_email", "proposal_email_lock", "protected", "exportable",
    "referenced_id", "referenced_type", "source_uuid", "user_id", "hide_tag", "is_galaxy", "is_custom_galaxy",
    "local_only", "CryptographicKey", "tag_id", "galaxy_id", "GalaxyClusterRelation", "TargetingClusterRelation",
    "event_tag_id", "enabled", "kill_chain_order", "object_uuid",
}  # fmt: skip
"""What one server says to itself; docs/explanation/misp.md lists it."""


def plain(value: Any, *, inside: str = "") -> Any:
    """What an event says, however a server spells it: no empty values, no server's own numbers, all numbers as text."""
    if isinstance(value, dict):
        dropped = LOCAL | ({"Object", "Attribute"} if inside == "ObjectReference" else set())
        dropped |= (
            {"uuid"} if inside == "GalaxyCluster" and "collection_uuid" not in value else set()
        )  # the collection's
        dropped |= {"Orgc"} if inside == "GalaxyCluster" else {"local"} if inside == "Orgc" else set()
        found = {name: plain(part, inside=name) for name, part in value.items() if name not in dropped}
        return {name: part for name, part in found.items() if part not in (None, "", [], {}, "0", False)}
    if isinstance(value, list):
        return [plain(part, inside=inside) for part in value]
    if isinstance(value, str):
        return value.strip()
    return value if isinstance(value, bool) or value is None else str(value)


def without_marking(found: dict[str, Any]) -> dict[str, Any]:
    """An event without the tag that we add to what came unmarked."""
    tags = [tag for tag in found.get("Tag", []) if tag["name"] != "tlp:amber+strict"]
    return {**{name: part for name, part in found.items() if name != "Tag"}, **({"Tag": tags} if tags else {})}


def back(found: dict[str, Any]) -> dict[str, Any]:
    """An event after both conversions."""
    made = to_events(msgspec.json.encode(obj) for obj in event_to_stix(found).objects)
    assert len(made.events) == 1
    assert made.losses == []
    return made.events[0]


def with_uuids() -> list[Any]:
    """The real events that carry UUIDs, as pytest parameters."""
    found = []
    for name, raw in real_documents():
        try:
            events = events_in(raw)
        except Fault:
            continue
        found += [pytest.param(one, id=f"{name}-{index}") for index, one in enumerate(events) if "uuid" in one]
    return found


@pytest.mark.parametrize("given", with_uuids())
def test_a_real_event_comes_back_as_it_went(given: dict[str, Any]) -> None:
    """Attributes, objects, references, tags, galaxies, sightings: all but what one server says to itself."""
    broken = {part.id for part in event_to_stix(given).rejected}
    wanted, got = plain(copy.deepcopy(given)), plain(back(given))
    wanted["Attribute"] = [part for part in wanted.get("Attribute", []) if part["uuid"] not in broken]
    for found in (wanted, got):
        found["Galaxy"] = {cluster["tag_name"]: {**cluster, "description": str(cluster.get("description"))[:1000]}
                           for galaxy in found.get("Galaxy", ()) for cluster in galaxy["GalaxyCluster"]}  # fmt: skip
        for part in found["Galaxy"].values():
            part["meta"] = {name: value for name, value in part.get("meta", {}).items() if value}
        if not found.get("Attribute"):
            found.pop("Attribute", None)
    assert without_marking(got) == without_marking(wanted)


@pytest.mark.parametrize("given", with_uuids())
def test_pymisp_reads_what_we_export(given: dict[str, Any]) -> None:
    """With as many attributes as went in, and the same values."""
    made = back(given)
    loaded = MISPEvent()
    loaded.load({"Event": copy.deepcopy(made)})
    held = [*loaded.attributes, *(one for part in loaded.objects for one in part.attributes)]
    assert {str(one.uuid) for one in held} == {one["uuid"] for one in attributes_in(made)}
    again = event_to_stix(made)
    assert [obj["id"] for obj in again.objects] == [obj["id"] for obj in event_to_stix(given).objects]


def test_every_object_obeys_stix() -> None:
    """The OASIS validator finds no error in any object of any real event, and neither do we."""
    options = ValidationOptions(version="2.1")
    seen = 0
    for _, raw in real_documents():
        try:
            events = events_in(raw)
        except Fault:
            continue
        for one in events:
            for obj in event_to_stix(one).objects:
                seen += 1
                assert check(obj).valid
                result = validate_instance(obj, options)
                assert result.is_valid, (obj["id"], result.errors)
    assert seen > 800


def test_a_sighting_a_report_and_a_reference_come_back() -> None:
    """With who saw it; a false positive is an opinion on the way, an expiry a note."""
    organisation = {"uuid": uuid(50), "name": "Example CERT"}
    seen = [{"uuid": uuid(60 + kind), "type": str(kind), "date_sighting": "1772400000", "Organisation": organisation,
             "attribute_uuid": uuid(1), "source": "honeypot"} for kind in range(3)]  # fmt: skip
    given = event(
        attribute("domain", "a.example", uuid=uuid(1), Sighting=seen),
        Object=[{"uuid": uuid(2), "name": "file", "meta-category": "file", "timestamp": "1772400000",
                 "Attribute": [attribute("md5", "a" * 32, uuid=uuid(3), object_relation="md5")],
                 "ObjectReference": [{"uuid": uuid(4), "referenced_uuid": uuid(1), "relationship_type": "Connects to",
                                      "timestamp": "1772400000"}]}],
        EventReport=[{"uuid": uuid(5), "name": "What happened", "content": "# Wave", "timestamp": "1772400000"}],
    )  # fmt: skip
    kinds = [obj["type"] for obj in event_to_stix(given).objects]
    assert [kind for kind in kinds if kind in ("sighting", "opinion", "note", "relationship", "grouping")] == [
        "grouping", "relationship", "sighting", "opinion", "note", "note",
    ]  # fmt: skip
    made = back(given)
    assert made["Attribute"][0]["Sighting"] == seen
    (reference,) = made["Object"][0]["ObjectReference"]
    assert (reference["referenced_uuid"], reference["relationship_type"]) == (uuid(1), "Connects to")
    assert made["EventReport"][0]["content"] == "# Wave"


def test_an_attachment_comes_back() -> None:
    """It travels as an artifact."""
    given = event(attribute("malware-sample", f"a.exe|{'a' * 32}", uuid=uuid(1), data="UEsDBAo="))
    (artifact,) = [obj for obj in event_to_stix(given).objects if obj["type"] == "artifact"]
    assert artifact["decryption_key"] == "infected"
    assert back(given)["Attribute"][0]["data"] == "UEsDBAo="


def test_a_deletion_comes_back() -> None:
    """As deleted, whoever revoked it."""
    given = event(attribute("domain", "a.example", uuid=uuid(1)), attribute("domain", "b.example", deleted=True))
    bodies = [msgspec.json.encode({**obj, "revoked": True}) for obj in event_to_stix(given).objects
              if obj["type"] == "indicator"]  # fmt: skip
    made = to_events(bodies).events[0]
    assert [one["deleted"] for one in made["Attribute"]] == [True, True]


def test_equal_input_gives_equal_output() -> None:
    """Both ways, in whatever order the bodies come."""
    given = event(*(attribute("ip-dst", f"192.0.2.{number}", uuid=uuid(number)) for number in range(1, 20)))
    bodies = [msgspec.json.encode(obj) for obj in event_to_stix(given, tlp=Tlp.GREEN).objects]
    assert bodies == [msgspec.json.encode(obj) for obj in event_to_stix(given, tlp=Tlp.GREEN).objects]
    assert to_events(bodies).events == to_events(reversed(bodies)).events


def test_the_extension_is_what_its_schema_says() -> None:
    """In every object of every real event."""
    validator = import_module("jsonschema").Draft202012Validator(schemas()["misp-part.json"])
    seen = 0
    for given in with_uuids():
        for obj in event_to_stix(given.values[0]).objects:
            part = obj.get("extensions", {}).get(EXTENSION)
            if part is not None:
                seen += 1
                assert list(validator.iter_errors(part)) == []
    assert seen > 700
