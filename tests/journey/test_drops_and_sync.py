"""Journey: two nodes that carried files hold the same as two nodes that synchronised over TLS."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from journey.carrying import no_network, two_shores
from journey.command_line import SeawallNode, eve
from journey.test_two_nodes import Pair, two_served

pytestmark = pytest.mark.xdist_group("two-nodes")
VALUES = {"amber": ["203.0.113.10", "203.0.113.11"], "red": ["203.0.113.12"], "green": ["203.0.113.13"]}
SEEN = {"taipei": ("03", "10.1.0.5", "203.0.113.50"), "seoul": ("08", "10.2.0.9", "203.0.113.50")}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two nodes that serve each other, and hear of each other only when they synchronise."""
    with two_served(tmp_path_factory.mktemp("pair"), lines=False) as found:
        yield found


def prepared(node: SeawallNode, name: str, folder: Path) -> None:
    """Lists of three markings, and one meeting with the same attacker on each side."""
    for tlp, values in VALUES.items():
        file = folder / f"{tlp}.csv"
        file.write_text("type,value\n" + "".join(f"ipv4,{value}\n" for value in values))
        if name == "taipei":
            node.here("intel", "import", file, "--tlp", tlp, "--source", "ours")
    hour, own, remote = SEEN[name]
    log = folder / f"{name}.json"
    log.write_text(eve(f"2026-03-14T{hour}:12:00.000000+0000", remote, own, sensor=f"{name}-1") + "\n")
    node.here("ingest", log)
    node.here("match")


def held(node: SeawallNode, folder: Path) -> dict[str, Any]:
    """What a node knows, without what differs by the moment of the test."""
    node.here("intel", "export", "--to", "csv", "-o", folder / "held.csv")
    rows = csv.DictReader(io.StringIO((folder / "held.csv").read_text()))
    sightings = node.here("sightings")["items"]
    warnings = node.here("warnings")["items"]
    return {
        "values": sorted((row["type"], row["value"], row["tlp"]) for row in rows),
        "sightings": sorted(
            (item["value"], str(item["origin"]), item["first_seen"], item["count"]) for item in sightings
        ),
        "warnings": sorted((item["value"], item["first_seen"], item["other_first_seen"]) for item in warnings),
    }


def test_both_ways_lead_to_the_same(pair: Pair, tmp_path: Path) -> None:
    """Values, markings, sightings and warnings on both sides; then one is recalled, and that is the same too."""
    carried = two_shores(tmp_path)
    sides = {"taipei": (pair.taipei, carried.taipei), "seoul": (pair.seoul, carried.seoul)}
    for name, nodes in sides.items():
        for node in nodes:
            prepared(node, name, tmp_path)
    for _ in range(3):
        pair.taipei.here("sync", "seoul")
        pair.seoul.here("sync", "taipei")
        with no_network():
            carried.rounds(1)
        for nodes in sides.values():
            for node in nodes:
                node.here("match")
    for name, (by_tls, by_hand) in sides.items():
        told = held(by_tls, tmp_path)
        assert told == held(by_hand, tmp_path), name
        assert [value for value, _, _ in told["warnings"]] == ["203.0.113.50"]
        assert ("203.0.113.12" in {value for _, value, _ in told["values"]}) is (name == "taipei")
    for node in sides["taipei"]:
        node.here("intel", "export", "--to", "csv", "-o", tmp_path / "own.csv")
        rows = csv.DictReader(io.StringIO((tmp_path / "own.csv").read_text()))
        node.here("recall", next(row["id"] for row in rows if row["value"] == "203.0.113.10"))
    pair.taipei.here("sync", "seoul")
    carried.carry(carried.taipei)
    told = held(pair.seoul, tmp_path)
    assert told == held(carried.seoul, tmp_path)
    assert "203.0.113.10" not in {value for _, value, _ in told["values"]}


def test_a_peer_with_an_address_may_get_drops_too(pair: Pair, tmp_path: Path) -> None:
    """While a line is down: what comes by file and by line is one and the same."""
    (tmp_path / "more.csv").write_text("type,value\nipv4,203.0.113.60\n")
    pair.taipei.here("intel", "import", tmp_path / "more.csv", "--tlp", "amber", "--source", "ours")
    pair.taipei.here("export-drop", "seoul", "-o", tmp_path / "one")
    done = pair.seoul.here("import-drop", tmp_path / "one")
    assert done["received"] >= 1
    report = pair.taipei.here("sync", "seoul")
    assert report["rejected"] == 0
    pair.seoul.here("intel", "export", "--to", "text", "-o", tmp_path / "held.txt")
    assert (tmp_path / "held.txt").read_text().split().count("203.0.113.60") == 1
