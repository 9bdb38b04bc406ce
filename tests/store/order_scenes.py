"""Orders for tests of the store."""

from __future__ import annotations

from seawall.model import ObservableType, Pap, Tlp
from seawall.model.directive import Action
from seawall.model.order import Booked, Lane, Order, OrderState

AT = 1_773_446_400_000_000


def booked(
    number: int, *, state: OrderState = OrderState.ACTIVE, expires_at: int = AT + 10**9, reason: str = ""
) -> Booked:
    """Order number so and so."""
    order = Order(
        undo_id=f"{number:016x}",
        action=Action.BLOCK,
        type=ObservableType.IPV4,
        value=f"45.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        starts_at=AT,
        expires_at=expires_at,
        state=state,
        lane=Lane.OWN,
        reason=reason,
        release="7:00",
        source="ours",
        tlp=Tlp.GREEN,
        pap=Pap.GREEN,
    )
    return Booked(order, f"indicator--{number}", None, bytes(16), "own", "why", {}, AT)


def replayed(changes: list[tuple[str, Order]]) -> dict[str, Order]:
    """What somebody holds who carried out these changes, in this order."""
    held: dict[str, Order] = {}
    for op, order in changes:
        if op == "put":
            held[order.undo_id] = order
        else:
            held.pop(order.undo_id, None)
    return held
