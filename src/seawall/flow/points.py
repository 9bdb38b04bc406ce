"""Enforcement points: where tools act, in which zone, in whose hands; and the named owners of plants.

In zones ``ot`` and ``safety`` a wrong block can hurt people, so whatever would weaken such a point (another zone,
another owner, removing it) takes two people, and an owner is a person of this node.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from seawall.flow.node import Node
from seawall.flow.orders_fill import begin_point, fill_points
from seawall.flow.orders_room import new_within_hour
from seawall.ledger import EventKind
from seawall.model import Fault, Refused, rfc3339, to_microseconds
from seawall.model.directive import Action
from seawall.model.moments import parse_moment
from seawall.model.order import Place, Point, Window, Zone
from seawall.protect.plants import check_point_name
from seawall.protect.point_caps import MOST, caps_of

MAX_TOOLS = 20  # of one point
MAX_WINDOWS = 100  # of one plant; what has ended is dropped when another is added
LONGEST_WINDOW = 7 * 86_400_000_000  # microseconds: a longer "maintenance window" is no window
_TOOL = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class PointWish(msgspec.Struct, frozen=True, kw_only=True):
    """A point as typed. None leaves what it says already."""

    name: str
    zone: str | None = None
    place: str | None = None
    tools: tuple[str, ...] | None = None
    owner: str | None = None
    windows: tuple[str, ...] | None = None  # "FROM/TO", added to those that lie ahead
    close_windows: bool = False
    most: int | None = None  # orders that may stand there at the same time
    per_hour: int | None = None  # orders that may be new there within an hour
    zone_caps: bool = False  # both as the zone is given
    peer_action: Action | None = None  # what a peer's value does there that no person put in force


def add_point(node: Node, wish: PointWish) -> dict[str, object]:
    """Make a point. Raises Fault E-FLOW-920 for a name that is taken, E-FLOW-921 to -924 for what cannot be."""
    node.require("maintain")
    check_point_name(wish.name)
    if any(point.name == wish.name for point in node.store.orders.points()):
        raise Fault(
            "E-FLOW-920",
            "There is an enforcement point {name} already; 'seawall points change' alters it.",
            name=ascii(wish.name[:64]),
        )
    if wish.zone is None:
        raise Fault("E-FLOW-921", "A point needs a zone: {known}.", known=", ".join(zone.value for zone in Zone))
    point = _changed(node, Point(wish.name, _zone(wish.zone)), wish)
    _save(node, point)
    begin_point(node, point)
    return describe_point(node, point)


def change_point(node: Node, wish: PointWish) -> dict[str, object]:
    """Alter a point. Raises NotFound E-STORE-301, Refused E-FLOW-925 without a second person, and as ``add_point``."""
    node.require("maintain")
    before = node.store.orders.point(wish.name)
    after = _changed(node, before, wish)
    weaker = before.zone.alert_only and (not after.zone.alert_only or after.owner != before.owner)
    if weaker:
        _two(node, before.name)
    _save(node, after)
    fill_points(node)
    return describe_point(node, after)


def remove_point(node: Node, name: str) -> dict[str, object]:
    """Forget a point; what its tools hold ends by itself. Raises NotFound E-STORE-301, Refused E-FLOW-925."""
    node.require("maintain")
    point = node.store.orders.point(name)
    if point.zone.alert_only:
        _two(node, name)
    node.event(EventKind.POINT_REMOVED, name, zone=point.zone.value)
    node.store.orders.drop_point(name)
    return {"removed": name}


def list_points(node: Node) -> list[dict[str, object]]:
    """All points, by name."""
    node.require("read")
    return [describe_point(node, point) for point in node.store.orders.points()]


def describe_point(node: Node, point: Point) -> dict[str, object]:
    """One point as the doors show it."""
    at = node.clock()
    kill = node.store.orders.killed(point.name)
    return {
        "name": point.name,
        "zone": point.zone.value,
        "place": point.place.value,
        "tools": list(point.tools),
        "stops_traffic": not point.zone.alert_only,
        "peer_action": point.peer_action.value,
        "owner": point.owner,
        "windows": [
            {"begins_at": rfc3339(one.begins_at), "ends_at": rfc3339(one.ends_at), "open": _is_open(one, at)}
            for one in point.windows
        ],
        **_caps(node, point, at),
        "agent": point.fingerprint,
        "killed_by": kill.by if kill is not None else None,
        "killed_at": rfc3339(kill.at) if kill is not None else None,
    }


def _caps(node: Node, point: Point, at: int) -> dict[str, object]:
    """What may stand there and be new, and what waits for that."""
    caps, held = caps_of(point), node.store.orders.waiting_at(point)
    new = new_within_hour(node, point, at)
    return {"most": caps.most, "per_hour": caps.per_hour, "new_within_hour": new, "held_back": held}


def open_window(point: Point, at: int) -> Window | None:
    """The maintenance window that is open at a plant now, the one that lasts longest; None outside of all."""
    opened = [one for one in point.windows if _is_open(one, at)]
    return max(opened, key=lambda one: one.ends_at, default=None)


def _is_open(window: Window, at: int) -> bool:
    return window.begins_at <= at < window.ends_at


def _save(node: Node, point: Point) -> None:
    node.event(
        EventKind.POINT_SAVED,
        point.name,
        zone=point.zone.value,
        place=point.place.value,
        tools=list(point.tools),
        peer_action=point.peer_action.value,
        owner=point.owner or "",
        windows=[f"{rfc3339(one.begins_at)}/{rfc3339(one.ends_at)}" for one in point.windows],
        most=caps_of(point).most,
        per_hour=caps_of(point).per_hour,
    )
    node.store.orders.save_point(point, node.clock())
    from seawall.flow.orders import wake  # the whole book, which a look at points does without

    wake()


def _two(node: Node, name: str) -> None:
    if node.approver is None:
        raise Refused(
            "E-FLOW-925",
            "{name} protects a plant; this takes a second person: give their token with --approver-token.",
            name=name,
        )
    node.store.approvals.both("point", name, node.actor.name, node.approver.name, node.clock())


def _changed(node: Node, point: Point, wish: PointWish) -> Point:
    owner = point.owner if wish.owner is None else _person(node, wish.owner)
    windows = () if wish.close_windows else point.windows
    if wish.windows:
        windows = _windows(windows, wish.windows, node.clock())
    changed = msgspec.structs.replace(
        point,
        zone=point.zone if wish.zone is None else _zone(wish.zone),
        place=point.place if wish.place is None else _place(wish.place),
        tools=point.tools if wish.tools is None else _tools(wish.tools),
        owner=owner,
        windows=windows,
        most=None if wish.zone_caps else _cap(wish.most, point.most),
        per_hour=None if wish.zone_caps else _cap(wish.per_hour, point.per_hour),
        peer_action=point.peer_action if wish.peer_action is None else wish.peer_action,
    )
    if not changed.zone.alert_only and (changed.owner is not None or changed.windows):
        if wish.owner is not None or wish.windows:
            raise Fault("E-FLOW-924", "Only points of zone ot or safety have an owner and maintenance windows.")
        changed = msgspec.structs.replace(changed, owner=None, windows=())
    return changed


def _cap(given: int | None, held: int | None) -> int | None:
    if given is not None and not 0 <= given <= MOST:
        raise Fault(
            "E-FLOW-991",
            "{given} cannot be a point's cap; name a number of orders from 0 to {most}.",
            given=given,
            most=MOST,
        )
    return held if given is None else given


def _zone(given: str) -> Zone:
    try:
        return Zone(given)
    except ValueError:
        raise _unknown("zone", given, [zone.value for zone in Zone]) from None


def _place(given: str) -> Place:
    try:
        return Place(given)
    except ValueError:
        raise _unknown("place", given, [place.value for place in Place]) from None


def _unknown(what: str, given: str, known: Iterable[str]) -> Fault:
    return Fault(
        "E-FLOW-922",
        "{given} is no {what}; use one of {known}.",
        given=ascii(given[:40]),
        what=what,
        known=", ".join(known),
    )


def _tools(given: Sequence[str]) -> tuple[str, ...]:
    tools = tuple(dict.fromkeys(given))
    bad = next((tool for tool in tools if not _TOOL.fullmatch(tool)), None)
    if bad is not None or len(tools) > MAX_TOOLS:
        raise Fault(
            "E-FLOW-923",
            "{given} cannot be a point's tools; name at most {most}, such as nftables,suricata.",
            given=ascii((bad if bad is not None else ",".join(tools))[:40]),
            most=MAX_TOOLS,
        )
    return tools


def _person(node: Node, name: str) -> str:
    known = {user.name for user in node.store.users.list() if user.revoked_at is None}
    if name not in known:
        raise Fault(
            "E-FLOW-926",
            "{name} is no person of this node; 'seawall users add' adds the plant's owner.",
            name=ascii(name[:64]),
        )
    return name


def _windows(held: Sequence[Window], given: Sequence[str], at: int) -> tuple[Window, ...]:
    windows = [one for one in held if one.ends_at > at]
    for text in given:
        begins, slash, ends = text.partition("/")
        window = Window(*(to_microseconds(parse_moment(part)) for part in (begins, ends))) if slash else Window(0, 0)
        if not 0 < window.ends_at - window.begins_at <= LONGEST_WINDOW or window.ends_at <= at:
            raise Fault(
                "E-FLOW-927",
                "{given} is no maintenance window; write FROM/TO, ahead of now and at most {days} days long.",
                given=ascii(text[:60]),
                days=LONGEST_WINDOW // 86_400_000_000,
            )
        windows.append(window)
    if len(windows) > MAX_WINDOWS:
        raise Fault("E-FLOW-928", "A plant has at most {most} maintenance windows ahead.", most=MAX_WINDOWS)
    return tuple(sorted(windows, key=lambda one: one.begins_at))
