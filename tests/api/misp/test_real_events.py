"""Real MISP events, added by PyMISP, and as a MISP holds them."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from api.misp.conftest import Scene
from realdata import folder

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pymisp import MISPEvent

FILES = ("misp_event.json", "existing_event.json.gz", "japanese_test.json", "mainly_objects_1.json.gz",
         "sighting_1.json", "galaxy_1.json.gz", "long_event.json.gz")  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """The event in a file."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    document = json.loads(raw)
    while isinstance(document, list) or "info" not in document:
        document = document[0] if isinstance(document, list) else document.get("response", document.get("Event"))
    return dict(document)


def parts(event: dict[str, Any]) -> set[tuple[str, str, str]]:
    """(UUID, type, value) of every live attribute, those in objects too."""
    holders = [event, *event.get("Object", [])]
    return {(one["uuid"].lower(), one["type"], one["value"]) for holder in holders
            for one in holder.get("Attribute", []) if not one.get("deleted")}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_real_event_comes_back_whole(scene: Scene, name: str) -> None:
    """Added through the door, every attribute, object, tag and sighting of a real event is answered again."""
    given = read(folder("misp-events") / name)
    given.pop("distribution", None)  # "your organisation only" would hide it from the analyst who asks
    misp = scene.misp("releaser")
    event = MISPEvent()
    event.load(given)
    answer = misp.add_event(event)
    assert "errors" not in answer, answer["errors"]
    seen = misp.get_event(event.uuid)["Event"]
    sent = json.loads(event.to_json())
    assert parts(seen) == parts(sent)
    assert {tag["name"] for tag in seen["Tag"]} == {tag["name"] for tag in sent.get("Tag", []) if not tag.get("local")}
    assert [obj["uuid"] for obj in seen["Object"]] == [obj["uuid"] for obj in sent.get("Object", [])]
    again = MISPEvent()
    again.load(misp.get_event(event.uuid))
    assert len(again.attributes) == len(seen["Attribute"])
