"""How much a peer's word may do in an hour, and what goes on acting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import agree, neighbours, push, say
from flow.order_scenes import accept, ipv4, states
from flow.test_canary import later, met
from seawall.flow.canary import tend_canaries
from seawall.flow.node import Node
from seawall.flow.orders import orders_for, refresh_orders
from seawall.flow.radius import build_radius

VALUES = [f"203.0.113.{number}" for number in range(1, 9)]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei's word may put three values in force in Seoul within an hour, and five within a day."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        agree(found, "west", "taipei", "seoul")
        accept(found["seoul"], "west")
        node = found["seoul"]
        protect = msgspec.structs.replace(
            node.settings.protect, peer_per_hour=3, peer_per_day=5, radius_least_sessions=0, radius_least_days=0
        )
        node.settings = msgspec.structs.replace(node.settings, protect=protect)
        yield found


def counts(node: Node) -> Counter[str]:
    """How many orders of each state."""
    return Counter(states(node).values())


def test_a_flood_acts_only_up_to_its_caps(nodes: dict[str, Node]) -> None:
    """Of eight values three act in the first hour, two more in the next, none after that; the others are watched."""
    node = nodes["seoul"]
    build_radius(node)
    for value in VALUES:
        say(nodes["taipei"], value)
    push(nodes, "west", "taipei", "seoul")
    orders_for(node, [ipv4(value) for value in VALUES])
    assert counts(node) == {"block active": 3, "block watch": 5}
    refresh_orders(node)
    assert counts(node)["block active"] == 3
    later(node, 60)
    refresh_orders(node)
    assert counts(node)["block active"] == 5
    later(node, 60)
    refresh_orders(node)
    assert counts(node) == {"block active": 5, "block watch": 3}
    why = {item.rule: item.why.format(**item.values) for item in node.store.orders.booked()}
    assert why["cap"].startswith("taipei has put 3 values in force within the hour or 5 within the day")


def test_what_acts_is_not_freed_by_those_who_run_into_it(nodes: dict[str, Node]) -> None:
    """Hosts that try to reach a blocked value look like its users; the order goes on until the rollback says so."""
    node = nodes["seoul"]
    build_radius(node)
    say(nodes["taipei"], VALUES[0])
    push(nodes, "west", "taipei", "seoul")
    orders_for(node, [ipv4(VALUES[0])])
    assert states(node) == {VALUES[0]: "block active"}
    met(node, *[(host, VALUES[0]) for host in range(6)])
    build_radius(node)
    refresh_orders(node)
    assert states(node) == {VALUES[0]: "block active"}
    assert tend_canaries(node) == "nothing is watched"


def test_what_our_hosts_use_waits_for_a_person(nodes: dict[str, Node]) -> None:
    """A value that six hosts met before it was named is watched, with the number of sessions in its reason."""
    node = nodes["seoul"]
    met(node, *[(host, VALUES[0]) for host in range(6)])
    build_radius(node)
    say(nodes["taipei"], VALUES[0])
    push(nodes, "west", "taipei", "seoul")
    orders_for(node, [ipv4(VALUES[0])])
    (item,) = node.store.orders.booked()
    assert (item.order.state.value, item.rule) == ("watch", "blast-radius")
    assert "6 legitimate sessions" in item.why.format(**item.values)
