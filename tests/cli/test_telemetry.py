"""Sensors, assets, ingest, observations, quarantine: keys, counts, conditions, relabelling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.scenes import ATTACKER, LOG, MOMENT, Shop
from journey.command_line import SeawallNode, eve
from seawall.model import OBSERVATION_SCHEMA

COST = {"seconds", "cpu_seconds", "peak_memory_bytes"}
INGESTED = {"files", "events", "stored", "duplicates", "rejected", "unknown_sensors", "by_type", "problems"}


def test_ingest_tells_what_became_of_every_line(shop: Shop) -> None:
    """All keys of the contract; a second time everything is held; only ``--strict`` makes rejects fatal."""
    log = shop.write("again.json", LOG)
    report = shop.here("ingest", log)
    assert report.keys() == INGESTED | COST | {"events_per_second"}
    assert (report["files"], report["events"], report["stored"], report["duplicates"]) == (1, 5, 0, 3)
    assert (report["rejected"], report["by_type"]) == (2, {"alert": 2, "flow": 1})
    assert shop.here("ingest", log, "--strict", status=1)["rejected"] == 2
    whole = shop.write("whole.json", eve("2026-03-14T09:00:00+0000", "192.0.2.1", "10.0.0.1", sensor="tpe-1"))
    assert shop.here("ingest", whole, "--strict")["stored"] == 1


def test_unknown_sensors_stand_on_the_given_side(tmp_path: Path) -> None:
    """``--side`` and ``--sector`` are for sensors that no table names; else the node's economy and ``unknown``."""
    node = SeawallNode(tmp_path / "node", "TW")
    (tmp_path / "a.json").write_text(eve("2026-03-14T09:00:00+0000", "192.0.2.1", "10.0.0.1", sensor="a"))
    (tmp_path / "b.json").write_text(eve("2026-03-14T09:00:00+0000", "192.0.2.1", "10.0.0.1", sensor="b"))
    assert node.here("ingest", tmp_path / "a.json")["unknown_sensors"] == 1
    node.here("ingest", tmp_path / "b.json", "--side", "KR", "--sector", "health")
    rows = node.here("observations")["items"]
    assert [(row["sensor"], row["side"], row["sector"]) for row in rows] == [
        ("a", "TW", "unknown"), ("b", "KR", "health")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "events"),
    [
        (["src=203.0.113.77"], [1, 2]),
        (["src!=203.0.113.77"], [3]),
        (["side=KR"], [2]),
        (["side=KR", "sensor=tpe-1"], []),
        (["time>=2026-03-14T05:00:00Z"], [2, 3]),
        (["time>=2026-03-14T13:00:00+08:00", "time<=2026-03-14T14:14:00+09:00"], [3]),
        (["cve=CVE-2021-44228"], [1, 2]),
        (["dst_port=443"], [1, 2, 3]),
        (["signature!=x"], [1, 2, 3]),
        (["domain=' OR 1=1 --"], []),
        (["own_end=destination"], [1, 2]),
    ],
)
def test_conditions_narrow_the_rows(shop: Shop, where: list[str], events: list[int]) -> None:
    """Each ``--where`` narrows; addresses and moments are written as people write them; a value is never SQL."""
    words = [word for text in where for word in ("--where", text)]
    assert [row["event"] for row in shop.here("observations", *words)["items"] if row["event"] <= 3] == events


def test_rows_are_told_by_name_of_column(shop: Shop) -> None:
    """Addresses as texts, moments as RFC 3339, digests as hexadecimal; no column of the lake is left out."""
    (row,) = shop.here("observations", "--where", "event=1")["items"]
    halves = {f"{stem}_{half}" for stem in ("src", "dst", "digest") for half in ("high", "low")}
    assert row.keys() == set(OBSERVATION_SCHEMA.names) - halves | {"src", "dst", "digest"}
    assert (row["src"], row["dst"], row["source_line"]) == (ATTACKER, "10.1.0.5", 1)
    assert MOMENT.fullmatch(row["time"])
    assert len(row["digest"]) == 32
    unknown = shop.refused("observations", "--where", "src_high=0 OR 1=1")
    assert "E-FLOW" in unknown


def test_quarantine_shows_reasons(shop: Shop) -> None:
    """Each rejected line with file, line, code and reason; ``--reason`` keeps one code."""
    items = shop.here("quarantine")["items"]
    assert [(item["line"], item["code"]) for item in items if Path(item["file"]).name == "eve.json"] == [
        (3, "not-json"), (5, "not-eve")
    ]  # fmt: skip
    assert {item["code"] for item in shop.here("quarantine", "--reason", "not-eve")["items"]} == {"not-eve"}
    assert shop.say("quarantine", "--reason", "no-such").out == "Nothing is in quarantine.\n"


def test_tables_are_merged(shop: Shop) -> None:
    """A later table adds to the one before; a broken one changes nothing."""
    more = shop.write("more.csv", "sensor,side,sector,timezone\nbus-1,KR,rail,Asia/Seoul\n")
    assert shop.here("sensors", "import", more) == {"sensors": 1, "total": 3, "relabelled": 0}
    assert shop.here("assets", "import", shop.write("own.csv", "asset\n192.0.2.0/24\nhome.example\n"))["assets"] == 2
    broken = shop.write("broken.csv", "sensor,side,sector,timezone\nx,KR,rail,Mars/Base\n")
    assert "E-REFERENCE-012" in shop.refused("sensors", "import", broken)
    assert shop.here("sensors", "import", more)["total"] == 3


def without_cost(document: dict[str, object]) -> dict[str, object]:
    """What two runs must have alike."""
    return {key: value for key, value in document.items() if key not in {*COST, "new"}}


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """Without the moments at which the two desks raised the same warning."""
    items = [{key: value for key, value in one.items() if key != "raised_at"} for one in document["items"]]
    return document | {"items": items}


def test_relabelling_is_as_if_the_table_had_been_there(tmp_path: Path) -> None:
    """Observations, hits, sightings and warnings equal those of a node that had the table before it read the log."""
    (tmp_path / "eve.json").write_text(LOG)
    (tmp_path / "list.csv").write_text(f"id,type,value,campaign\n1,ipv4,{ATTACKER},c1\n")
    (tmp_path / "sensors.csv").write_text("sensor,side,sector\ntpe-1,TW,water\nsel-1,KR,health\nother,JP,rail\n")
    late, right = SeawallNode(tmp_path / "late", "JP"), SeawallNode(tmp_path / "right", "JP")
    right.here("sensors", "import", tmp_path / "sensors.csv")
    for node in (late, right):
        node.here("intel", "import", tmp_path / "list.csv", "--tlp", "amber")
        node.here("ingest", tmp_path / "eve.json")
    assert late.here("match")["both_sides"] is None
    assert late.here("warnings")["items"] == []
    done = late.here("sensors", "import", tmp_path / "sensors.csv", "--relabel")
    assert done.keys() == {"sensors", "total", "relabelled"} | COST
    assert (done["sensors"], done["total"], done["relabelled"]) == (3, 3, 2)
    assert without_cost(late.here("match")) == without_cost(right.here("match"))
    for command in ("observations", "sightings", "warnings"):
        assert plain(late.here(command)) == plain(right.here(command)), command
    assert late.here("warnings")["items"][0]["first_side"] == "TW"
    assert late.here("ingest", tmp_path / "eve.json")["stored"] == 0
    assert late.here("sensors", "import", tmp_path / "sensors.csv", "--relabel")["relabelled"] == 0


def test_a_hostile_line_is_data_everywhere(tmp_path: Path) -> None:
    """Escapes, markup and formulas of an attacker come out escaped in text and whole in JSON."""
    node = SeawallNode(tmp_path / "node", "TW")
    evil = "=cmd()\x1b]0;x\x07 [red]{context} %s"
    line = json.loads(eve("2026-03-14T09:00:00+0000", "192.0.2.1", "10.0.0.1", sensor=evil))
    line["alert"]["signature"] = evil
    (tmp_path / "eve.json").write_text(json.dumps(line))
    node.here("ingest", tmp_path / "eve.json")
    assert node.here("observations")["items"][0]["signature"] == evil
    text = node.raw("observations").stdout.decode()
    assert "\x1b" not in text
    assert "[red]{context} %s" in " ".join(text.split())
