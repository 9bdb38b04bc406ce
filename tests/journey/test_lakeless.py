"""A node that keeps no telemetry: indicators out, hits in, and the exchange as with any other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from journey.command_line import SeawallNode, eve, free_port

ATTACKER, LISTED = "203.0.113.211", "203.0.113.212"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[SeawallNode, SeawallNode, str]]:
    """Taipei keeps its telemetry in its SIEM; Seoul has a lake. Both serve, and share indicators and sightings."""
    taipei, seoul = SeawallNode(tmp_path / "taipei", "TW"), SeawallNode(tmp_path / "seoul", "KR")
    with (taipei.folder / "seawall.toml").open("a") as settings:
        settings.write("\n[lake]\nstore_telemetry = false\n")
    ports = {taipei: (free_port(), free_port()), seoul: (free_port(), free_port())}
    for mine, theirs, name in ((taipei, seoul, "seoul"), (seoul, taipei, "taipei")):
        card, second = tmp_path / f"{name}.card", mine.second_person()
        card.write_bytes(theirs.raw("peers", "card").stdout)
        mine.here("peers", "add", card, "--url", f"https://127.0.0.1:{ports[theirs][1]}", "--code-name", name)
        mine.here("peers", "verify", name, "--fingerprint", theirs.fingerprint, "--approver-token", second)
        terms = ("--members", name, "--tlp-ceiling", "amber", "--auto", "indicator,sighting")
        mine.here("circles", "create", "tw-kr", *terms, "--approver-token", second)
    with taipei.serving(*ports[taipei]), seoul.serving(*ports[seoul]):
        yield taipei, seoul, f"http://127.0.0.1:{ports[taipei][0]}"


def values(node: SeawallNode, command: str) -> dict[str, dict[str, object]]:
    """The rows of a listing by value, the last of several."""
    return {item["value"]: item for item in node.listing(command)}


def test_indicators_go_out_and_hits_come_in(nodes: tuple[SeawallNode, SeawallNode, str], tmp_path: Path) -> None:
    """Seoul's alarm reaches Taipei's SIEM as an indicator; what the SIEM finds warns both, and stays explainable."""
    taipei, seoul, url = nodes
    (tmp_path / "eve.json").write_text(
        eve("2026-03-14T03:12:00.000000+0000", ATTACKER, "10.2.0.5", sensor="sel-1") + "\n"
    )
    (tmp_path / "ours.csv").write_text(f"type,value\nipv4,{LISTED}\n")

    # a lake is refused with the name of the setting
    refused = taipei.raw("ingest", tmp_path / "eve.json")
    assert refused.returncode == 3
    assert b"lake.store_telemetry" in refused.stderr

    # indicators out: Seoul's candidate and our own import
    seoul.here("ingest", tmp_path / "eve.json")
    seoul.here("match")
    taipei.here("intel", "import", tmp_path / "ours.csv", "--tlp", "amber", "--source", "ours")
    taipei.here("sync", "seoul")
    exported = taipei.raw("intel", "export", "--to", "csv").stdout.decode()
    assert ATTACKER in exported
    assert LISTED in exported

    # hits in: by command, and by webhook as often as the SIEM likes
    moments = ("--first", "2026-03-14T08:14:00Z", "--last", "2026-03-14T09:00:00Z")
    assert taipei.here("hit", ATTACKER, "--count", "7", *moments, "--basis", "alert")["new"] == 1
    body = {"value": LISTED, "count": 3, "first": "2026-03-14T05:00:00Z", "last": "2026-03-14T05:10:00Z"}
    for expected in (1, 0):
        answer = httpx.post(
            f"{url}/api/v1/hits", json=body, headers={"Authorization": f"Bearer {taipei.token}"}, trust_env=False
        )
        assert answer.json()["new"] == expected

    # both sides are warned, with the lead
    warning = values(taipei, "warnings")[ATTACKER]
    assert (warning["first_side"], warning["other_first_seen"]) == ("seoul", "2026-03-14T08:14:00.000000Z")
    assert warning["raw_lead_seconds"] == 18_120.0

    # released like a matched sighting, on the record, and explained
    taipei.here("sync", "seoul")
    told = values(seoul, "sightings")
    assert (told[LISTED]["origin"], told[LISTED]["count"]) == ("taipei", 3)
    assert ATTACKER in values(seoul, "warnings")
    objects = [json.loads(line) for line in _bundle(taipei)]
    sighting = next(one for one in objects if one["type"] == "sighting" and one["count"] == 3)
    assert taipei.here("why", sighting["id"], "--peer", "seoul")["allowed"] is True
    assert sighting["id"] in json.dumps(taipei.here("ledger", "show", "--limit", "1000"))
    assert taipei.here("ledger", "verify")


def _bundle(node: SeawallNode) -> list[str]:
    """The node's own objects, one JSON text each."""
    import sqlite3

    with closing(sqlite3.connect(node.folder / "store" / "seawall.sqlite")) as connection:
        return [row[0].decode() for row in connection.execute("SELECT body FROM objects WHERE origin IS NULL")]
