"""What a driver knows to be in force at its tool: orders by value, the strongest one of each, and what runs out first.

One value may stand in two orders (watched under one name, blocked under another). The tool holds each value once, so
taking one order out must leave what the other asks for: a driver moves its tool from ``before`` to ``after`` of each
value that a batch of changes touched.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from seawall.messages import mark
from seawall.model import ObservableType
from seawall.model.directive import Action
from seawall.model.order import Change, Order, OrderState
from seawall.protect.actions import done_by
from seawall.protect.drivers.interface import Outcome
from seawall.protect.names import is_name
from seawall.protect.networks import address_number, network_span

IN_FORCE = (OrderState.ACTIVE, OrderState.WATCH, OrderState.CANARY)
MALFORMED = mark("It is no value of its type.")
_HEX = re.compile("[0-9a-f]+")
_DIGITS = {ObservableType.MD5: 32, ObservableType.SHA1: 40, ObservableType.SHA256: 64}
_ADDRESSES = (ObservableType.IPV4, ObservableType.IPV6)


class Move(NamedTuple):
    """What a value was under, and what it is under now; None: nothing."""

    value: str
    before: Order | None
    after: Order | None


def does(tool: str, order: Order) -> Action | None:
    """What ``tool`` does by an order: what is not active is only watched. None: nothing."""
    return done_by(tool, order.acts)


def counts(order: Order, at: int, types: frozenset[ObservableType]) -> bool:
    """Whether it is in force at ``at`` (microseconds UTC) and of a kind that the tool takes."""
    return order.state in IN_FORCE and order.expires_at > at and order.type in types and fits(order)


def fits(order: Order) -> bool:
    """Whether the value is what its type says: it will stand in a command or a line of a file."""
    try:
        if order.type in _ADDRESSES:
            return address_number(order.value) >= 0
        if order.type is ObservableType.CIDR:
            return network_span(order.value)[0] >= 0
    except (ValueError, OSError):
        return False
    if order.type in _DIGITS:
        return len(order.value) == _DIGITS[order.type] and _HEX.fullmatch(order.value) is not None
    return order.type is not ObservableType.DOMAIN or is_name(order.value)


class Held:
    """Orders in force, of the kinds in ``types``."""

    def __init__(self, types: frozenset[ObservableType]) -> None:
        self._types = types
        self._orders: dict[str, Order] = {}  # by undo_id
        self._of_value: dict[str, tuple[Order, ...]] = {}  # the strongest first
        self._networks: set[str] = set()
        self._ends: list[tuple[int, str]] = []  # heap: moment, undo_id; stale pairs are passed over

    def __len__(self) -> int:
        """How many values."""
        return len(self._of_value)

    def __iter__(self) -> Iterator[Order]:
        """The strongest order of each value."""
        return (orders[0] for orders in self._of_value.values())

    def of(self, value: str) -> Order | None:
        """The strongest order about a value."""
        orders = self._of_value.get(value)
        return orders[0] if orders else None

    def networks(self) -> Iterator[Order]:
        """The strongest order of each network."""
        return (self._of_value[value][0] for value in self._networks)

    def take(self, changes: Iterable[Change], at: int) -> list[Move]:
        """Note changes in their order; each value that they touched, with what it was under before."""
        before: dict[str, Order | None] = {}
        for change in changes:
            order = change.order
            old = self._orders.get(order.undo_id)
            for value in {order.value, old.value if old is not None else order.value}:
                before.setdefault(value, self.of(value))
            if old is not None:
                self._out(old)
            if change.op == "put" and counts(order, at, self._types):
                self._in(order)
        return [Move(value, old, self.of(value)) for value, old in before.items()]

    def replace(self, orders: Iterable[Order], at: int) -> list[Move]:
        """Hold these and nothing else; each value for which something changed."""
        seen: set[str] = set()
        changes: list[Change] = []
        for order in orders:
            seen.add(order.undo_id)
            held = self._orders.get(order.undo_id)
            if held is not None and held.expires_at > at and (held is order or held == order):
                continue
            if held is not None or counts(order, at, self._types):
                changes.append(Change(0, "put", order))
        if len(seen) != len(self._orders) or not self._orders.keys() <= seen:
            gone = [order for undo_id, order in self._orders.items() if undo_id not in seen]
            changes[:0] = [Change(0, "remove", order) for order in gone]
        return self.take(changes, at)

    def over(self, at: int) -> list[Change]:
        """Removals of what has run out at ``at``; the driver applies them."""
        found: dict[str, Order] = {}
        while self._ends and self._ends[0][0] <= at:
            ends, undo_id = heapq.heappop(self._ends)
            order = self._orders.get(undo_id)
            if order is not None and order.expires_at == ends:
                found[undo_id] = order
        return [Change(0, "remove", order) for order in found.values()]

    def _in(self, order: Order) -> None:
        self._orders[order.undo_id] = order
        others = self._of_value.get(order.value, ())
        self._of_value[order.value] = (
            (order,) if not others else tuple(sorted((*others, order), key=_strength, reverse=True))
        )
        if order.type is ObservableType.CIDR:
            self._networks.add(order.value)
        heapq.heappush(self._ends, (order.expires_at, order.undo_id))

    def _out(self, order: Order) -> None:
        del self._orders[order.undo_id]
        left = tuple(other for other in self._of_value[order.value] if other.undo_id != order.undo_id)
        if left:
            self._of_value[order.value] = left
        else:
            del self._of_value[order.value]
            self._networks.discard(order.value)


def _strength(order: Order) -> tuple[int, int]:
    return order.acts.strictness, order.expires_at


def outcomes_of(changes: Sequence[Change], refused: dict[str, str], problem: str) -> list[Outcome]:
    """One outcome a change: ``problem`` with what the tool said for values in ``refused``, else done."""
    return [_outcome(change, refused, problem) for change in changes]


def _outcome(change: Change, refused: dict[str, str], problem: str) -> Outcome:
    order = change.order
    if change.op == "put" and order.value in refused:
        return Outcome(change.sequence, order.undo_id, problem, refused[order.value])
    malformed = change.op == "put" and not fits(order)
    return Outcome(change.sequence, order.undo_id, MALFORMED if malformed else "")
