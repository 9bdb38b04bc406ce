"""Journey (a): from raw log lines of two sides to a warning, on one node."""

from __future__ import annotations

from pathlib import Path

import pytest

from journey.command_line import SeawallNode, eve
from realdata import folder

SENSORS = "sensor,side,sector\ntpe-1,TW,water\nsel-1,KR,health\n"
ATTACKER = "203.0.113.77"


@pytest.fixture
def node(tmp_path: Path) -> SeawallNode:
    """A fresh node with one sensor on each side."""
    made = SeawallNode(tmp_path / "node", "TW")
    (tmp_path / "sensors.csv").write_text(SENSORS)
    assert made.run("sensors", "import", tmp_path / "sensors.csv")["sensors"] == 2
    return made


def write_day(path: Path) -> None:
    """The same attacker in Taipei at 03:12 and in Seoul at 08:14, and ordinary traffic."""
    lines = [
        eve("2026-03-14T03:12:00.000001+0000", ATTACKER, "10.1.0.5", sensor="tpe-1"),
        eve("2026-03-14T08:14:00.000001+0000", ATTACKER, "10.2.0.9", sensor="sel-1"),
        eve("2026-03-14T05:00:00.000000+0000", "10.1.0.5", "198.51.100.9", sensor="tpe-1", kind="flow"),
        eve("2026-03-14T06:00:00.000000+0000", "10.2.0.9", "198.51.100.9", sensor="sel-1", kind="flow"),
    ]
    path.write_text("\n".join(lines) + "\n")


def test_an_attacker_seen_on_both_sides_becomes_one_warning(node: SeawallNode, tmp_path: Path) -> None:
    """A value that hits Taipei first and Seoul five hours later gives one warning with that lead."""
    write_day(tmp_path / "eve.json")
    report = node.run("ingest", tmp_path / "eve.json")
    assert (report["events"], report["stored"], report["rejected"], report["unknown_sensors"]) == (4, 4, 0, 0)
    node.run("match")
    warnings = node.run("warnings")["items"]
    assert [warning["value"] for warning in warnings] == [ATTACKER]
    warning = warnings[0]
    assert warning["type"] == "ipv4"
    assert warning["first_side"] == "TW"
    assert warning["first_seen"] == "2026-03-14T03:12:00.000001Z"
    assert warning["other_first_seen"] == "2026-03-14T08:14:00.000001Z"
    assert warning["raw_lead_seconds"] == 5 * 3600 + 2 * 60
    assert 0 <= warning["usable_lead_seconds"] <= warning["raw_lead_seconds"]
    assert warning["sectors"] == ["water", "health"]


def test_an_imported_indicator_gives_sightings_on_both_sides(node: SeawallNode, tmp_path: Path) -> None:
    """Match counts pairs of event and indicator, tells both sides apart, and a second run adds nothing."""
    write_day(tmp_path / "eve.json")
    (tmp_path / "list.csv").write_text(f"id,type,value,campaign\n1,ipv4,{ATTACKER},c1\n2,cidr,203.0.113.0/24,c1\n")
    assert node.run("intel", "import", tmp_path / "list.csv", "--tlp", "amber")["new"] == 2
    node.run("ingest", tmp_path / "eve.json")
    first = node.run("match")
    assert (first["events"], first["hits"], first["matched_events"], first["indicators_hit"]) == (4, 4, 2, 2)
    assert first["both_sides"] == {"indicators": 2, "campaigns": 1, "median_lag_seconds": 18_120.0}
    assert first["new"]["hits"] == 4
    again = node.run("match")
    assert again["hits"] == 4
    assert again["new"]["hits"] == 0
    assert len(node.run("sightings")["items"]) == 4


def test_a_second_ingest_of_the_same_lines_stores_nothing(node: SeawallNode, tmp_path: Path) -> None:
    """Lines already held count as duplicates, also in another file and when the file has grown."""
    write_day(tmp_path / "eve.json")
    node.run("ingest", tmp_path / "eve.json")
    again = node.run("ingest", tmp_path / "eve.json")
    assert (again["stored"], again["duplicates"]) == (0, 4)
    more = eve("2026-03-14T09:00:00.000000+0000", ATTACKER, "10.2.0.10", sensor="sel-1")
    (tmp_path / "grown.json").write_text((tmp_path / "eve.json").read_text() + more + "\n")
    grown = node.run("ingest", tmp_path / "grown.json")
    assert (grown["stored"], grown["duplicates"]) == (1, 4)


def test_real_suricata_output_is_stored_whole_and_once(node: SeawallNode) -> None:
    """1,200 real events of 32 types: all stored, none rejected, none stored again."""
    logs = folder("suricata-verify")
    first = node.run("ingest", logs)
    assert (first["events"], first["stored"], first["rejected"]) == (1200, 1200, 0)
    assert len(first["by_type"]) == 32
    again = node.run("ingest", logs)
    assert (again["stored"], again["duplicates"]) == (0, 1200)


def test_bad_input_is_one_sentence_with_a_code(node: SeawallNode, tmp_path: Path) -> None:
    """A missing file ends with status 2 and one line on stderr that names a stable code."""
    done = node.raw("ingest", tmp_path / "nowhere.json")
    assert done.returncode == 2
    assert done.stdout == b""
    lines = done.stderr.decode().strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("E-")
