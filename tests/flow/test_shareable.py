"""From findings to STIX objects: what is told again, and what never changes between versions."""

from __future__ import annotations

import json
from pathlib import Path

from journey.command_line import SeawallNode, eve
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.refresh import refresh_findings


def sightings(node: SeawallNode) -> list[dict[str, object]]:
    """The sighting objects that would be told, after looking at the lake anew."""
    with Node.open(node.folder) as opened:
        refresh_findings(opened)
        held = opened.store.objects.list(WHOLE_NODE, limit=100).items
        return [json.loads(item.body) for item in held if item.type == "sighting"]


def test_an_earlier_sight_makes_a_new_version_of_the_same_object(tmp_path: Path) -> None:
    """A log that arrives late moves ``first_seen`` back; id and ``created`` stay as told, ``modified`` rises."""
    node = SeawallNode(tmp_path / "node", "TW")
    found = []
    for hour in ("08", "03", "05"):
        log = tmp_path / f"{hour}.json"
        log.write_text(eve(f"2026-03-14T{hour}:00:00.000000+0000", "203.0.113.77", "10.1.0.5", sensor="tpe-1") + "\n")
        node.here("ingest", log)
        found += sightings(node)
    late, early, last = found
    assert (late["id"], late["created"]) == (early["id"], early["created"])
    assert (late["first_seen"], early["first_seen"]) == ("2026-03-14T08:00:00.000Z", "2026-03-14T03:00:00.000Z")
    assert str(early["modified"]) > str(late["modified"])
    assert last == early  # 3 of 2: not twice as often, nothing new to tell
