"""Journey (b): two nodes, pinned to each other, exchange only what policy released."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from journey.command_line import SeawallNode, eve, free_port

ATTACKER = "203.0.113.77"
PRIVATE = "198.51.100.44"


class Pair(NamedTuple):
    """Two serving nodes that verified each other and agreed on the circle ``tw-kr``."""

    taipei: SeawallNode
    seoul: SeawallNode
    approvers: dict[str, Path]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Taipei and Seoul, served in processes of their own."""
    root = tmp_path_factory.mktemp("pair")
    taipei, seoul = SeawallNode(root / "taipei", "TW"), SeawallNode(root / "seoul", "KR")
    ports = {taipei: (free_port(), free_port()), seoul: (free_port(), free_port())}
    approvers = {"taipei": taipei.second_person(), "seoul": seoul.second_person()}
    for here, there, name in ((taipei, seoul, "seoul"), (seoul, taipei, "taipei")):
        card = root / f"{name}.card"
        card.write_bytes(there.raw("peers", "card").stdout)
        here.run("peers", "add", card, "--url", f"https://127.0.0.1:{ports[there][1]}", "--code-name", name)
        second = approvers["taipei" if here is taipei else "seoul"]
        here.run("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", second)
        here.run(
            "circles",
            "create",
            "tw-kr",
            "--members",
            name,
            "--tlp-ceiling",
            "amber",
            "--auto",
            "indicator,sighting",
            "--approver-token",
            second,
        )
    with taipei.serving(*ports[taipei]), seoul.serving(*ports[seoul]):
        yield Pair(taipei, seoul, approvers)


def test_an_amber_indicator_reaches_the_peer_and_a_red_one_never(pair: Pair, tmp_path: Path) -> None:
    """A standing release sends AMBER; RED stays, and lowering it makes it arrive at the next sync."""
    (tmp_path / "amber.csv").write_text(f"type,value\nipv4,{ATTACKER}\n")
    (tmp_path / "red.csv").write_text(f"type,value\nipv4,{PRIVATE}\n")
    pair.taipei.run("intel", "import", tmp_path / "amber.csv", "--tlp", "amber", "--source", "ours")
    pair.taipei.run("intel", "import", tmp_path / "red.csv", "--tlp", "red", "--source", "ours")
    pair.taipei.run("sync", "seoul")
    pair.seoul.run("sync", "taipei")
    held = pair.seoul.raw("intel", "export", "--to", "csv").stdout.decode()
    assert ATTACKER in held
    assert PRIVATE not in held
    pair.taipei.run("intel", "import", tmp_path / "red.csv", "--tlp", "green", "--source", "ours")
    pair.seoul.run("sync", "taipei")
    assert PRIVATE in pair.seoul.raw("intel", "export", "--to", "csv").stdout.decode()


def test_a_sighting_in_taipei_becomes_a_warning_in_seoul(pair: Pair, tmp_path: Path) -> None:
    """What Taipei's sensors saw at 03:12 warns Seoul, whose own sensors see it later; the lead is usable."""
    early, late = tmp_path / "early.json", tmp_path / "late.json"
    hit = "203.0.113.200"
    early.write_text(eve("2026-03-14T03:12:00.000000+0000", hit, "10.1.0.5", sensor="tpe-1") + "\n")
    late.write_text(eve("2026-03-14T08:14:00.000000+0000", hit, "10.2.0.9", sensor="sel-1") + "\n")
    pair.taipei.run("ingest", early)
    pair.taipei.run("match")
    pair.taipei.run("sync", "seoul")
    pair.seoul.run("ingest", late)
    pair.seoul.run("match")
    warnings = {item["value"]: item for item in pair.seoul.run("warnings")["items"]}
    assert hit in warnings
    assert warnings[hit]["first_seen"] == "2026-03-14T03:12:00.000000Z"
    assert warnings[hit]["other_first_seen"] == "2026-03-14T08:14:00.000000Z"
    assert warnings[hit]["usable_lead_seconds"] >= 0


def test_the_ledger_of_each_node_verifies(pair: Pair) -> None:
    """Every release left a leaf, and the tree recomputes."""
    for node in (pair.taipei, pair.seoul):
        assert node.run("ledger", "verify")["valid"] is True
    kinds = {leaf["kind"] for leaf in pair.taipei.run("ledger", "show", "--limit", "1000")["items"]}
    assert "release" in kinds


def test_why_explains_a_refusal(pair: Pair, tmp_path: Path) -> None:
    """``seawall why`` names the rule that keeps a RED object here."""
    (tmp_path / "secret.csv").write_text("type,value\nipv4,198.51.100.200\n")
    pair.taipei.run("intel", "import", tmp_path / "secret.csv", "--tlp", "red", "--source", "ours")
    listing = pair.taipei.raw("intel", "export", "--to", "stix").stdout
    bundle = json.loads(listing)
    secret = next(item["id"] for item in bundle["objects"] if "198.51.100.200" in item.get("pattern", ""))
    answer = pair.taipei.run("why", secret, "--peer", "seoul")
    assert answer["allowed"] is False
    assert any("tlp" in test["rule"] for test in answer["tests"] if not test["passed"])


def test_sync_with_nothing_new_moves_nothing(pair: Pair) -> None:
    """A second sync right after the first receives and sends nothing."""
    pair.seoul.run("sync", "taipei")
    report = pair.seoul.run("sync", "taipei")
    assert (report["received"], report["sent"]) == (0, 0)
