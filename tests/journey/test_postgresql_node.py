"""A node that keeps its knowledge in PostgreSQL does what one with SQLite does, and the two exchange."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from journey.command_line import SeawallNode, eve, free_port
from servers import postgres

ATTACKER = "203.0.113.77"
SENSORS = "sensor,side,sector\ntpe-1,TW,water\nsel-1,KR,health\n"

pytestmark = pytest.mark.xdist_group("postgresql-node")  # one worker, one pair of nodes


class Pair(NamedTuple):
    """Two serving nodes that agreed on the circle ``tw-kr``."""

    on_postgres: SeawallNode
    on_sqlite: SeawallNode


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Taipei on PostgreSQL, Seoul on SQLite, both served."""
    root = tmp_path_factory.mktemp("postgres")
    with postgres() as url:
        taipei, seoul = SeawallNode(root / "taipei", "TW", store_url=url), SeawallNode(root / "seoul", "KR")
        ports = {taipei: (free_port(), free_port()), seoul: (free_port(), free_port())}
        for here, there, name in ((taipei, seoul, "seoul"), (seoul, taipei, "taipei")):
            second = here.second_person()
            card = root / f"{name}.card"
            card.write_bytes(there.raw("peers", "card").stdout)
            here.here("peers", "add", card, "--url", f"https://127.0.0.1:{ports[there][1]}", "--code-name", name)
            here.here("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", second)
            terms = ("--members", name, "--tlp-ceiling", "amber", "--auto", "indicator,sighting")
            here.here("circles", "create", "tw-kr", *terms, "--approver-token", second)
        with taipei.serving(*ports[taipei]), seoul.serving(*ports[seoul]):
            yield Pair(taipei, seoul)


def test_the_database_is_the_only_store(pair: Pair) -> None:
    """No SQLite file was made, and the people of this node are in PostgreSQL."""
    assert "postgresql" in (pair.on_postgres.folder / "seawall.toml").read_text()
    assert not [path for path in (pair.on_postgres.folder / "store").iterdir() if path.suffix != ".lock"]
    assert {user["name"] for user in pair.on_postgres.run("users", "list")["items"]} == {"administrator", "approver"}


def test_the_main_job_on_one_node(pair: Pair, tmp_path: Path) -> None:
    """Sensors, indicators from two sources, ingest, match and warnings give the same figures as on SQLite."""
    (tmp_path / "sensors.csv").write_text(SENSORS)
    lines = [
        eve("2026-03-14T03:12:00.000001+0000", ATTACKER, "10.1.0.5", sensor="tpe-1"),
        eve("2026-03-14T08:14:00.000001+0000", ATTACKER, "10.2.0.9", sensor="sel-1"),
        eve("2026-03-14T05:00:00.000000+0000", "10.1.0.5", "198.51.100.9", sensor="tpe-1", kind="flow"),
    ]
    (tmp_path / "eve.json").write_text("\n".join(lines) + "\n")
    (tmp_path / "list.csv").write_text(f"id,type,value,campaign\n1,ipv4,{ATTACKER},c1\n2,cidr,203.0.113.0/24,c1\n")
    seen = []
    single = SeawallNode(tmp_path / "sqlite", "TW")
    for node in (pair.on_postgres, single):
        node.run("sensors", "import", tmp_path / "sensors.csv")
        assert node.run("intel", "import", tmp_path / "list.csv", "--tlp", "amber", "--source", "a")["new"] == 2
        assert node.run("intel", "import", tmp_path / "list.csv", "--tlp", "amber", "--source", "b")["updated"] == 2
        assert node.run("ingest", tmp_path / "eve.json")["stored"] == 3
        matched = node.run("match")
        warnings = node.run("warnings")["items"]
        for warning in warnings:
            warning.pop("told_at")
            warning.pop("raised_at")
        seen.append(
            ({key: matched[key] for key in ("events", "hits", "indicators_hit", "both_sides", "sightings")}, warnings)
        )
    assert seen[0] == seen[1]
    assert [warning["value"] for warning in seen[0][1]] == ["203.0.113.0/24", ATTACKER]


def test_the_two_kinds_of_store_exchange_in_both_directions(pair: Pair, tmp_path: Path) -> None:
    """What is AMBER crosses from either to the other, RED stays, and a second sync moves nothing."""
    for node, peer, mine, secret in (
        (pair.on_postgres, "seoul", "198.51.100.50", "198.51.100.51"),
        (pair.on_sqlite, "taipei", "198.51.100.60", "198.51.100.61"),
    ):
        (tmp_path / "amber.csv").write_text(f"type,value\nipv4,{mine}\n")
        (tmp_path / "red.csv").write_text(f"type,value\nipv4,{secret}\n")
        node.run("intel", "import", tmp_path / "amber.csv", "--tlp", "amber", "--source", "ours")
        node.run("intel", "import", tmp_path / "red.csv", "--tlp", "red", "--source", "ours")
        node.run("sync", peer)
    pair.on_postgres.run("sync", "seoul")
    there, here = (
        node.raw("intel", "export", "--to", "csv").stdout.decode() for node in (pair.on_sqlite, pair.on_postgres)
    )
    assert "198.51.100.50" in there
    assert "198.51.100.51" not in there
    assert "198.51.100.60" in here
    assert "198.51.100.61" not in here
    for node, peer in ((pair.on_postgres, "seoul"), (pair.on_sqlite, "taipei")):
        node.run("sync", peer)
        report = node.run("sync", peer)
        assert (report["received"], report["sent"]) == (0, 0)
        assert node.run("ledger", "verify")["valid"] is True


def test_a_database_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    """A node whose server is not there says so with a code and status 2, and names no password."""
    node = SeawallNode(tmp_path / "node", "TW")
    with (node.folder / "seawall.toml").open("a") as settings:
        settings.write(f'\n[store]\nurl = "postgresql+psycopg://seawall:s3cret@/none?host={tmp_path}"\n')
    done = node.raw("users", "list")
    sentence = done.stderr.decode().strip().splitlines()
    assert (done.returncode, len(sentence)) == (2, 1)
    assert sentence[0].startswith("E-STORE-006")
    assert "s3cret" not in sentence[0]
