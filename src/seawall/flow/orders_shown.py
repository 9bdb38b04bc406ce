"""The order book as the doors show it: what is enforced where, and what would be, or why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from seawall.flow.excluded import read_value
from seawall.flow.node import Node
from seawall.flow.orders_acts import note_dry_run, our_word, supposed
from seawall.flow.orders_plan import Outcome, Planned, plan
from seawall.flow.orders_rules import rules_of
from seawall.flow.orders_seats import RATE, foreseen
from seawall.flow.points import describe_point
from seawall.flow.undo import list_exports, list_undone
from seawall.messages import mark, translate
from seawall.model import Actor, Observable, ObservableType, Visibility, rfc3339
from seawall.model.directive import Action
from seawall.model.order import Booked, Leave, Order, OrderState, Point, at_point, reaches
from seawall.policy import visibility
from seawall.protect.actions import CAN, WORDS, done_by
from seawall.protect.gate import expiry
from seawall.protect.lanes import is_wide
from seawall.protect.plants import check_state
from seawall.protect.point_caps import caps_of
from seawall.store.indicator_named import Named
from seawall.store.order_points import Put
from seawall.store.orders import LIVE

STATES = (*LIVE, OrderState.EXPIRED.value)
_WATCHES = mark("It is only watched: its state stops nothing.")
_PLANT = mark("Plants are only watched: a block needs the plant's owner, a maintenance window and a dry run.")
_ABSENT = mark("It does not act there: by its scope, or because a cloud may not learn of it.")
_KILLED = mark("The kill switch is thrown there.")
_NO_ROOM = mark(
    "It waits for room: {point} holds at most {most} orders, and what people put in force, our own and a higher score "
    "go first."
)
_TOO_FAST = mark("It waits for the next hour: at most {most} orders are new at {point} within one.")


class StatusWish(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders to show."""

    value: str | None = None
    type: str | None = None
    point: str | None = None
    state: str | None = None
    after: int = 0
    limit: int = 100


def list_orders(node: Node, wish: StatusWish, lang: str, actor: Actor | None = None) -> dict[str, object]:
    """A page of the book: where each order acts, since when, by which release, until when, and its hits.

    Raises NotFound E-STORE-301 for an unknown point, Fault E-PROTECT-016 for an unknown state.
    """
    seen = visibility(node.require("read") if actor is None else actor)
    places = node.store.orders.points() if wish.point is None else [node.store.orders.point(wish.point)]
    key = None
    if wish.value is not None:
        value = read_value(wish.value, wish.type)
        key = value.type, value.value
    found, more = node.store.orders.page(seen, wish.after, wish.limit, states=_states(wish.state), key=key)
    met = node.store.orders.hits_of((one.order.type, one.order.value) for one in found)
    around = _Around(node, places)
    rows = [_row(one, around, met, lang) for one in found]
    if wish.point is not None:
        rows = [row for row in rows if row["points"]]
    return {"items": rows, "next": more}


def book_summary(node: Node) -> dict[str, object]:
    """What stands beside the list: totals, points with their agents, switches, exports, what was taken back."""
    kill = node.store.orders.killed()
    counts: Counter[str] = Counter()
    for (action, state, lane), count in node.store.orders.counts().items():
        counts[state if state != OrderState.ACTIVE else f"{state} {action}"] += count
        if state == OrderState.ACTIVE:
            counts[f"lane {lane}"] += count
    return {
        "last": node.store.orders.last(),
        "totals": dict(sorted(counts.items())),
        "killed": None if kill is None else {"by": kill.by, "at": rfc3339(kill.at), "reason": kill.reason},
        "points": [describe_point(node, point) | _agent(node, point) for point in node.store.orders.points()],
        "exports": list_exports(node).items,
        "undone": list_undone(node),
    }


def preview_values(
    node: Node,
    given: Sequence[str],
    type: str | None,
    points: Sequence[str],
    lang: str,
    action: Action = Action.BLOCK,
) -> list[dict[str, object]]:
    """What putting each value in force would do where, what not and why; nothing is put in force.

    A value that no indicator names (``named`` false) is tried as if we named it ourselves.
    For a plant this is the dry run that its owner's leave needs. Raises as ``list_orders``.
    """
    person = node.require("preview")
    places = [node.store.orders.point(name) for name in points] if points else node.store.orders.points()
    around = _Around(node, places)
    rows: list[dict[str, object]] = []
    for text in given:
        value = read_value(text, type)
        people = (person.name, *(() if node.approver is None else (node.approver.name,)))
        put = Put(type=value.type, value=value.value, people=people, at=node.clock(), action=action)
        named = node.store.indicators.lookup(value.type, value.value, visibility=visibility(person)) is not None
        ours = None if named else our_word(value)
        now, applied = supposed(node, value, None), supposed(node, value, put, ours)
        held = _foreseen(node, [applied])
        row = _supposed_row(node, value, applied, around, held, lang) | {"named": named}
        row["now"] = now.lane.state.value if isinstance(now, Planned) else "left-out"
        rows.append(row)
        if isinstance(applied, Planned):
            for point in places:
                if point.zone.alert_only and point.name in points:
                    note_dry_run(node, point, applied.undo_id)
    return rows


def preview_book(node: Node, after: int, limit: int, lang: str) -> dict[str, object]:
    """A page of what a refresh of the book would make of the indicators behind number ``after``."""
    seen = visibility(node.require("preview"))
    around = _Around(node, node.store.orders.points())
    page = node.store.indicators.named_page(after, limit)
    visible = [key for key, found in page.items.items() if all(_may_see(seen, one) for one in found)]
    values = [Observable(kind, value) for kind, value in visible]
    named = node.store.indicators.named(visible)
    outcomes = plan(node, rules_of(node), values, named, node.clock())
    held = _foreseen(node, outcomes)
    rows = [_supposed_row(node, value, one, around, held, lang) for value, one in zip(values, outcomes, strict=True)]
    return {"items": rows, "next": page.next}


def _may_see(seen: Visibility, named: Named) -> bool:
    """As ``visible_indicators`` asks the store."""
    entry = named.entry
    typed = seen.types is None or "indicator" in seen.types
    marked = entry.tlp <= seen.tlp_at_most and entry.pap <= seen.pap_at_most
    return typed and marked and not seen.excluded_origins & set(named.origins)


class _Around:
    """The points, with leaves and switches, read once for a page."""

    def __init__(self, node: Node, points: Sequence[Point]) -> None:
        self.points = points
        self.at = node.clock()
        self.leaves: dict[str, dict[str, Leave]] = {
            point.name: node.store.orders.leaves(point.name) for point in points if point.zone.alert_only
        }
        self.killed = {point.name for point in points if node.store.orders.killed(point.name) is not None}

    def effects(self, order: Order, lang: str) -> list[dict[str, object]]:
        """What an order does at each point, and why."""
        found: list[dict[str, object]] = []
        for point in self.points:
            here = at_point(order, point, self.leaves.get(point.name, {}).get(order.undo_id), self.at)
            given: dict[str, object] = {}
            if point.name in self.killed:
                effect, why = "none", _KILLED
            elif point.name in order.held and reaches(order, point):
                effect, caps = "held-back", caps_of(point)
                fast = order.held[point.name] == RATE
                why = _TOO_FAST if fast else _NO_ROOM
                given = {"point": point.name, "most": caps.per_hour if fast else caps.most}
            elif here is None:
                effect, why = "none", _ABSENT
            else:
                effect, why = here.acts.value, _why(order, here)
            row: dict[str, object] = {"point": point.name, "zone": point.zone.value, "effect": effect}
            tools = {} if here is None or effect == "none" else _tools(point, here)
            found.append(row | {"why": translate(why, lang, **given), "tools": tools})
        return found


def _why(order: Order, here: Order) -> str:
    if here.state is OrderState.ACTIVE:
        return WORDS[here.action]
    return _PLANT if order.hinders else _WATCHES


def _tools(point: Point, here: Order) -> dict[str, str]:
    """What each tool there does by an order, in place of what it cannot do."""
    done = {tool: done_by(tool, here.acts) for tool in point.tools if tool in CAN}
    return {tool: "none" if action is None else action.value for tool, action in done.items()}


def _row(
    one: Booked, around: _Around, met: Mapping[tuple[ObservableType, str], tuple[int, int]], lang: str
) -> dict[str, object]:
    order = one.order
    count, last = met.get((order.type, order.value), (0, 0))
    return {
        "value": order.value,
        "type": order.type.value,
        "action": order.action.value,
        "state": order.state.value,
        "lane": order.lane.value,
        "why": translate(one.why, lang, **one.values),
        "points": [found for found in around.effects(order, lang) if found["effect"] != "none"],
        "since": rfc3339(one.since),
        "starts_at": rfc3339(order.starts_at),
        "expires_at": rfc3339(order.expires_at),
        "release": order.release,
        "source": order.source,
        "origin": one.origin,
        "reason": order.reason,
        "score": order.score,
        "flags": list(one.flags),
        "hits": count,
        "last_hit": rfc3339(last) if count else None,
        "undo": order.undo_id,
    }


def _foreseen(node: Node, outcomes: Sequence[Outcome]) -> Mapping[str, dict[str, str]]:
    return foreseen(node, [one for one in outcomes if isinstance(one, Planned)], node.clock())


def _supposed_row(
    node: Node,
    value: Observable,
    outcome: Outcome,
    around: _Around,
    held: Mapping[str, dict[str, str]],
    lang: str,
) -> dict[str, object]:
    at = node.clock()
    if not isinstance(outcome, Planned):
        left = outcome.left_out
        return {
            "value": value.value,
            "type": value.type.value,
            "enforced": False,
            "action": "",
            "state": "left-out",
            "rule": left.rule,
            "why": translate(left.reason, lang, detail=left.detail),
            "points": [],
        }
    order = Order(
        undo_id=outcome.undo_id,
        action=outcome.action,
        type=value.type,
        value=value.value,
        starts_at=at,
        expires_at=expiry(value.type, outcome.entry.valid_until, at),
        state=outcome.lane.state,
        lane=outcome.lane.lane,
        reason="",
        release="",
        source="",
        scope=outcome.scope,
        tlp=outcome.entry.tlp,
        pap=outcome.entry.pap,
        held=held[outcome.undo_id],
    )
    radius = outcome.radius
    return {
        "value": value.value,
        "type": value.type.value,
        "enforced": order.hinders,
        "action": order.action.value,
        "state": order.state.value,
        "lane": order.lane.value,
        "rule": outcome.lane.rule,
        "why": translate(outcome.lane.text, lang, **outcome.lane.values),
        "points": around.effects(order, lang),
        "expires_at": rfc3339(order.expires_at),
        "needs_two_people": is_wide(value.type, value.value),
        "flags": list(outcome.flags),
        "radius": None
        if radius is None
        else {
            "known": radius.known,
            "sessions": radius.sessions,
            "hosts": radius.hosts,
            "days": radius.horizon.days,
            "looked_at": radius.horizon.sessions,
        },
        "undo": outcome.undo_id,
    }


def _states(given: str | None) -> tuple[str, ...]:
    if given is None:
        return LIVE
    check_state(given, STATES)
    return (given,)


def _agent(node: Node, point: Point) -> dict[str, object]:
    """How the agent there stands, and the drift that it found and repaired."""
    from seawall.flow.agent_reports import standing

    found = standing(node, point.name)
    if found is None:
        return {"heard_at": None, "held": None, "drift": None, "behind": None, "trouble": ""}
    missing, unexpected = (sum(getattr(one, name) for one in found.tools) for name in ("missing", "unexpected"))
    return {
        "heard_at": rfc3339(found.heard_at),
        "held": found.orders,
        "drift": {"missing": missing, "unexpected": unexpected},
        "behind": max(0, node.store.orders.last() - found.sequence),
        "trouble": found.trouble,
    }
