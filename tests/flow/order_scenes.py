"""Scenes for the order book: a node of our own with a peer whose word may act here."""

from __future__ import annotations

import msgspec

from flow.neighbours import say
from seawall.flow.node import Node
from seawall.model import Observable, ObservableType, UserRole

__all__ = ["accept", "ipv4", "say", "states"]


def ipv4(value: str) -> Observable:
    """An address."""
    return Observable(ObservableType.IPV4, value)


def accept(node: Node, circle: str, *, signed: bool = True) -> None:
    """A circle's members may act here; two people sign that (or nobody did)."""
    terms = node.store.circles.get(circle)
    fresh = msgspec.structs.replace(terms, version=terms.version + 1, auto_enforce=True)
    if signed:
        if "second" not in {user.name for user in node.store.users.list()}:
            node.store.users.add("second", UserRole.APPROVER, node.clock())
        node.store.approvals.both("circle", f"{circle}@{fresh.version}", "administrator", "second", node.clock())
    node.store.circles.save(fresh, node.clock())


def states(node: Node) -> dict[str, str]:
    """Value -> action and state of what is in force."""
    return {order.value: f"{order.action.value} {order.state.value}" for order in node.store.orders.in_force()}
