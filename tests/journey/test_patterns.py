"""Imported patterns that are sequences, through the command line over real Zeek logs: met, told, counted."""

from __future__ import annotations

import gzip
import json
from bisect import bisect_left
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from journey.command_line import SeawallNode
from realdata import folder

FIRST, THEN = "mirror.atlantic.net", "mirror.nodesdirect.com"
SEQUENCE = f"([domain-name:value = '{FIRST}'] FOLLOWEDBY [domain-name:value = '{THEN}']) WITHIN 15 SECONDS"
LIKE = "[domain-name:value LIKE '%.localdomain' AND domain-name:value MATCHES '^packages']"
ABSENT = f"([domain-name:value = '{THEN}'] FOLLOWEDBY [domain-name:value = '{FIRST}']) WITHIN 1 SECONDS"
ELSEWHERE = "[mutex:name = 'a'] FOLLOWEDBY [mutex:name = 'b']"
HOUR = timedelta(hours=1)


def bundle(*patterns: str) -> dict[str, Any]:
    """An indicator for each pattern."""
    indicators = [
        {
            "type": "indicator", "spec_version": "2.1", "id": f"indicator--8e2e2d2b-17d4-4cbf-938f-{number:012x}",
            "created": "2026-03-14T00:00:00.000Z", "modified": "2026-03-14T00:00:00.000Z", "pattern": pattern,
            "pattern_type": "stix", "valid_from": "2018-01-01T00:00:00Z",
        }
        for number, pattern in enumerate(patterns)
    ]  # fmt: skip
    return {"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-000000000000", "objects": indicators}


def queries() -> list[dict[str, Any]]:
    """Real DNS queries, in the order in which they were logged."""
    with gzip.open(folder("zeek-wrccdc") / "dns.json.gz") as lines:
        return [json.loads(line) for line in lines]


def moments(log: list[dict[str, Any]], name: str) -> list[datetime]:
    """When a name was asked for, in order."""
    return sorted(datetime.fromisoformat(row["ts"]) for row in log if row.get("query") == name)


def shifted(row: dict[str, Any], by: timedelta) -> dict[str, Any]:
    """The same query at another time."""
    return {**row, "ts": (datetime.fromisoformat(row["ts"]) + by).isoformat().replace("+00:00", "Z")}


def completing(log: list[dict[str, Any]]) -> list[datetime]:
    """The moments at which the sequence is complete, worked out from the log itself."""
    begins = moments(log, FIRST)
    return [
        moment
        for moment in moments(log, THEN)
        if (place := bisect_left(begins, moment - timedelta(seconds=15))) < len(begins) and begins[place] <= moment
    ]


@pytest.fixture
def node(tmp_path: Path) -> SeawallNode:
    """A node with the patterns imported and nothing in its lake."""
    made = SeawallNode(tmp_path / "node", "TW")
    file = tmp_path / "patterns.json"
    file.write_text(json.dumps(bundle(SEQUENCE, LIKE, ABSENT, ELSEWHERE)))
    report = made.here("intel", "import", file, "--source", "ours", "--tlp", "green")
    assert (report["objects"], report["new"], report["rejected"]) == (4, 4, 0)
    return made


def ingest(node: SeawallNode, name: str, log: list[dict[str, Any]], side: str = "TW") -> None:
    """Put a log into the lake."""
    file = node.folder.parent / f"{name}.json"
    file.write_text("".join(json.dumps(row) + "\n" for row in log))
    node.here("ingest", file, "--format", "zeek-json", "--side", side)


def test_a_sequence_gives_sightings_and_warnings_run_by_run(node: SeawallNode) -> None:
    """The hits are those of the log itself, whether it comes at once or in parts; the other side is warned."""
    log = queries()
    expected = completing(log)
    assert len(expected) > 3
    for number, start in enumerate(range(0, len(log), 1_500)):
        ingest(node, f"part{number}", log[start : start + 1_500])
        report = node.here("match")
    assert report["patterns"] == {"evaluated": 3, "left_out": 1}
    assert len(report["problems"]) == 1
    assert "E-MATCH-017" in report["problems"][0]
    likes = sum(str(row.get("query")).startswith("packages") and row["query"].endswith(".localdomain") for row in log)
    assert report["by_indicator_type"] == {"pattern": len(expected) + likes}
    assert node.here("match")["new"]["hits"] == 0
    assert node.here("match", "--rebuild")["hits"] == report["hits"]
    seen = {item["value"]: item for item in node.here("sightings")["items"]}
    assert set(seen) == {SEQUENCE, LIKE}
    assert (seen[SEQUENCE]["type"], seen[SEQUENCE]["count"]) == ("pattern", len(expected))
    assert seen[SEQUENCE]["indicator_id"] == bundle(SEQUENCE)["objects"][0]["id"]
    ingest(node, "later", [shifted(row, HOUR) for row in log if row.get("query") in (FIRST, THEN)], "KR")
    report = node.here("match")
    assert report["both_sides"]["indicators"] == 1
    assert report["new"]["hits"] == len(expected)
    (warning,) = [item for item in node.here("warnings")["items"] if item["value"] == SEQUENCE]
    assert (warning["type"], warning["first_side"], warning["raw_lead_seconds"]) == (
        "pattern",
        "TW",
        HOUR.total_seconds(),
    )


def test_a_new_pattern_looks_back(node: SeawallNode) -> None:
    """History is met with a pattern that is imported today; what was withdrawn gives no sighting any more."""
    log = queries()
    ingest(node, "whole", log)
    node.here("match")
    file = node.folder.parent / "new.json"
    often = f"([domain-name:value = '{FIRST}'] REPEATS 5 TIMES) WITHIN 10 SECONDS"
    fresh = bundle(*["-"] * 7, often)["objects"][-1:]
    file.write_text(json.dumps({**bundle(), "objects": fresh}))
    node.here("intel", "import", file, "--source", "ours")
    asked = moments(log, FIRST)
    expected = sum(late - early <= timedelta(seconds=10) for early, late in zip(asked, asked[4:], strict=False))
    assert node.here("match")["new"]["hits"] == expected > 0
    assert often in {item["value"] for item in node.here("sightings")["items"]}
    file.write_text(json.dumps({**bundle(), "objects": [{**fresh[0], "modified": "2026-03-15T00:00:00.000Z",
                                                         "revoked": True}]}))  # fmt: skip
    node.here("intel", "import", file, "--source", "ours")
    assert often not in {item["value"] for item in node.here("sightings")["items"]}
