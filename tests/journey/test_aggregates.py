"""Three nodes in processes of their own learn a sum of real logs, and no message shows a count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from journey.command_line import eve
from journey.trio import ECONOMIES, Trio

ROUND = ("attacks-by-sector", "--period", "2026-W11")
HOSTS = {"taipei": 120, "seoul": 140, "tokyo": 160}


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """All verified each other, each with a week's log of attacked hosts in the energy sector."""
    scene = Trio(tmp_path_factory.mktemp("sums"))
    for one, other in (("taipei", "seoul"), ("taipei", "tokyo"), ("seoul", "tokyo")):
        scene.introduce(one, other)
    for name, node in scene.nodes.items():
        sensors = scene.root / f"{name}.csv"
        sensors.write_text(f"sensor,side,sector\ns-1,{ECONOMIES[name]},energy\n")
        node.here("sensors", "import", sensors)
        log = scene.root / f"{name}.json"
        lines = (
            eve("2026-03-11T03:12:00.000001+0000", "203.0.113.77", f"10.{place // 250}.1.{place % 250}", sensor="s-1")
            for place in range(HOSTS[name])
        )
        log.write_text("\n".join(lines))
        assert node.here("ingest", log)["stored"] == HOSTS[name]
    with scene.nodes["taipei"].serving(*scene.ports["taipei"]):
        yield scene


def talk(trio: Trio) -> None:
    """The two others exchange with the starter what waits; of each other they hear through it."""
    for name in ("seoul", "tokyo"):
        trio.nodes[name].here("sync", "taipei")


def test_three_nodes_learn_a_noised_sum_of_what_their_logs_hold(trio: Trio) -> None:
    """Agree, start, join, sync: each shows the same sum, within its margin of the truth; the others are suppressed."""
    first = [node.here("aggregates", "agree") for node in trio.nodes.values()]
    assert first[1]["untold"] == ["taipei", "tokyo"]  # their prekeys come with the first exchange
    talk(trio)
    for node in trio.nodes.values():
        node.here("run", "aggregates")
    talk(trio)
    assert trio.nodes["taipei"].here("aggregates", "catalogue")["not_yet"] == []
    started = trio.nodes["taipei"].here("aggregates", "start", *ROUND, "--with", "seoul,tokyo")
    talk(trio)
    for name in ("seoul", "tokyo"):
        trio.nodes[name].here("aggregates", "join", started["round"])
    for _ in range(3):  # keys, counts, and everybody's counts
        talk(trio)
    results = [node.here("aggregates", "show", started["round"]) for node in trio.nodes.values()]
    assert [one["state"] for one in results] == ["finished"] * 3
    assert results[0]["result"] == results[1]["result"] == results[2]["result"]
    bins = {row["bin"]: row for row in results[0]["result"]["bins"]}
    assert abs(bins["energy"]["count"] - sum(HOSTS.values())) < 6 * results[0]["result"]["margin_95"]
    assert bins["energy"]["nodes"] == 3
    assert bins["water"]["count"] is None
    assert all(one["budget"]["left"] == 7 for one in results)


def test_the_ledgers_hold_the_round_and_verify(trio: Trio) -> None:
    """What each contributed is on its own ledger, by a commitment."""
    for node in trio.nodes.values():
        kinds = [item["kind"] for item in node.listing("ledger", "show")]
        assert kinds.count("aggregate-contributed") == 1
        node.here("ledger", "verify")


def test_a_second_round_over_the_week_is_refused(trio: Trio, tmp_path: Path) -> None:
    """By the starter's own node, in one sentence."""
    del tmp_path
    done = trio.nodes["taipei"].raw("aggregates", "start", *ROUND, "--with", "seoul,tokyo")
    assert done.returncode == 3
    assert done.stderr.startswith(b"E-FLOW-657")
