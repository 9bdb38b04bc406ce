"""Every export is valid STIX 2.1: real data of every kind imported, exported, and given to the OASIS validator."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

import realdata
from journey.command_line import SeawallNode
from seawall.codec.stix import check

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from stix2validator import ValidationOptions, validate_instance

SOURCES = ("unit42-stix", "stix-examples", "mitre-attack", "misp-stix", "misp-events", "disarm",
           "iocs-eset", "iocs-volexity", "iocs-unit42", "blackbook")  # fmt: skip
PER_TYPE = 40  # of one source: the validator takes milliseconds for each


def wrong(objects: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(id, first error) of every object that the validator, or our own check, refuses."""
    taken: dict[str, int] = {}
    found = []
    for obj in objects:
        kind = obj["type"]
        taken[kind] = taken.get(kind, 0) + 1
        own = check(obj)
        if not own.valid:
            found.append((obj["id"], own.errors[0]))
        elif taken[kind] <= PER_TYPE:
            result = validate_instance(obj, ValidationOptions(version="2.1"))
            found += [(obj["id"], str(error)) for error in list(result.errors)[:1]]
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_what_was_imported_is_exported_as_valid_stix(source: str, tmp_path: Path) -> None:
    """No object of the bundle has an error, and the bundle itself has none."""
    folder = realdata.folder(source)
    node = SeawallNode(tmp_path / "node", "TW")
    node.here("intel", "import", folder, "--tlp", "green")
    bundle = tmp_path / "out.json"
    summary = node.here("intel", "export", "--to", "stix", "-o", bundle)
    document = json.loads(bundle.read_text("utf-8"))
    assert summary["objects"] == len(document["objects"]) > 0
    assert wrong(document["objects"]) == []
    assert validate_instance(
        {**document, "objects": document["objects"][:1]}, ValidationOptions(version="2.1")
    ).is_valid
