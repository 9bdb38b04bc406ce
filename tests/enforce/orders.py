"""Orders as the book hands them to a driver, for scenes with real tools: their moments are now."""

from __future__ import annotations

import hashlib
import time

from seawall.model import ObservableType
from seawall.model.directive import Action
from seawall.model.order import Change, Lane, Order, OrderState


def now() -> int:
    """Microseconds UTC."""
    return int(time.time() * 1_000_000)


def order(
    value: str,
    seconds: float = 600,
    state: OrderState = OrderState.ACTIVE,
    action: Action = Action.BLOCK,
    type: ObservableType | None = None,
) -> Order:
    """An order about a value that runs out after ``seconds``."""
    kind = type or _kind(value)
    undo = hashlib.sha256(f"{action} {value}".encode()).hexdigest()[:16]
    at = now()
    ends = at + int(seconds * 1_000_000)
    return Order(undo, action, kind, value, at, ends, state, Lane.OWN, "", "0:0", "us")


def put(*orders: Order) -> list[Change]:
    """Each into the book."""
    return [Change(number, "put", one) for number, one in enumerate(orders, 1)]


def remove(*orders: Order) -> list[Change]:
    """Each out of the book."""
    return [Change(number, "remove", one) for number, one in enumerate(orders, 1)]


def _kind(value: str) -> ObservableType:
    if "/" in value:
        return ObservableType.CIDR
    if ":" in value:
        return ObservableType.IPV6
    if value.replace(".", "").isdigit():
        return ObservableType.IPV4
    return ObservableType.DOMAIN
