"""Policy zones that the node serves by itself: the book's orders of one point, in seconds, on record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import neighbours, say
from flow.order_scenes import ipv4
from protect.rpz.scenes import WATCH, names_in, zone_of
from seawall.flow.node import Node
from seawall.flow.orders import orders_for
from seawall.flow.rpz import RpzService, primary_settings, rpz_service
from seawall.flow.undo import undo_directive
from seawall.model import Fault, NotFound
from seawall.model.order import Kill, Point, Zone
from seawall.settings import ResolverSettings, RpzSettings

VALUE, OWNER = "203.0.113.7", "32.7.113.0.203.rpz-ip"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with a point where its resolvers are, and another at a plant."""
    with neighbours(tmp_path, "taipei") as found:
        made = found["taipei"]
        made.store.orders.save_point(Point("resolvers", Zone.OFFICE), made.clock())
        made.store.orders.save_point(Point("plant", Zone.OT), made.clock())
        yield made


def served(node: Node, point: str = "resolvers", **more: object) -> RpzService:
    """The service for a point."""
    given: dict[str, object] = {"point": point, "port": 0, "secondaries": (ResolverSettings("127.0.0.1", 0),)} | more
    node.settings = msgspec.structs.replace(node.settings, rpz=RpzSettings(**given))  # type: ignore[arg-type]
    made = rpz_service(node)
    assert made is not None
    return made


def until(so: Callable[[], bool], seconds: float = 10) -> None:
    """Waits for it."""
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_order_is_in_the_zone_at_once_and_leaves_it_when_it_is_undone(node: Node) -> None:
    """Put, undone, and still right after a restart of the service; each telling is on the ledger."""
    service = served(node)
    service.start()
    try:
        assert names_in(zone_of(service.primary.port)) == {}
        say(node, VALUE)
        orders_for(node, [ipv4(VALUE)])
        until(lambda: names_in(zone_of(service.primary.port)) == {OWNER: "."})
        (order,) = node.store.orders.in_force()
        service.stop()
        service = served(node)
        service.start()
        assert names_in(zone_of(service.primary.port)) == {OWNER: "."}
        undo_directive(node, order.undo_id, reason="our own scanner", again=False)
        until(lambda: names_in(zone_of(service.primary.port)) == {})
    finally:
        service.stop()
    told = [node.ledger.entry(index).event for index in range(node.ledger.size)]
    assert sum("agent-told" in event.values() for event in told) >= 2


def test_at_a_plant_it_is_watched(node: Node) -> None:
    """The book says what may act at a point; the zones hold no more than that."""
    say(node, VALUE)
    orders_for(node, [ipv4(VALUE)])
    service = served(node, "plant")
    service.primary.start()
    try:
        service.step()
        assert names_in(zone_of(service.primary.port)) == {}
        assert names_in(zone_of(service.primary.port, WATCH)) == {OWNER: "rpz-passthru."}
    finally:
        service.stop()


def test_the_kill_switch_empties_the_zones_and_lifting_it_fills_them(node: Node) -> None:
    """Nothing is enforced at the point until a person lifts it."""
    say(node, VALUE)
    orders_for(node, [ipv4(VALUE)])
    service = served(node)
    service.primary.start()
    try:
        service.step()
        assert names_in(zone_of(service.primary.port)) == {OWNER: "."}
        node.store.orders.throw(Kill("resolvers", node.clock(), "administrator", "test"))
        service.step()
        assert names_in(zone_of(service.primary.port)) == {}
        node.store.orders.lift("resolvers", node.clock())
        service.step()
        assert names_in(zone_of(service.primary.port)) == {OWNER: "."}
    finally:
        service.stop()


def test_settings_are_checked_before_anything_listens(node: Node) -> None:
    """No point, no service; an unknown point and a key that is none are said."""
    assert rpz_service(node) is None
    with pytest.raises(NotFound):
        served(node, "nowhere")
    with pytest.raises(Fault, match="E-PROTECT-103"):
        served(node, secondaries=(ResolverSettings("192.0.2.1", 53, "unknown"),))
    assert primary_settings(node).folder == str(node.folder / "rpz")
