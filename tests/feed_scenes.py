"""Scenes for served feeds: a node with a few values in force, and consumers who fetch them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from seawall.api.app import local_app
from seawall.api.bouncer import bouncer_routes
from seawall.api.feeds import Door, served_routes
from seawall.api.node import FlowNode
from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.exchange import local_listener
from seawall.flow.node import Node
from seawall.flow.orders import orders_for
from seawall.flow.served_feeds import FeedDesk
from seawall.flow.served_feeds_bouncer import BouncerDesk
from seawall.flow.served_feeds_kept import add_feed
from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.directive import Action
from seawall.model.order import Booked, Lane, Order, OrderState
from seawall.model.served_feed import ServedFeed
from seawall.protect.gate import undo_name

DAY = 86_400_000_000
IPV4, CIDR, DOMAIN = ObservableType.IPV4, ObservableType.CIDR, ObservableType.DOMAIN


def tell(node: Node, value: str, kind: ObservableType = IPV4, *, tlp: Tlp = Tlp.GREEN, pap: Pap = Pap.GREEN) -> None:
    """Our own people call a value hostile, and the book follows."""
    entry = ValueIndicators(tlp=tlp, pap=pap).entry(IndicatorRow(kind, value, 1, description="seen here"), ("ours",))
    node.store.indicators.put([entry], source="ours", at=node.clock())
    orders_for(node, [Observable(kind, value)])


def unsay(node: Node, value: str, kind: ObservableType = IPV4) -> None:
    """The same, taken back."""
    node.store.indicators.withdraw(kind, value, source="ours")
    orders_for(node, [Observable(kind, value)])


def book(node: Node, values: Iterable[str], **fields: Any) -> None:
    """Orders put into the book directly, with the indicators behind them: for states that take others days to reach."""
    made = ValueIndicators(tlp=Tlp.GREEN, pap=fields.pop("pap", Pap.GREEN))
    entries = [made.entry(IndicatorRow(IPV4, value, number), ("ours",)) for number, value in enumerate(values, 1)]
    node.store.indicators.put(entries, source="ours", at=node.clock())
    at = node.clock()
    plain: dict[str, Any] = {
        "action": Action.BLOCK,
        "starts_at": at,
        "expires_at": at + 7 * DAY,
        "state": OrderState.ACTIVE,
        "lane": Lane.OWN,
        "reason": "",
        "release": "0:00",
        "source": "ours",
        "tlp": Tlp.GREEN,
        "pap": Pap.GREEN,
    }
    orders = [
        Order(
            undo_id=undo_name(Action.BLOCK, Observable(IPV4, entry.value)),
            type=IPV4,
            value=entry.value,
            **(plain | fields),
        )
        for entry in entries
    ]
    booked = [
        Booked(order=order, indicator_id=entry.indicator_id, origin=None, digest=bytes(16), rule="own", why="own")
        for order, entry in zip(orders, entries, strict=True)
    ]
    node.store.orders.put(booked, at)


def consumer(node: Node, name: str = "edge", *, format: str = "text", **terms: Any) -> tuple[ServedFeed, str]:
    """A consumer and its token."""
    if format == "text":
        terms.setdefault("types", "ipv4,cidr")
    token = str(add_feed(node, name, format=format, **terms)["token"])
    return node.store.served_feeds.named(name), token


def fetched(node: Node, feed: ServedFeed) -> set[str]:
    """The values that a poll would get now."""
    current = FeedDesk(node).current(feed)
    return {line.value for line in node.store.served_feeds.lines(current.number)}


def leaves(node: Node, **wanted: object) -> list[dict[str, Any]]:
    """Ledger entries with these fields."""
    found = [dict(entry.event) for entry in node.ledger.show(limit=1_000).items]
    return [event for event in found if all(event.get(key) == value for key, value in wanted.items())]


def marked(node: Node, value: str, pap: Pap) -> None:
    """Its indicator is marked anew by the same source, while the order stays as it is."""
    entry = node.store.indicators.lookup(IPV4, value)
    assert entry is not None
    node.store.indicators.put([msgspec.structs.replace(entry, pap=pap)], source="ours", at=node.clock())


@contextmanager
def feeds_served(node: Node, door: Door | None = None) -> Iterator[str]:
    """The local listener with the doors of feeds only; its address."""
    desk = FeedDesk(node)
    routes = [*served_routes(desk, node.clock, door), *bouncer_routes(BouncerDesk(node, desk))]
    with local_listener(local_app(FlowNode(node), routes=routes), host="127.0.0.1", port=0, tls=None) as listener:
        yield f"http://127.0.0.1:{listener.port}/"
