"""Campaigns on a node: built from logs, imports and what peers told; their names last; the doors show why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from journey.command_line import SeawallNode, here
from seawall.flow.campaigns import build_campaigns
from seawall.flow.node import Node
from seawall.flow.simulator.season import Season, write_season
from seawall.model import ObservableType, Pap, SightingSummary, Tlp

MORNING = 1_777_629_600_000_000  # 2026-05-01T10:00:00Z


def alert(number: int, *, src: str, name: str, sha256: str | None = None, day: int = 1, sid: int = 7) -> str:
    """One EVE alert: our machine asked a server for a name."""
    row: dict[str, Any] = {
        "timestamp": f"2026-05-{day:02d}T10:{number // 60:02d}:{number % 60:02d}.000000+0000",
        "event_type": "alert",
        "src_ip": "10.1.2.3",
        "src_port": 40000 + number,
        "dest_ip": src,
        "dest_port": 80,
        "proto": "TCP",
        "alert": {"signature": f"MALWARE beacon {sid}", "signature_id": sid, "severity": 1, "category": "x"},
        "http": {"hostname": name, "url": "/a", "protocol": "HTTP/1.1"},
    }
    return json.dumps(row)


@pytest.fixture
def node(tmp_path: Path) -> SeawallNode:
    """A node of Taiwan."""
    return SeawallNode(tmp_path / "node", "TW")


def ingest(node: SeawallNode, tmp_path: Path, name: str, lines: list[str]) -> None:
    file = tmp_path / f"{name}.json"
    file.write_text("\n".join(lines) + "\n")
    node.here("ingest", file, "--side", "TW", "--sector", "energy")
    node.here("match")


def beacons(server: str, names: list[str], *, day: int = 1, sid: int = 7) -> list[str]:
    return [
        alert(10 * place + again, src=server, name=name, day=day, sid=sid)
        for place, name in enumerate(names)
        for again in range(3)
    ]


def test_a_day_of_logs_becomes_campaigns_with_reasons(node: SeawallNode, tmp_path: Path) -> None:
    """Names at one server are one campaign, those at another are another; both can be explained."""
    first, second = [f"a{n}.evil.test" for n in range(3)], [f"b{n}.bad.test" for n in range(3)]
    ingest(node, tmp_path, "one", beacons("203.0.113.7", first) + beacons("198.51.100.9", second, sid=8))
    assert here("--node", node.folder, "campaigns").out.startswith("Campaigns have not been grouped yet")
    done = node.here("campaigns", "build")
    assert (done["campaigns"], done["new"], done["changed"]) == (2, 2, True)
    assert node.here("campaigns", "build")["changed"] is False
    items = node.here("campaigns")["items"]
    assert {item["values"] for item in items} == {7}  # three names, three pages, one address
    assert all(item["sectors"] == ["energy"] and item["sides"] == ["TW"] for item in items)
    told = node.here("campaigns", "explain", "203.0.113.7")
    assert {reason["kind"] for reason in told["campaign_reasons"]} >= {"address", "registered"}
    shown = node.here("campaigns", "show", told["campaign"])
    assert {member["value"] for member in shown["members"]} >= {"203.0.113.7", *first}
    assert [(one["side"], one["sector"]) for one in shown["timeline"]] == [("TW", "energy")]
    assert [one["kind"] for one in shown["history"]] == ["founded"]
    assert node.here("campaigns", "list", "--sector", "water")["items"] == []
    assert len(node.here("campaigns", "list", "--since", "2026-05-01T10:00:15Z")["items"]) == 2


def test_tomorrow_joins_today_under_the_same_name(node: SeawallNode, tmp_path: Path) -> None:
    """A new day's names join the campaign of their server; two campaigns that turn out one are merged, and say so."""
    first, second = [f"a{n}.evil.test" for n in range(3)], [f"b{n}.bad.test" for n in range(3)]
    ingest(node, tmp_path, "one", beacons("203.0.113.7", first) + beacons("198.51.100.9", second, sid=8))
    node.here("campaigns", "build")
    held = {item["id"] for item in node.here("campaigns")["items"]}
    ingest(node, tmp_path, "two", beacons("203.0.113.7", ["a8.evil.test"], day=2))
    assert node.here("campaigns", "build")["new"] == 0
    assert {item["id"] for item in node.here("campaigns")["items"]} == held
    grown = node.here("campaigns", "explain", "a8.evil.test")["campaign"]
    assert [one["kind"] for one in node.here("campaigns", "show", grown)["history"]] == ["founded", "grew"]
    ingest(node, tmp_path, "three", beacons("203.0.113.7", second, day=2) + beacons("198.51.100.9", first, day=2))
    assert node.here("campaigns", "build")["merged"] == 1
    standing = node.here("campaigns")["items"]
    gone = next(iter(held - {item["id"] for item in standing}))
    assert node.here("campaigns", "show", gone)["merged_into"] == standing[0]["id"]
    assert node.here("campaigns", "build", "--rebuild")["new"] == 1


def test_what_is_not_there_is_said_in_a_sentence(node: SeawallNode) -> None:
    """An empty node has no campaign; unknown ids, values and types are told."""
    assert node.here("campaigns", "build")["campaigns"] == 0
    assert node.here("campaigns")["items"] == []
    assert here("--node", node.folder, "campaigns", "show", "campaign--x").err.startswith("E-STORE-260")
    assert here("--node", node.folder, "campaigns", "explain", "192.0.2.1").err.startswith("E-FLOW-805")
    assert here("--node", node.folder, "run", "campaigns", "--json").document["result"] == "0 campaigns, nothing new"


def test_a_peer_that_lies_joins_no_two_campaigns(node: SeawallNode, tmp_path: Path) -> None:
    """A peer's hundred values at both servers, and its labels, move only what it told; the marking is inherited."""
    first, second = [f"a{n}.evil.test" for n in range(3)], [f"b{n}.bad.test" for n in range(3)]
    ingest(node, tmp_path, "one", beacons("203.0.113.7", first) + beacons("198.51.100.9", second, sid=8))
    node.here("campaigns", "build")
    before = {item["id"] for item in node.here("campaigns")["items"]}
    with Node.open(node.folder) as opened:
        names = [f"glue{n}.{'evil' if n % 2 else 'bad'}.test" for n in range(100)]
        opened.store.sightings.put(
            SightingSummary(
                ObservableType.DOMAIN, name, "KR", MORNING, MORNING + 1, 3, ("water",), None, ("alert",), Tlp.RED,
                Pap.RED, "liar", told_at=MORNING,
            )
            for name in names
        )  # fmt: skip
        build_campaigns(opened)
    items = node.here("campaigns")["items"]
    assert before <= {item["id"] for item in items}
    assert {item["merged_into"] for item in items} == {None}
    for value in ("203.0.113.7", "198.51.100.9"):
        assert node.here("campaigns", "explain", value)["campaign"] in before
    assert {item["tlp"] for item in items if item["id"] in before} == {"red"}


def test_imported_labels_group_and_knowledge_is_a_possible_link(node: SeawallNode, tmp_path: Path) -> None:
    """Indicators of one named campaign are one, and an actor of that name is shown as possible, with the reason."""
    names = ["one.evil.test", "two.bad.test", "three.worse.test"]
    lines = ["id,type,value,campaign", *(f"i{n},domain,{name},Quiet Crane" for n, name in enumerate(names))]
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    node.here("intel", "import", tmp_path / "own.csv", "--source", "cert")
    actor = {
        "type": "intrusion-set",
        "spec_version": "2.1",
        "id": "intrusion-set--4e78f46f-a023-4e5f-bc24-71b3ca22ec29",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "G0999",
        "aliases": ["Quiet Crane"],
    }
    bundle = {"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": [actor]}
    (tmp_path / "actor.json").write_text(json.dumps(bundle))
    node.here("intel", "import", tmp_path / "actor.json", "--source", "public")
    servers = [f"203.0.{n}.7" for n in (113, 114, 115)]
    rows = [row for name, server in zip(names, servers, strict=True) for row in beacons(server, [name], sid=len(name))]
    ingest(node, tmp_path, "one", rows)
    node.here("campaigns", "build")
    told = [node.here("campaigns", "explain", name)["campaign"] for name in names]
    assert len(set(told)) == 1
    shown = node.here("campaigns", "show", told[0])
    assert shown["name"] == "Quiet Crane"
    link = shown["possible_links"][0]
    assert (link["name"], link["possible"], link["reasons"][0]["kind"]) == ("G0999", True, "label")


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Season:
    """Ten days of two sides with known campaigns."""
    return write_season(tmp_path_factory.mktemp("season"), days=10, scale=0.0005, seed=11, slices_a_day=1)


def test_the_simulated_season_is_grouped_without_mixing(season: Season, tmp_path: Path) -> None:
    """Of pairs of values said to belong together at least 97 of 100 do, in traffic of two sides with decoys."""
    node = SeawallNode(tmp_path / "node", "TW")
    for side in ("TW", "KR"):
        node.here("ingest", season.folder / side.lower() / "logs", "--side", side)
    node.here("match")
    node.here("campaigns", "build")
    truth = {(value.type, value.value): value.campaign for value in season.truth.values if value.campaign}
    with Node.open(node.folder) as opened:
        held = [((ObservableType(type), value), id) for type, value, id in opened.store.campaigns.memberships()]
    pairs = [
        (truth.get(one), truth.get(other))
        for place, (one, id) in enumerate(held)
        for other, other_id in held[:place]
        if id == other_id
    ]
    assert len(pairs) > 50
    assert sum(one == other and one is not None for one, other in pairs) >= 0.97 * len(pairs)
