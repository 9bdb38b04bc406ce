"""Poison drill: a hostile peer under auto-enforce sends fifty poisonous indicators; none acts, each has its reason."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from exchange.scenes import record_of
from flow.neighbours import agree, neighbours
from flow.order_scenes import accept, states
from flow.poison_scenes import FIFTY, SPELT, Poison, stix
from flow.test_canary import met
from seawall.codec.sharing import keys_of
from seawall.flow.canary import tend_canaries
from seawall.flow.incoming import inbound_desk
from seawall.flow.node import Node
from seawall.flow.orders import orders_for, refresh_orders
from seawall.flow.protect import export
from seawall.flow.radius import build_radius
from seawall.identity import NodeKeys
from seawall.model.order import OrderState
from seawall.protect.protected import packaged
from seawall.reference import OwnAssets

ATTACKER = Poison("ip4", "45.61.50.1", "a real attacker", frozenset())
ACTING = (OrderState.ACTIVE, OrderState.CANARY)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """A hostile node and ours, which accepts what it says without a click; our people use a service every day."""
    with neighbours(tmp_path, "hostile", "ours") as found:
        node = found["ours"]
        (tmp_path / "assets.csv").write_text("asset\n192.0.2.0/24\nours.example.org\n")
        OwnAssets.from_csv(tmp_path / "assets.csv").save(node.folder / "reference")
        protect = msgspec.structs.replace(
            node.settings.protect,
            never_block=("bank.example.net", "198.51.100.90"),
            radius_least_sessions=0,
            radius_least_days=0,
        )
        node.settings = msgspec.structs.replace(node.settings, protect=protect)
        for name, url in (("third", "https://hub.partner.example.net"), ("fourth", "https://198.51.100.80:8701")):
            keys = NodeKeys.create(tmp_path / name, name=name, economy="KR", at=node.clock())
            node.store.peers.add(record_of(keys, name, url))
        agree(found, "west", "hostile", "ours")
        accept(node, "west")
        met(node, *[(host, "45.61.99.7") for host in range(40)], domain="crm.vendor.example.net")
        build_radius(node)
        yield found


def send(nodes: dict[str, Node], *poison: Poison) -> list[str]:
    """What came in through the desk that every peer's objects pass; why each was declined, empty where it was not."""
    bodies = [stix(nodes["hostile"], one) for one in poison]
    taken = inbound_desk(nodes["ours"]).take("hostile", "west", bodies)
    return [outcome.problem or "" for outcome in taken.outcomes]


def reason(node: Node, poison: Poison, declined: str, body: bytes) -> tuple[str, str]:
    """The rule that keeps one value from acting, and its sentence."""
    if declined:
        return "declined", declined
    values = keys_of(body)
    if not values:
        return "no-indicator", "It names no plain value, so nothing is made of it."
    left = orders_for(node, values).listed
    if left:
        return left[0].rule, left[0].reason.format(detail=left[0].detail)
    held = [item for item in node.store.orders.booked() if item.order.value == values[0].value]
    assert held, poison
    return held[0].rule, held[0].why.format(**held[0].values)


def test_none_of_fifty_acts_and_each_has_its_reason(nodes: dict[str, Node]) -> None:
    """A real attacker's address acts at once; of fifty poisons none does, now, after a refresh, or after a canary."""
    node, poisons = nodes["ours"], (*FIFTY, *SPELT)
    assert len(FIFTY) == 50
    assert len({one.value for one in poisons}) == len(poisons)
    assert send(nodes, ATTACKER) == [""]
    assert states(node) == {ATTACKER.value: "block active"}
    declined = send(nodes, *poisons)
    told = [reason(node, one, said, stix(nodes["hostile"], one)) for one, said in zip(poisons, declined, strict=True)]
    wrong = [
        (one.wrong, one.value[:40], rule, sentence)
        for one, (rule, sentence) in zip(poisons, told, strict=True)
        if rule not in one.rules or not sentence.endswith((".", "?")) or "{" in sentence
    ]
    assert wrong == []
    refresh_orders(node)
    node.clock.moment += 3_600_000_000  # type: ignore[attr-defined]
    met(node, (1, "203.0.113.200"))
    tend_canaries(node)
    refresh_orders(node)
    acting = {order.value for order in node.store.orders.in_force() if order.state in ACTING}
    assert acting == {ATTACKER.value}


def test_no_export_blocks_a_poison_either(nodes: dict[str, Node], tmp_path: Path) -> None:
    """The file that a packet filter loads, and the one a resolver loads, block the attacker and none of the fifty."""
    node = nodes["ours"]
    send(nodes, ATTACKER, *FIFTY)
    for to in ("csv", "nftables", "rpz"):
        file = tmp_path / to
        export(node, to, output=file, include_watch=False)
        text = file.read_text()
        assert (ATTACKER.value in text) is (to != "rpz")
        if to == "csv":
            rows = [line.split(",")[1] for line in text.splitlines()[1:]]
            assert rows == [ATTACKER.value]


def test_a_recalled_poison_is_gone(nodes: dict[str, Node]) -> None:
    """What acted and is revoked by its sender acts no more."""
    node = nodes["ours"]
    send(nodes, ATTACKER)
    assert states(node) == {ATTACKER.value: "block active"}
    send(nodes, msgspec.structs.replace(ATTACKER, revoked=True))
    assert states(node) == {}


def test_a_hostile_peer_without_acceptance_only_watches(nodes: dict[str, Node]) -> None:
    """The same peer in a circle that nobody signed for acts nowhere, whatever it names."""
    node = nodes["ours"]
    accept(node, "west", signed=False)
    send(nodes, ATTACKER, *FIFTY)
    refresh_orders(node)
    assert {order.state for order in node.store.orders.in_force()} == {OrderState.WATCH}


def test_no_generated_value_of_a_protected_class_acts(nodes: dict[str, Node]) -> None:
    """Two hundred values drawn inside protected classes, in every spelling, come in as one page: none acts."""
    node, chance = nodes["ours"], random.Random(8)
    names = [name for each in packaged().classes for name in each.below]
    networks = ["192.0.2.0/24", "10.0.0.0/8", *(text for each in packaged().classes for text in each.networks)]
    drawn: list[Poison] = []
    while len(drawn) < 200:
        network = ipaddress.ip_network(chance.choice(networks))
        address = network[chance.randrange(min(network.num_addresses, 1 << 16))]
        kind = "ip6" if address.version == 6 else "ip4"
        label = "".join(chance.choice("abcxyz0189") for _ in range(6))
        name = f"{label}.{chance.choice(names)}"
        length = chance.randrange(8, 33) if kind == "ip4" else chance.randrange(16, 129)
        spelt = [(kind, str(address)), (kind, f"{address}/{length}"), ("name", name), ("url", f"https://{address}/x")]
        if kind == "ip6":
            spelt.pop()
        drawn.append(Poison(*chance.choice(spelt), "drawn", frozenset()))
    send(nodes, *drawn, ATTACKER)
    refresh_orders(node)
    assert {order.value for order in node.store.orders.in_force() if order.state in ACTING} == {ATTACKER.value}
