"""Extensions whose content we judge: published schemas, the same verdicts as a JSON schema validator gives."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.codec.stix import check
from seawall.codec.stix.schemas import extension_bundle, schemas
from seawall.model.stix.known_extensions import (
    CHIP_STAGE_EXTENSION,
    EVIDENCE_EXTENSION,
    INCIDENT_CORE_EXTENSION,
    KNOWN_EXTENSIONS,
)
from seawall.model.stix.tlp import TLP2_EXTENSION

jsonschema: Any = import_module("jsonschema")

ROOT = Path(__file__).parents[3]
BASE: dict[str, Any] = {
    "spec_version": "2.1",
    "created": "2026-03-01T00:00:00.000Z",
    "modified": "2026-03-01T00:00:00.000Z",
}
UUID = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
VALUES = st.sampled_from(
    [None, "", "x", "clear", "green", "new", "design", "property-extension", "new-sco", "suspected", "attribute", 0, -1,
     5, 101, 1.5, True, False, [], ["x"], [1], {}, {"type": "md5"}, "2026-03-01T00:00:00.000Z", "2026-02-30T00:00:00Z",
     f"impact--{UUID}", [f"impact--{UUID}"], "ZGF0YQ=="]
)  # fmt: skip


def carrying(extension: str, content: object) -> dict[str, Any]:
    """An object of a type that may carry the extension."""
    kind = (KNOWN_EXTENSIONS[extension].on or ("identity",))[0]
    needed: dict[str, dict[str, Any]] = {
        "incident": {"name": "x"},
        "identity": {"name": "x"},
        "course-of-action": {"name": "x"},
        "sighting": {"sighting_of_ref": f"indicator--{UUID}"},
        "note": {"content": "x", "object_refs": [f"indicator--{UUID}"]},
        "indicator": {"pattern": "[url:value = 'x']", "pattern_type": "stix", "valid_from": BASE["created"]},
        "cryptocurrency-wallet": {"value": "x"},
    }
    common = {} if kind == "cryptocurrency-wallet" else BASE
    if kind == "marking-definition":
        common = {name: value for name, value in BASE.items() if name != "modified"}
    return {"type": kind, "id": f"{kind}--{UUID}", **common, **needed.get(kind, {}), "extensions": {extension: content}}


def test_the_schemas_in_the_documentation_are_these() -> None:
    """One file for each, as ``seawall intel extensions --schemas`` prints them."""
    folder = ROOT / "docs" / "schemas"
    assert {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")} == schemas()
    for schema in schemas().values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_definitions_are_valid_and_point_at_their_schemas() -> None:
    """A bundle that stands alone."""
    bundle = extension_bundle()
    assert check(bundle).errors == ()
    definitions = [obj for obj in bundle["objects"] if obj["type"] == "extension-definition"]
    assert {obj["id"] for obj in definitions} == {name for name, known in KNOWN_EXTENSIONS.items() if known.own}
    assert all((ROOT / obj["schema"]).is_file() for obj in definitions)


@given(
    st.sampled_from(sorted(KNOWN_EXTENSIONS)).flatmap(
        lambda name: st.tuples(
            st.just(name),
            st.dictionaries(st.sampled_from(KNOWN_EXTENSIONS[name].shape.__struct_fields__), VALUES, min_size=1),
        )
    )
)
def test_content_is_judged_as_the_schema_judges_it(case: tuple[str, dict[str, Any]]) -> None:
    """What the schema refuses is never passed in silence; what has no fault but a foreign value passes."""
    name, content = case
    known = KNOWN_EXTENSIONS[name]
    obj = carrying(name, {"extension_type": "property-extension", **content})
    obj["extensions"][name] = {**obj["extensions"][name], **content}
    fits = jsonschema.Draft202012Validator(schemas()[f"{known.name}.json"]).is_valid(obj["extensions"][name])
    verdict = check(obj)
    said = [text for text in (*verdict.errors, *verdict.warnings) if text.startswith("extensions.")]
    if not fits:
        assert said
        assert not known.firm or not verdict.valid


@pytest.mark.parametrize(
    ("extension", "content", "valid"),
    [
        (TLP2_EXTENSION, {"tlp_2_0": "amber+strict"}, True),
        (TLP2_EXTENSION, {"tlp_2_0": "purple"}, False),
        (TLP2_EXTENSION, {}, False),
        (CHIP_STAGE_EXTENSION, {"chip_stage": "fabrication"}, True),
        (CHIP_STAGE_EXTENSION, {"chip_stage": "baking"}, False),
        (EVIDENCE_EXTENSION, {"sensors": 3, "sectors": ["energy"]}, True),
        (EVIDENCE_EXTENSION, {"sensors": -1}, False),
        (INCIDENT_CORE_EXTENSION, {"determination": "suspected", "investigation_status": "open"}, True),
    ],
)
def test_examples_are_judged(extension: str, content: dict[str, Any], valid: bool) -> None:
    """Each with what its schema says."""
    assert check(carrying(extension, {"extension_type": "property-extension", **content})).valid is valid


def test_a_draft_of_others_earns_a_warning() -> None:
    """It may have moved since we read it."""
    verdict = check(carrying(INCIDENT_CORE_EXTENSION, {"extension_type": "property-extension", "determination": "no"}))
    assert verdict.valid
    assert any("determination" in warning for warning in verdict.warnings)
