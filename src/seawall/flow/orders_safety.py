"""What the book's own state says about new orders: how much a peer's word may do in an hour, and what already acts.

The counters stand in the store and are raised before an order is written: a process that ends in between has counted
too much, never too little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from seawall.flow.node import Node
from seawall.flow.orders_plan import Planned
from seawall.messages import mark
from seawall.model.order import Booked, Lane, OrderState
from seawall.protect.lanes import LaneDecision
from seawall.protect.radius import DAY

KEY = "order-caps:{origin}"
HOUR = DAY // 24
AUTOMATIC = (Lane.FAST, Lane.CANARY)
ACTING = (OrderState.ACTIVE, OrderState.CANARY)
JUDGED_AT_ENTRY = ("blast-radius", "radius-unknown")
"""Rules that are asked when an order enters. Once it acts, our own hosts' attempts to reach what is blocked would look
like use; from then on the rollback watches, which knows that it is blocked."""


class Used(msgspec.Struct, frozen=True):
    """What one peer's word has put in force without a person in this hour and this day (UTC)."""

    hour: int = 0
    in_hour: int = 0
    day: int = 0
    in_day: int = 0


def safeguarded(node: Node, wanted: Sequence[Planned], held: Mapping[str, Booked], at: int) -> list[Planned]:
    """The same orders; what acts goes on as it is, and what is over its peer's caps is watched until there is room."""
    found = [_as_it_acts(one, held.get(one.undo_id)) for one in wanted]
    new: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(found):
        origin = one.entry.origin
        if origin is None or one.lane.lane not in AUTOMATIC or one.lane.state not in ACTING:
            continue
        before = held.get(one.undo_id)
        if before is None or before.order.state not in ACTING:
            new[origin].append(place)
    for origin, places in new.items():
        for place in places[take(node, origin, len(places), at) :]:
            found[place] = msgspec.structs.replace(found[place], lane=_over(node, origin))
    return found


def take(node: Node, origin: str, count: int, at: int) -> int:
    """How many of ``count`` orders a peer's word may still put in force; they are counted when this returns."""
    key, asked = KEY.format(origin=origin), node.settings.protect
    text = node.store.notes.get(key)
    used = msgspec.json.decode(text, type=Used) if text is not None else Used()
    in_hour = used.in_hour if used.hour == at // HOUR else 0
    in_day = used.in_day if used.day == at // DAY else 0
    granted = max(0, min(count, asked.peer_per_hour - in_hour, asked.peer_per_day - in_day))
    if granted:
        now = Used(at // HOUR, in_hour + granted, at // DAY, in_day + granted)
        node.store.notes.set(key, msgspec.json.encode(now).decode())
    return granted


def _as_it_acts(one: Planned, before: Booked | None) -> Planned:
    if before is None or before.order.state is not OrderState.ACTIVE or one.lane.rule not in JUDGED_AT_ENTRY:
        return one
    lane = LaneDecision(before.order.lane, before.order.state, before.rule, before.why, before.values)
    return msgspec.structs.replace(one, lane=lane)


def _over(node: Node, origin: str) -> LaneDecision:
    text = mark("{peer} has put {hour} values in force within the hour or {day} within the day; more are watched.")
    asked = node.settings.protect
    values = {"peer": origin, "hour": str(asked.peer_per_hour), "day": str(asked.peer_per_day)}
    return LaneDecision(Lane.PERSON, OrderState.WATCH, "cap", text, values)
