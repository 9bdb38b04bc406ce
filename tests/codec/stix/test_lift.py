"""STIX 2.0 lifted to 2.1: nothing dropped in silence, and the result is valid by the OASIS validator."""

from __future__ import annotations

import json
from typing import Any

from stix2validator import validate_instance

import realdata
from seawall.codec.stix import parse_bundle
from seawall.model.stix import Indicator, Malware, ObservedData

COMMON = {"created": "2018-04-20T12:00:00Z", "modified": "2018-04-20T12:00:00.5Z"}


def old(*objects: dict[str, Any]) -> bytes:
    """A STIX 2.0 bundle."""
    frame = {"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "spec_version": "2.0"}
    return json.dumps({**frame, "objects": list(objects)}).encode()


def identifier(kind: str) -> str:
    """A fixed id of a type."""
    return f"{kind}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"


def test_an_indicator_gets_what_2_1_asks_for() -> None:
    """spec_version, pattern_type, milliseconds; its labels become indicator types; START and STOP are timestamps."""
    pattern = "[ipv4-addr:value = '192.0.2.1'] START '2018-01-01T00:00:00Z' STOP '2018-01-02T00:00:00Z'"
    parsed = parse_bundle(
        old(
            {
                "type": "indicator",
                "id": identifier("indicator"),
                "labels": ["malicious-activity", "ours"],
                "pattern": pattern,
                **COMMON,
            }
        )
    )
    (only,) = parsed.objects
    assert isinstance(only, Indicator)
    assert (only.spec_version, only.pattern_type, only.created) == ("2.1", "stix", "2018-04-20T12:00:00.000Z")
    assert (only.indicator_types, only.labels) == (["malicious-activity"], ["ours"])
    assert "START t'2018-01-01T00:00:00Z'" in only.pattern
    assert only.valid_from == only.created
    assert {loss.kind for loss in parsed.losses} == {"stix20:lifted", "stix20:pattern", "stix20:valid_from"}


def test_malware_is_taken_for_a_family_and_that_is_reported() -> None:
    """2.0 did not say."""
    parsed = parse_bundle(
        old({"type": "malware", "id": identifier("malware"), "name": "X", "labels": ["trojan"], **COMMON})
    )
    (only,) = parsed.objects
    assert isinstance(only, Malware)
    assert (only.is_family, only.malware_types) == (True, ["trojan"])
    assert [loss.kind for loss in parsed.losses] == ["stix20:lifted", "stix20:is_family"]


def test_embedded_observables_become_objects() -> None:
    """With deterministic ids, new property names and resolved references; what 2.1 dropped is reported."""
    parsed = parse_bundle(
        old(
            {
                "type": "observed-data", "id": identifier("observed-data"), **COMMON, "number_observed": 2,
                "first_observed": "2018-04-20T12:00:00Z", "last_observed": "2018-04-20T12:00:00Z",
                "objects": {
                    "0": {"type": "file", "name": "a.exe", "created": "2018-01-01T00:00:00Z", "is_encrypted": True,
                          "parent_directory_ref": "1"},
                    "1": {"type": "directory", "path": "C:\\\\x"},
                    "2": {"type": "domain-name", "value": "a.example", "resolves_to_refs": ["3", "9"]},
                    "3": {"type": "ipv4-addr", "value": "192.0.2.1"},
                    "4": {"type": "process", "pid": 4, "binary_ref": "0", "name": "a"},
                },
            }
        )
    )  # fmt: skip
    assert parsed.rejected == []
    observed, *observables = parsed.objects
    assert isinstance(observed, ObservedData)
    assert observed.object_refs == [obj.id for obj in observables]
    by_type = {obj.type: json.loads(body) for obj, body in zip(parsed.objects, parsed.bodies, strict=True)}
    assert by_type["file"]["ctime"] == "2018-01-01T00:00:00Z"
    assert by_type["file"]["parent_directory_ref"] == by_type["directory"]["id"]
    assert by_type["domain-name"]["resolves_to_refs"] == [by_type["ipv4-addr"]["id"]]
    assert by_type["process"]["image_ref"] == by_type["file"]["id"]
    assert {loss.kind for loss in parsed.losses} == {
        "stix20:lifted",
        "stix20:file.is_encrypted",
        "stix20:process.name",
        "stix20:reference",
    }
    for body in parsed.bodies:
        assert validate_instance(json.loads(body)).is_valid


def test_circles_of_references_end() -> None:
    """Two objects that refer to each other lift without a loop."""
    objects = {
        "0": {"type": "domain-name", "value": "a.example", "resolves_to_refs": ["1"]},
        "1": {"type": "domain-name", "value": "b.example", "resolves_to_refs": ["0"]},
    }
    observed = {"type": "observed-data", "id": identifier("observed-data"), **COMMON, "number_observed": 1,
                "first_observed": "2018-04-20T12:00:00Z", "last_observed": "2018-04-20T12:00:00Z"}  # fmt: skip
    assert len(parse_bundle(old({**observed, "objects": objects})).objects) == 3


def test_an_object_without_spec_version_in_a_new_bundle_is_lifted_too() -> None:
    """Vendors mix both."""
    frame = {"type": "bundle", "id": identifier("bundle"), "objects": [
        {"type": "attack-pattern", "id": identifier("attack-pattern"), "name": "X", **COMMON}]}  # fmt: skip
    assert parse_bundle(json.dumps(frame).encode()).objects[0].spec_version == "2.1"


def test_real_2_0_bundles_lift_to_valid_objects() -> None:
    """The MISP converter's 2.0 output."""
    for path in sorted(realdata.folder("misp-stix").glob("*stix20.json")):
        parsed = parse_bundle(path.read_bytes())
        assert parsed.objects
        assert parsed.rejected == []
        for body in parsed.bodies:
            assert validate_instance(json.loads(body)).is_valid
