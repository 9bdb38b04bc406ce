"""The reference look-ups that keep values out of candidates, exports and releases."""

from __future__ import annotations

from seawall.flow.node import Node
from seawall.model import Observable
from seawall.reference import registered_domain


class NodeScreens:
    """What ``match`` asks about a value: is it ours, is it on a warninglist, which domain was registered."""

    def __init__(self, node: Node) -> None:
        self._own = node.own_assets
        self._lists = node.warninglists

    def is_own(self, observable: Observable, /) -> bool:
        """True for our own addresses and names."""
        return self._own.is_own(observable)

    def listed(self, observable: Observable, /) -> str | None:
        """The name of the warninglist that holds the value."""
        return self._lists.hit(observable)

    def registered_domain(self, name: str, /) -> str | None:
        """The registrable part of a name; None for a public suffix."""
        return registered_domain(name)


def node_screens(node: Node) -> NodeScreens:
    """The screens of this node's own reference data."""
    return NodeScreens(node)
