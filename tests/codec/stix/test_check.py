"""Verdicts against the OASIS validator's, on its own test objects and on damaged ones."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import realdata
from seawall.codec.stix import check
from seawall.codec.stix.check import _COMPILED
from seawall.codec.stix.quick import MAX_NAMES, MAX_PLANS
from seawall.model.stix import TLP2_IDS

IDENTITY: dict[str, Any] = {
    "type": "identity",
    "spec_version": "2.1",
    "id": "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created": "2026-03-01T00:00:00.000Z",
    "modified": "2026-03-01T00:00:00.000Z",
    "name": "Example CERT",
}


def cases() -> list[dict[str, Any]]:
    """186 objects with the verdict of stix2-validator 3.3.1."""
    lines = (realdata.folder("stix-validity") / "cases.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_musts_are_judged_as_the_oasis_validator_judges_them() -> None:
    """No object is wrongly refused or wrongly accepted."""
    wrong = []
    for case in cases():
        objects = case["object"] if isinstance(case["object"], list) else [case["object"]]
        if all(check(obj).valid for obj in objects) != case["valid"]:
            wrong.append(case["case"])
    assert wrong == []


def test_the_shoulds_are_judged_as_the_oasis_validator_judges_them() -> None:
    """A valid object gets warnings when and only when the strict verdict differs."""
    wrong = []
    for case in cases():
        objects = case["object"] if isinstance(case["object"], list) else [case["object"]]
        clean = not any(check(obj).warnings for obj in objects)
        if case["valid"] and clean != case["valid_strict"]:
            wrong.append(case["case"])
    assert wrong == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"created": "2026-02-30T00:00:00.000Z"}, "created"),
        ({"created": "2026-03-01T00:00:00Z"}, "millisecond"),
        ({"modified": "2026-02-01T00:00:00.000Z"}, "later"),
        ({"created_by_ref": "nobody"}, "created_by_ref"),
        ({"object_marking_refs": ["identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"]}, "marking-definition"),
        ({"confidence": 101}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"labels": []}, "empty"),
        ({"name": None}, "name"),
        ({"lang": "Klingon!"}, "lang"),
        ({"x_extra": None}, "null"),
        ({"Bad": 1}, "property name"),
        ({"severity": 3}, "reserved"),
        ({"granular_markings": [{"selectors": ["nothing"], "marking_ref": next(iter(TLP2_IDS.values()))}]}, "selects"),
        ({"external_references": [{"source_name": "cve", "external_id": "CVE-1"}]}, "external_references"),
        ({"extensions": {"whatever": {"a": 1}}}, "extensions"),
    ],
)
def test_a_broken_must_is_named(change: dict[str, Any], complaint: str) -> None:
    """The sentence says which property, so that somebody can mend it."""
    verdict = check({**IDENTITY, **change})
    assert not verdict.valid
    assert any(complaint in error for error in verdict.errors)


def test_a_clean_object_has_nothing_said_about_it() -> None:
    """No error, no warning."""
    assert check(IDENTITY) == check(dict(IDENTITY))
    assert (check(IDENTITY).valid, check(IDENTITY).errors, check(IDENTITY).warnings) == (True, (), ())


def test_a_bundle_is_judged_with_everything_in_it() -> None:
    """One bad object makes the bundle invalid, and the place is named."""
    bundle = {"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": [IDENTITY, {"a": 1}]}
    assert check(bundle).errors == ("objects[1]: 'type' is a required property and a string",)
    assert check({**bundle, "objects": [IDENTITY]}).valid
    assert not check({**bundle, "objects": []}).valid
    assert check({**bundle, "objects": [IDENTITY, IDENTITY]}).warnings


@pytest.mark.parametrize("thing", [None, 1, "x", [], {}, {"type": 5}, {"type": "identity"}, {"type": "x" * 999}])
def test_anything_gets_a_verdict(thing: object) -> None:
    """Never an exception."""
    assert not check(thing).valid


def test_deep_nesting_gets_a_verdict() -> None:
    """A thousand levels are refused, not crashed on."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    file = {"type": "file", "id": "file--bedb4899-d24b-5401-bc86-8f6b4cc18ec7", "name": "x", "foo": deep}
    assert check(file).errors == ("this is nested too deeply",)


WEIRD: list[Any] = [None, "", [], {}, 0, -1, 1.5, True, "Foo Bar", ["a"], [1], {"a": 1}, 10**12, "a" * 300, [None]]


INDICATOR: dict[str, Any] = IDENTITY | {
    "type": "indicator",
    "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "pattern": "[ipv4-addr:value = '198.51.100.1']",
    "pattern_type": "stix",
    "valid_from": "2026-03-01T00:00:00Z",
}


@pytest.mark.parametrize(
    "obj",
    [
        INDICATOR | {"pattern": f"[ipv4-addr:value = '198.51.100.1'] REPEATS {'1' * 5_000} TIMES"},
        INDICATOR | {"labels": ["a"], "granular_markings": [{"lang": "en", "selectors": [f"labels.[{'1' * 5_000}]"]}]},
        {"type": "ipv6-addr", "id": "ipv6-addr--8e2e2d2b-17d4-5cbf-938f-98ee46b3cd3f", "value": f"::1/{'1' * 5_000}"},
        INDICATOR | {"confidence": 10**5_000},
        INDICATOR | {"x_own": {"number": 10**5_000}, "revoked": 10**5_000},
    ],
)
def test_numbers_of_thousands_of_digits_get_a_verdict(obj: dict[str, Any]) -> None:
    """Python refuses to read or write them; whoever is asked about such an object answers no, and goes on."""
    verdict = check(obj)
    assert not verdict.valid
    assert check({"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": [obj]}).errors


def test_two_ids_in_one_text_are_not_two_ids() -> None:
    """A line feed between them is part of a text that is no identifier, wherever a list of identifiers stands."""
    one = "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
    report = IDENTITY | {"type": "report", "id": "report--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}
    report |= {"published": "2026-03-01T00:00:00Z", "object_refs": [one, one]}
    assert check(report).valid
    assert not check(report | {"object_refs": [f"{one}\n{one}"]}).valid
    assert not check(report | {"object_refs": [one], "object_marking_refs": [f"{one}\n{one}"]}).valid


def test_names_that_nobody_repeats_are_not_remembered() -> None:
    """Objects with thousands of own properties, or ever new ones, leave nothing behind that grows."""
    plans = _COMPILED["identity"].plans
    for number in range(MAX_PLANS + 50):
        check(IDENTITY | {f"x_name_{number}": "a"})
    assert len(plans._plans) <= MAX_PLANS
    held = set(plans._plans)
    check(IDENTITY | {f"x_many_{number}": "a" for number in range(MAX_NAMES)})
    check(IDENTITY | {f"x_{number}_{'long' * 100}": "a" for number in range(10)})
    assert set(plans._plans) == held


def test_damaged_objects_never_raise() -> None:
    """Every property of every test object replaced by every odd value."""
    chance = random.Random(11)
    for case in cases():
        if not isinstance(case["object"], dict):
            continue
        for name in case["object"]:
            damaged = copy.deepcopy(case["object"])
            damaged[name] = copy.deepcopy(chance.choice(WEIRD))
            check(damaged)
            inner = damaged.get("extensions") or damaged.get("external_references")
            if isinstance(inner, dict) and inner:
                inner[next(iter(inner))] = copy.deepcopy(chance.choice(WEIRD))
                check(damaged)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["indicator", "file", "network-traffic", "marking-definition", "observed-data", "x-new"]),
    st.dictionaries(
        st.sampled_from(
            ["id", "extensions", "granular_markings", "objects", "definition", "pattern", "hashes", "labels"]
        ),
        JSON,
    ),
)
def test_random_objects_never_raise(kind: str, properties: dict[str, Any]) -> None:
    """Whatever JSON says, there is a verdict."""
    assert not check({"type": kind, "pattern_type": "stix", **properties}).valid


@pytest.mark.parametrize(
    ("obj", "valid"),
    [
        ({**IDENTITY, "lang": "zh-Hant"}, True),
        ({**IDENTITY, "lang": "eng"}, False),
        ({**IDENTITY, "lang": "xx"}, False),
        ({**IDENTITY, "lang": "en-QQ"}, False),
        ({**IDENTITY, "created": "0000-01-01T00:00:00.000Z"}, False),
        ({"type": "email-addr", "value": "o'brien@example.com"}, True),
        ({"type": "email-addr", "value": "böse@example.com"}, False),
        ({"type": "directory", "path": "/srv", "path_enc": "UTF-8"}, True),
        ({"type": "directory", "path": "/srv", "path_enc": "utf8"}, False),
        ({"type": "artifact", "mime_type": "application/pdf", "payload_bin": "ZGF0YQ=="}, True),
        ({"type": "artifact", "mime_type": "application/no-such-type", "payload_bin": "ZGF0YQ=="}, False),
        ({"type": "software", "name": "x", "languages": ["kor", "qaa"]}, True),
        ({"type": "software", "name": "x", "languages": ["xxx"]}, False),
        ({"type": "process", "pid": 1, "extensions": {"windows-process-ext": {"aslr_enabled": True, "Own": 1}}}, False),
        ({"type": "x-own-thing", "defanged": "no"}, False),
        ({"type": "x-own-thing", "revoked": "no"}, True),
        ({**IDENTITY, "type": "x-own-thing", "defanged": "no"}, True),
        ({**IDENTITY, "type": "x-own-thing", "external_references": [{"source_name": "x"}]}, False),
        ({"type": "url", "value": "https://a.example/", "created": "2026-02-30T00:00:00Z"}, False),
    ],
)
def test_registries_and_names_are_looked_up(obj: dict[str, Any], valid: bool) -> None:
    """Languages, character sets, media types; own types have an SDO's or an observable's common properties."""
    version = "4" if obj["type"] in ("process", "identity", "x-own-thing") or "payload_bin" not in obj else "5"
    identifier = f"{obj['type']}--8e2e2d2b-17d4-{version}cbf-938f-98ee46b3cd3f"
    assert check({**obj, "id": identifier}).valid is valid


def test_a_hostile_extension_name_costs_no_time() -> None:
    """Three hundred letters, on which a careless expression would think for ever."""
    file = {"type": "file", "id": "file--bedb4899-d24b-5401-bc86-8f6b4cc18ec7", "name": "x"}
    assert not check({**file, "extensions": {"x" * 300: {"a": 1}}}).valid
