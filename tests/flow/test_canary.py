"""Canaries and rollback over a node: watched, judged by our own sensors, taken back when they hurt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flow.neighbours import agree, neighbours, push, say
from flow.order_scenes import accept, ipv4, states
from lake.scenes import add
from match.fake_lake import row
from seawall.flow.canary import describe_canaries, forget_canary, tend_canaries
from seawall.flow.node import Node
from seawall.flow.orders import orders_for, refresh_orders
from seawall.flow.rollback import watch_blocks
from seawall.ledger import EventKind

VALUE = "203.0.113.7"
MINUTE = 60_000_000


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul share ``west``, whose members may act in Seoul; two people there signed that."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        agree(found, "west", "taipei", "seoul")
        accept(found["seoul"], "west")
        yield found


def told(nodes: dict[str, Node], value: str = VALUE) -> Node:
    """Taipei names a value; Seoul has it in its book."""
    say(nodes["taipei"], value)
    push(nodes, "west", "taipei", "seoul")
    orders_for(nodes["seoul"], [ipv4(value)])
    return nodes["seoul"]


def later(node: Node, minutes: float) -> int:
    """The clock moves on."""
    node.clock.moment += int(minutes * MINUTE)  # type: ignore[attr-defined]
    return node.clock()


def met(node: Node, *ends: tuple[int, str], at: list[int] | None = None, **given: Any) -> None:
    """Connections of hosts of ours to addresses, just now or at each of these moments."""
    usual = {"kind": "conn", "basis": "none", "own_end": "source"}
    rows = [
        row(0, src=f"10.0.{host // 250}.{host % 250 + 1}", dst=value, **usual | {"time": moment} | given)
        for moment in at or [node.clock() - MINUTE]
        for host, value in ends
    ]
    add(node.lake, [item | {"event": number + 1} for number, item in enumerate(rows)])


def intervals(began: int, *backs: int) -> list[int]:
    """Moments so many five minutes before (negative: after) another."""
    return [began - back * 5 * MINUTE for back in backs]


def events(node: Node) -> list[str]:
    """The kinds of what is on the ledger."""
    return [str(node.ledger.entry(index).event["kind"]) for index in range(node.ledger.size)]


def test_a_canary_that_nobody_meets_blocks_after_its_time(nodes: dict[str, Node]) -> None:
    """Watched for ten minutes under telemetry, then in force, on record; a refresh does not send it back."""
    node = told(nodes)
    assert states(node) == {VALUE: "block canary"}
    assert [item["value"] for item in describe_canaries(node)] == [VALUE]
    later(node, 11)
    assert tend_canaries(node).startswith("0 block now")  # no sensor said anything
    met(node, (1, "198.51.100.1"))
    assert tend_canaries(node).startswith("1 block now")
    refresh_orders(node)
    assert states(node) == {VALUE: "block active"}
    assert EventKind.CANARY.value in events(node)


def test_a_canary_that_calm_hosts_meet_waits_for_a_person(nodes: dict[str, Node]) -> None:
    """Two of our hosts met it without an alarm: nothing is blocked, and forgetting that watches it anew."""
    node = told(nodes)
    later(node, 3)
    met(node, (1, VALUE), (2, VALUE))
    assert "1 wait for a person" in tend_canaries(node)
    assert states(node) == {VALUE: "block watch"}
    forget_canary(node, ipv4(VALUE))
    assert states(node) == {VALUE: "block canary"}


def test_a_victim_that_meets_it_does_not_save_it(nodes: dict[str, Node]) -> None:
    """One host with an alarm, and one host alone without, are what an attack looks like."""
    node = told(nodes)
    later(node, 11)
    met(node, (1, VALUE), (1, VALUE), (2, VALUE))
    met(node, (2, VALUE), basis="alert", kind="alert")
    assert tend_canaries(node).startswith("1 block now")


def blocked(nodes: dict[str, Node]) -> Node:
    """The value has passed its canary."""
    node = told(nodes)
    later(node, 11)
    met(node, (1, "198.51.100.1"))
    tend_canaries(node)
    assert states(node) == {VALUE: "block active"}
    return node


def test_a_block_that_many_calm_hosts_run_into_is_taken_back(nodes: dict[str, Node]) -> None:
    """Ten hosts try to reach it within the hour: it is watched again, on record, and stays so after a refresh."""
    node = blocked(nodes)
    later(node, 20)
    met(node, *[(host, VALUE) for host in range(7)], basis="blocked")
    assert watch_blocks(node).startswith("0 of 1")
    met(node, *[(host, VALUE) for host in range(14)], basis="blocked")
    assert watch_blocks(node).startswith("1 of 1")
    refresh_orders(node)
    assert states(node) == {VALUE: "block watch"}
    assert EventKind.ROLLED_BACK.value in events(node)


def test_a_fall_of_all_traffic_takes_young_blocks_back(nodes: dict[str, Node]) -> None:
    """Two hours of steady sessions, then half of them are missing for a quarter of an hour after the block."""
    node = told(nodes)
    later(node, 11)
    began = node.clock()
    steady = [(7 * number % 11, f"198.51.100.{number % 200}") for number in range(40)]
    for few in (36, 40):
        met(node, *steady[:few], at=intervals(began, *range(1 + few // 40, 30, 2)))
    tend_canaries(node)
    assert states(node) == {VALUE: "block active"}
    met(node, *steady[:12], at=intervals(began, *range(-5, 0)))
    later(node, 26)
    assert watch_blocks(node).startswith("1 of 1")
    assert states(node) == {VALUE: "block watch"}


def test_the_end_of_an_attack_is_no_harm(nodes: dict[str, Node]) -> None:
    """Sessions with the blocked value itself are missing afterwards; the block stays."""
    node = told(nodes)
    later(node, 11)
    began = node.clock()
    calm = [(7 * number % 11, f"198.51.100.{number % 200}") for number in range(20)]
    attack = [(3, VALUE)] * 60
    for few in (16, 20):
        met(node, *calm[:few], *attack, at=intervals(began, *range(1 + few // 20, 30, 2)))
    tend_canaries(node)
    assert states(node) == {VALUE: "block active"}
    met(node, *calm[:17], at=intervals(began, *range(-5, 0)))
    later(node, 26)
    assert watch_blocks(node).startswith("0 of 1")


def test_silent_sensors_take_nothing_back(nodes: dict[str, Node]) -> None:
    """When telemetry ends with the block, nobody can say that traffic fell."""
    node = told(nodes)
    later(node, 11)
    began = node.clock()
    met(node, *[(host, "198.51.100.9") for host in range(10)], at=intervals(began, *range(1, 30)))
    tend_canaries(node)
    later(node, 40)
    assert watch_blocks(node).startswith("0 of 1")
