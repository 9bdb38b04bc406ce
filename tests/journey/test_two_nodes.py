"""Journey (b): two nodes, pinned to each other, exchange only what policy released."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from journey import poisons
from journey.command_line import SeawallNode, eve, free_port
from seawall.model import NotFound

ATTACKER = "203.0.113.77"
PRIVATE = "198.51.100.44"

pytestmark = pytest.mark.xdist_group("two-nodes")  # one worker, one pair of nodes


class Pair(NamedTuple):
    """Two serving nodes that verified each other and agreed on the circle ``tw-kr``."""

    taipei: SeawallNode
    seoul: SeawallNode
    approvers: dict[str, Path]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Taipei and Seoul, served in processes of their own, each waiting at the other's door."""
    with two_served(tmp_path_factory.mktemp("pair"), lines=True) as found:
        yield found


@contextmanager
def two_served(root: Path, *, lines: bool) -> Iterator[Pair]:
    """Taipei and Seoul; with ``lines`` each hears of the other at once."""
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
            *(["--auto-enforce"] if here is seoul else []),
            "--approver-token",
            second,
        )
    with (seoul.folder / "seawall.toml").open("a") as file:
        file.write(poisons.SETTINGS)
    with taipei.serving(*ports[taipei], lines=lines), seoul.serving(*ports[seoul], lines=lines):
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


def test_a_sighting_warns_whoever_already_lists_the_value(pair: Pair, tmp_path: Path) -> None:
    """Seoul holds the value under an id of its own; Taipei's sighting still finds it and becomes a warning."""
    hit = "203.0.113.201"
    (tmp_path / "own.csv").write_text(f"type,value,id\nipv4,{hit},local-7\n")
    (tmp_path / "early.json").write_text(eve("2026-03-14T03:12:00.000000+0000", hit, "10.1.0.5", sensor="tpe-1") + "\n")
    pair.seoul.run("intel", "import", tmp_path / "own.csv", "--tlp", "amber", "--source", "ours")
    pair.taipei.run("ingest", tmp_path / "early.json")
    pair.taipei.run("match")
    pair.taipei.run("sync", "seoul")
    told = [item for item in pair.seoul.listing("sightings") if item["value"] == hit]
    assert [(item["origin"], item["first_seen"]) for item in told] == [("taipei", "2026-03-14T03:12:00.000000Z")]
    (tmp_path / "late.json").write_text(eve("2026-03-14T08:14:00.000000+0000", hit, "10.2.0.9", sensor="sel-1") + "\n")
    pair.seoul.run("ingest", tmp_path / "late.json")
    pair.seoul.run("match")
    assert hit in {item["value"] for item in pair.seoul.run("warnings")["items"]}


def quiet_visits(remote: str, network: str, count: int) -> str:
    """``count`` of our machines meet ``remote``; no sensor minds."""
    return "".join(
        eve(f"2026-03-14T09:{number:02d}:00.000000+0000", remote, f"{network}.{number + 20}", sensor="s-2", kind="flow")
        + "\n"
        for number in range(count)
    )


def test_a_side_confirms_only_what_it_believes_itself(pair: Pair, tmp_path: Path) -> None:
    """Taipei alarmed about an address that many in Seoul use in peace: Seoul neither warns nor tells that it met it."""
    hit = "203.0.113.202"
    early, late = tmp_path / "early.json", tmp_path / "late.json"
    early.write_text(eve("2026-03-14T03:12:00.000000+0000", hit, "10.1.0.5", sensor="tpe-1") + "\n")
    late.write_text(quiet_visits(hit, "10.2.3", 9))
    pair.taipei.here("ingest", early)
    pair.taipei.here("match")
    pair.seoul.here("sync", "taipei")
    assert hit in {item["value"] for item in pair.seoul.listing("sightings")}
    pair.seoul.here("ingest", late)
    pair.seoul.here("match")
    assert hit not in {item["value"] for item in pair.seoul.listing("warnings")}
    pair.taipei.here("sync", "seoul")
    assert [item["origin"] for item in pair.taipei.listing("sightings") if item["value"] == hit] == []


def test_what_turns_out_popular_is_taken_back(pair: Pair, tmp_path: Path) -> None:
    """Taipei told one alarm; then many of its own people use the address in peace, and Seoul is told to forget it."""
    hit = "203.0.113.203"
    early, late = tmp_path / "early.json", tmp_path / "late.json"
    early.write_text(eve("2026-03-14T03:12:00.000000+0000", hit, "10.1.0.5", sensor="tpe-1") + "\n")
    late.write_text(quiet_visits(hit, "10.1.3", 9))
    pair.taipei.here("ingest", early)
    pair.taipei.here("match")
    pair.seoul.here("sync", "taipei")
    assert hit in {item["value"] for item in pair.seoul.listing("sightings")}
    pair.taipei.here("ingest", late)
    pair.taipei.here("match")
    pair.seoul.here("sync", "taipei")
    assert [item["count"] for item in pair.seoul.listing("sightings") if item["value"] == hit] in ([], [0])


def test_an_indicator_from_a_bundle_leaves_once(pair: Pair, tmp_path: Path) -> None:
    """It is match key and object at once, and still one object for the peer and one row of an export."""
    indicator = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--6c1e2d0a-33b0-4f53-a38f-1d1fb7b2a6a1",
        "created": "2026-03-01T00:00:00.000Z",
        "modified": "2026-03-01T00:00:00.000Z",
        "pattern": "[domain-name:value = 'once.example']",
        "pattern_type": "stix",
        "valid_from": "2026-03-01T00:00:00Z",
    }
    bundle = {"type": "bundle", "id": "bundle--6c1e2d0a-33b0-4f53-a38f-1d1fb7b2a6a2", "objects": [indicator]}
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))
    pair.taipei.run("sync", "seoul")
    pair.taipei.run("intel", "import", tmp_path / "bundle.json", "--tlp", "amber", "--source", "vendor")
    assert pair.taipei.run("sync", "seoul")["sent"] == 1
    for node in (pair.taipei, pair.seoul):
        assert node.raw("intel", "export", "--to", "csv").stdout.decode().count("once.example") == 1


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


def test_a_hostile_peer_poisons_nothing(pair: Pair) -> None:
    """Taipei's own key posts a real attacker and seventy poisons by TAXII under auto-enforce: the attacker is blocked,
    none of the poisons acts, each has its reason, and a circle where Taipei has no seat takes nothing."""
    poisons.prepare(pair.seoul)
    before = poisons.acting(pair.seoul)
    with pytest.raises(NotFound, match="E-EXCHANGE-109"):
        poisons.publish(pair.taipei, "seoul", "elsewhere", [poisons.ATTACKER])
    assert poisons.publish(pair.taipei, "seoul", "tw-kr", [poisons.ATTACKER]) == {}
    assert poisons.acts_soon(pair.seoul, poisons.ATTACKER.value)
    declined = poisons.publish(pair.taipei, "seoul", "tw-kr", poisons.POISONS)
    pair.seoul.here("run", "orders")
    told = poisons.reasons(pair.taipei, pair.seoul, declined)
    wrong = [
        (one.wrong, rule, why)
        for one, rule, why in told
        if rule not in one.rules or not why.endswith((".", "?")) or "{" in why
    ]
    assert wrong == []
    assert poisons.acting(pair.seoul) - before == {poisons.ATTACKER.value}
