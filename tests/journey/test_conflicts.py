"""Contradictions through the command line: a second feed does not replace what the first said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from journey.command_line import SeawallNode

OBJECT: dict[str, Any] = {
    "type": "malware",
    "spec_version": "2.1",
    "id": "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created_by_ref": "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created": "2026-03-14T00:00:00.000Z",
    "modified": "2026-03-14T00:00:00.000Z",
    "name": "first said",
    "is_family": False,
}


def test_what_a_second_feed_says_stands_beside(tmp_path: Path) -> None:
    """The same version otherwise, and a newer one in another's name: listed, not taken over; our own is exported."""
    node = SeawallNode(tmp_path / "node", "TW")
    second = {**OBJECT, "name": "second said"}
    stolen = {**OBJECT, "modified": "2026-03-15T00:00:00.000Z", "name": "stolen",
              "created_by_ref": "identity--00000000-17d4-4cbf-938f-98ee46b3cd3f"}  # fmt: skip
    for name, obj in (("first", OBJECT), ("second", second), ("third", stolen)):
        (tmp_path / f"{name}.json").write_text(json.dumps(obj))
        report = node.here("intel", "import", tmp_path / f"{name}.json", "--source", name, "--tlp", "green")
    assert any("intel conflicts" in problem for problem in report["problems"])
    found = node.here("intel", "conflicts")["items"]
    assert [(item["source"], item["reason"], item["held"]["source"]) for item in found] == [
        ("second", "same-version", "first"),
        ("third", "another-creator", "first"),
    ]
    assert found[0]["body"]["name"] == "second said"
    node.here("intel", "export", "--to", "stix", "-o", tmp_path / "out.json")
    (held,) = [obj for obj in json.loads((tmp_path / "out.json").read_text())["objects"] if obj["type"] == "malware"]
    assert held["name"] == "first said"
