"""What people do with the order book: put a value in force, let it act at a plant, throw and lift the kill switch.

Each act is on the ledger before it takes effect. Nothing a person does here passes by the gate: an own address stays
unblockable whoever asks.
"""

from __future__ import annotations

import msgspec

from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.flow.node import Node
from seawall.flow.orders import orders_for, wake
from seawall.flow.orders_plan import Outcome, Planned, plan
from seawall.flow.orders_rules import NO_INDICATOR, rules_of
from seawall.flow.points import open_window
from seawall.flow.read_out import find_warning
from seawall.ledger import EventKind
from seawall.messages import translate
from seawall.model import Fault, NotFound, Observable, Pap, Refused, Tlp, rfc3339
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.model.order import LEAVE_FRESH, Booked, Kill, Leave, Point
from seawall.protect.gate import undo_name, undo_names
from seawall.protect.lanes import is_wide
from seawall.protect.plants import check_in_force, leave_of
from seawall.store.indicator_named import Named
from seawall.store.order_points import Put

HOUR = 3_600_000_000  # microseconds
MAX_REASON = 200  # characters
MANY_SESSIONS = 100
"""A block that would have cut more legitimate sessions of ours than this takes two people, like a wide network."""
SOURCE = "put-in-force"  # the source of what our people name themselves
DRY_RUN = "plant-dry-run:{point}:{undo_id}"


class ApplyWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants in force."""

    value: str
    type: str | None = None
    warning: bool = False  # the value is that of a warning, and no indicator need name it
    ours: bool = False  # we name it ourselves, and no indicator need name it
    reason: str = ""
    hours: float | None = None
    points: tuple[str, ...] = ()  # only there; empty: everywhere
    action: Action = Action.BLOCK


def apply_order(node: Node, wish: ApplyWish) -> dict[str, object]:
    """Put a value in force. At plants (``points`` of zone ot or safety) this is the owner's leave, see ``_leaves``.

    Raises Refused E-FLOW-929 when the gate or policy says no, E-FLOW-930 when it takes a second person, NotFound
    E-FLOW-931 when no indicator names it, E-FLOW-281, E-STORE-301, and what ``_leaves`` raises.
    """
    places = [node.store.orders.point(name) for name in wish.points]
    plants = [point for point in places if point.zone.alert_only]
    from seawall.flow.excluded import read_value  # brings what compares with the lake

    value = read_value(wish.value, wish.type)
    if plants:
        if len(plants) < len(places):
            raise Fault("E-FLOW-932", "Name plants and other points in two commands; their rules differ.")
        return _leaves(node, value, plants)
    person = node.require("enforce")
    ours = _our_word(node, value, wish)
    first = Put(
        type=value.type,
        value=value.value,
        people=(person.name,),
        at=node.clock(),
        until=None if wish.hours is None else node.clock() + int(wish.hours * HOUR),
        reason=wish.reason[:MAX_REASON],
        scope=wish.points,
        action=wish.action,
    )
    outcome = supposed(node, value, first, ours)
    if not isinstance(outcome, Planned):
        raise _refused(node, value, outcome)
    second = _second(node, outcome)
    put = first if second is None else msgspec.structs.replace(first, people=(person.name, second))
    outcome = supposed(node, value, put, ours)
    if not isinstance(outcome, Planned) or outcome.lane.rule != "person" or outcome.action is not wish.action:
        raise _refused(node, value, outcome)
    node.event(
        EventKind.ORDER_APPLIED,
        undo_name(wish.action, value),
        type=value.type.value,
        action=wish.action.value,
        approved_by=list(put.people),
        points=list(put.scope),
        reason=put.reason,
    )
    if ours is not None:
        node.store.indicators.put([ours], source=SOURCE, at=node.clock())
    node.store.orders.save_put(put)
    orders_for(node, [value])
    booked = node.store.orders.get(undo_name(wish.action, value))
    if booked is None:
        raise _refused(node, value, supposed(node, value, put))
    return {
        "value": value.value,
        "type": value.type.value,
        "action": booked.order.action.value,
        "undo": booked.order.undo_id,
        "state": booked.order.state.value,
        "expires_at": rfc3339(booked.order.expires_at),
        "release": booked.order.release,
        "points": list(booked.order.scope),
        "approved_by": list(put.people),
    }


def supposed(node: Node, value: Observable, put: Put | None, ours: IndicatorEntry | None = None) -> Outcome:
    """What would become of a value, as if ``put`` stood (None: as things stand) and we had named it by ``ours``."""
    key = (value.type, value.value)
    named = node.store.indicators.named([key])
    if ours is not None:
        named[key] = [Named(ours, ()), *named.get(key, ())]
    (outcome,) = plan(
        node, rules_of(node), [value], named, node.clock(), supposed={} if put is None else {key: put}
    )  # fmt: skip
    return outcome


def kill_all(node: Node, point: str, reason: str) -> dict[str, object]:
    """Everything out, at once, at one point or (empty) everywhere; one person may. Raises NotFound E-STORE-301."""
    person = node.require("stop-standing")
    if point:
        node.store.orders.point(point)
    kill = Kill(point, node.clock(), person.name, reason[:MAX_REASON])
    node.event(EventKind.ORDERS_KILLED, point or "*", reason=kill.reason)
    node.store.orders.throw(kill)
    wake()
    return {"killed": point or "*", "by": kill.by, "at": rfc3339(kill.at), "reason": kill.reason}


def lift_kill(node: Node, point: str) -> dict[str, object]:
    """Go on; this takes two people. Raises Refused E-FLOW-933, NotFound E-FLOW-934 when the switch stands off."""
    first = node.require("enforce")
    if node.approver is None:
        raise Refused(
            "E-FLOW-933", "Lifting the kill switch needs a second person; give their token with --approver-token."
        )
    kill = node.store.orders.killed(point)
    if kill is None or kill.point != point:
        raise NotFound("E-FLOW-934", "No kill switch of that is thrown; 'seawall protect status' shows what is.")
    node.store.approvals.both("kill", point or "*", first.name, node.approver.name, node.clock())
    node.event(EventKind.ORDERS_LIFTED, point or "*", approved_by=[first.name, node.approver.name])
    node.store.orders.lift(point, node.clock())
    wake()
    return {"lifted": point or "*", "approved_by": [first.name, node.approver.name]}


def note_dry_run(node: Node, point: Point, undo_id: str) -> None:
    """Remember that what an order would do at a plant was shown: the owner's leave needs that."""
    node.store.notes.set(DRY_RUN.format(point=point.name, undo_id=undo_id), str(node.clock()))


def _leaves(node: Node, value: Observable, plants: list[Point]) -> dict[str, object]:
    """The owner's leave to block a value that is in force elsewhere, in the window that is open, after a dry run.

    Raises Refused E-PROTECT-011 to -014 with what is missing; then nothing was permitted anywhere.
    """
    at, booked = node.clock(), _hindering(node, value)
    check_in_force(value.value, None if booked is None else booked.order)
    assert booked is not None  # noqa: S101 - checked the line before
    undo_id = booked.order.undo_id
    leaves = [_leave(node, point, undo_id, at) for point in plants]
    for leave in leaves:
        node.event(EventKind.PLANT_LEAVE, leave.point, undo=undo_id, until=rfc3339(leave.window_to))
    node.store.orders.save_leaves(leaves, at)
    wake()
    ends = min(booked.order.expires_at, *(min(one.window_to, (one.dry_run_at or 0) + LEAVE_FRESH) for one in leaves))
    return {
        "value": value.value,
        "type": value.type.value,
        "action": booked.order.action.value,
        "undo": undo_id,
        "state": booked.order.state.value,
        "expires_at": rfc3339(ends),
        "release": booked.order.release,
        "points": [leave.point for leave in leaves],
        "approved_by": [node.actor.name],
    }


def _hindering(node: Node, value: Observable) -> Booked | None:
    """The order in the book that stops or slows a value, if there is one."""
    names = [name for action, name in undo_names(value).items() if action.hinders]
    return next(iter(node.store.orders.several(names).values()), None)


def _leave(node: Node, point: Point, undo_id: str, at: int) -> Leave:
    tried = node.store.notes.get(DRY_RUN.format(point=point.name, undo_id=undo_id))
    window = open_window(point, at)
    return leave_of(point, undo_id, node.actor.name, window, None if tried is None else int(tried), at)


def _our_word(node: Node, value: Observable, wish: ApplyWish) -> IndicatorEntry | None:
    """Our own indicator on the value, where the wish says so: of a warning with the warning's markings (rule 2)."""
    tlp, pap, origin, said = Tlp.AMBER, Pap.GREEN, None, wish.reason[:MAX_REASON]
    if wish.warning:
        warning = find_warning(node, wish.value, node.actor)
        if node.store.indicators.named([(value.type, value.value)]):
            return None
        tlp, pap, said = warning.tlp, warning.pap, said or ", ".join(warning.campaigns)[:MAX_REASON]
        origin = min(warning.origins, default=None)
    elif not wish.ours:
        return None
    return our_word(value, tlp=tlp, pap=pap, origin=origin, said=said)


def our_word(
    value: Observable, *, tlp: Tlp = Tlp.AMBER, pap: Pap = Pap.GREEN, origin: str | None = None, said: str = ""
) -> IndicatorEntry:
    """An indicator by which our people name a value."""
    row = IndicatorRow(value.type, value.value, 1, description=said or None)
    return ValueIndicators(tlp=tlp, pap=pap, origin=origin).entry(row, (SOURCE,))


def _second(node: Node, outcome: Planned) -> str | None:
    """The second person where one has to agree, else whoever came along."""
    value = outcome.observable
    sessions = 0 if outcome.radius is None else outcome.radius.sessions
    wide = outcome.action.hinders and (is_wide(value.type, value.value) or sessions > MANY_SESSIONS)
    if node.approver is None:
        if wide:
            raise Refused(
                "E-FLOW-930",
                "A block of {value} may hit many ({sessions} legitimate sessions of ours are known); it takes a second "
                "person: give their token with --approver-token.",
                value=ascii(value.value[:100]),
                sessions=sessions,
            )
        return None
    subject = f"{value.type.value}:{value.value}"
    node.store.approvals.both("order", subject, node.actor.name, node.approver.name, node.clock())
    return node.approver.name


def _refused(node: Node, value: Observable, outcome: Outcome) -> Fault:
    if isinstance(outcome, Planned):
        text, values = outcome.lane.text, dict(outcome.lane.values)
    elif outcome.left_out.rule == NO_INDICATOR.rule:
        return NotFound(
            "E-FLOW-931",
            "No indicator names {value}; import one, or say --warning (of a warning) or --ours (our own word).",
            value=ascii(value.value[:100]),
        )
    else:
        text, values = outcome.left_out.reason, {"detail": outcome.left_out.detail}
    return Refused(
        "E-FLOW-929",
        "{value} is not put in force: {reason}.",
        value=ascii(value.value[:100]),
        reason=translate(text, node.settings.node.lang, **values).rstrip(".。"),
    )
