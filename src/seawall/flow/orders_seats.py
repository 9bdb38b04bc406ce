"""Room at points: which orders stand there when not all may, and which wait until some end.

A point has a cap on what stands there and on what is new within an hour (``protect/point_caps.py``). What people put
in force goes first, then our own, then peers' words that act, then what is only watched; among equals the higher
score, then who came first. Whoever comes later and goes first takes the place of the last in line, who waits. What
waits stays in the book with its reason (``Order.held``), acts nowhere at that point, and comes in when there is room.
Every function here is called while the book is held (``settling``), but ``foreseen``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from seawall.flow.node import Node
from seawall.flow.orders_facts import scores
from seawall.flow.orders_plan import Planned
from seawall.flow.orders_room import (
    HOUR,
    Allowance,
    Hour,
    Key,
    count_hours,
    hours,
    is_counted,
    key_of,
    known_of,
    never_reaches,
    room_at,
)
from seawall.model.order import Booked, OrderState, Point, Rank, reaches
from seawall.protect.point_caps import PointCaps, caps_of

SIZE, RATE = "size", "rate"
_LIVE = (OrderState.WATCH, OrderState.CANARY, OrderState.ACTIVE)
_ACTING = (OrderState.CANARY, OrderState.ACTIVE)


class Seating(msgspec.Struct, frozen=True):
    """What is to be written: ``put`` with what holds each back where, ``moved`` to make room; then ``written``."""

    put: list[Booked]
    moved: list[Booked]
    standing: dict[str, tuple[int, Key | None]] = {}

    def written(self, node: Node, last: int) -> None:
        """Both were written, up to this number of the book: what was counted is still known."""
        rooms = known_of(node).rooms
        for name, (standing, lowest) in self.standing.items():
            if name in rooms:
                rooms[name].last, rooms[name].standing, rooms[name].lowest = last, standing, lowest


def rank_of(origin: str | None, people: Sequence[str], state: OrderState) -> int:
    """Who goes first where room is short."""
    if people and state is OrderState.ACTIVE:
        return Rank.PERSON
    if origin is None:
        return Rank.OWN
    return Rank.PEER if state in _ACTING else Rank.WATCHED


def seat(node: Node, put: Sequence[Booked], gone: Sequence[str], was: Mapping[str, Booked], at: int) -> Seating:
    """Who of ``put`` stands where, while ``gone`` go; ``was``: what the book holds of both so far."""
    points = node.store.orders.points()
    if not points or not put:
        return Seating(list(put), [])
    named = {one.order.undo_id for one in put} | set(gone)
    held: dict[str, dict[str, str]] = {one.order.undo_id: {} for one in put}
    moved: dict[str, Booked] = {}
    used: dict[str, Hour] = {}
    standing: dict[str, tuple[int, Key | None]] = {}
    known_hours = hours(node)
    for point in points:
        stood = {name for name in named if (before := was.get(name)) is not None and _stands(before, point)}
        reached = [one for one in put if reaches(one.order, point)]
        staying = [one for one in reached if one.order.undo_id in stood]
        asking = [(one.order.undo_id, key_of(one)) for one in reached if one.order.undo_id not in stood]
        place = _Place(node, point, known_hours.get(point.name, Hour()), at, coming=len(asking))
        place.leave(len(stood) - len(staying), staying)
        place.ask(asking, named)
        for name, rule in place.refused.items():
            held[name][point.name] = rule
        for one in place.gives_way:
            moved[one.order.undo_id] = _held_back(moved.get(one.order.undo_id, one), point.name, SIZE)
        used[point.name] = place.allowance.used
        if place.counted:
            standing[point.name] = place.standing, place.lowest
    count_hours(node, used)
    return Seating([_with_held(one, held[one.order.undo_id]) for one in put], list(moved.values()), standing)


def fill(node: Node, point: Point, at: int, limit: int) -> Seating:
    """At most ``limit`` orders that may stand at ``point`` now and did not, or may no more and did."""
    known, caps = known_of(node), caps_of(point)
    as_of: tuple[object, ...] = (node.store.orders.last(), at // HOUR, caps)
    waits = node.store.orders.some_wait()
    if known.filled.get(point.name) == as_of or (not waits and never_reaches(node, caps.most, 0)):
        return Seating([], [])
    place = _Place(node, point, hours(node).get(point.name, Hour()), at, coming=caps.most)
    over = place.standing - caps.most
    if over > 0:
        leaving = node.store.orders.last_in_line(point, min(over, limit))
        moved = [_held_back(one, point.name, SIZE) for one in leaving]
        return Seating([], moved, {point.name: (place.standing - len(moved), None)})
    waiting = node.store.orders.next_in_line(point, limit) if waits else []
    place.ask([(one.order.undo_id, key_of(one)) for one in waiting], set())
    come = [_with_held(one, _without(one, point)) for one in waiting if one.order.undo_id not in place.refused]
    gives_way = [_held_back(one, point.name, SIZE) for one in place.gives_way]
    if not come:
        known.filled[point.name] = as_of
    count_hours(node, {point.name: place.allowance.used})
    return Seating(come, gives_way, {point.name: (place.standing, place.lowest)})


def begin(node: Node, point: Point, at: int, limit: int) -> Seating:
    """At most ``limit`` orders that a new point does not take at first: all of the book would be new there."""
    caps, place = caps_of(point), room_at(node, point)
    over = place.standing - min(caps.most, caps.per_hour)
    if over <= 0:
        count_hours(node, {point.name: Hour(at // HOUR, 0, place.standing)})
        return Seating([], [])
    rule = SIZE if caps.most <= caps.per_hour else RATE
    moved = [_held_back(one, point.name, rule) for one in node.store.orders.last_in_line(point, min(over, limit))]
    return Seating([], moved, {point.name: (place.standing - len(moved), None)})


def foreseen(node: Node, planned: Iterable[Planned], at: int) -> dict[str, dict[str, str]]:
    """What would hold each of these back where, if it came now: name of the order -> point -> cap."""
    wanted = list(planned)
    values = scores(node, [one.observable for one in wanted])
    was = node.store.orders.several([one.undo_id for one in wanted])
    found: dict[str, dict[str, str]] = {one.undo_id: {} for one in wanted}
    known_hours = hours(node)
    for point in node.store.orders.points():
        asking: list[tuple[str, Key]] = []
        for one in wanted:
            before, rank = was.get(one.undo_id), rank_of(one.entry.origin, one.people, one.lane.state)
            if one.scope and point.name not in one.scope:
                continue
            if before is None or before.order.state not in _LIVE or before.rank < rank:
                if before is None or not _stands(before, point):
                    asking.append((one.undo_id, (rank, values.get(one.observable, 0.0))))
            elif point.name in before.order.held:
                found[one.undo_id][point.name] = before.order.held[point.name]
        place = _Place(node, point, known_hours.get(point.name, Hour()), at, coming=len(asking))
        place.ask(asking, set())
        for name, rule in place.refused.items():
            found[name][point.name] = rule
    return found


class _Place:
    """One point while somebody asks to stand there."""

    def __init__(self, node: Node, point: Point, used: Hour, at: int, *, coming: int) -> None:
        self._node, self._point = node, point
        self._caps: PointCaps = caps_of(point)
        self.allowance = Allowance(used, self._caps.per_hour, at)
        self.counted = is_counted(node, point) or not never_reaches(node, self._caps.most, coming)
        self.standing, self.lowest = 0, None
        if self.counted:
            room = room_at(node, point)
            self.standing, self.lowest = room.standing, room.lowest
        self.refused: dict[str, str] = {}
        self.gives_way: list[Booked] = []

    def leave(self, count: int, staying: Sequence[Booked]) -> None:
        """So many go; ``staying`` may come to stand lower than before."""
        self.standing -= count if self.counted else 0
        self._lower(key_of(one) for one in staying)

    def ask(self, asking: Sequence[tuple[str, Key]], busy: set[str]) -> None:
        """Let in who may come, who goes first first; ``busy``: orders that do not give way, because they change."""
        short: list[tuple[str, Key]] = []
        came: list[Key] = []
        for name, key in sorted(asking, key=lambda one: one[1], reverse=True):
            if not self.allowance.take(key[0]):
                self.refused[name] = RATE
            elif self.standing < self._caps.most or not self.counted:
                self.standing += self.counted
                came.append(key)
            else:
                short.append((name, key))
        self._lower(came)
        if short:
            self._displace(short, busy)

    def _displace(self, short: Sequence[tuple[str, Key]], busy: set[str]) -> None:
        """The place of whoever is last in line, for those who go before them; the others wait."""
        last: list[Booked] = []
        if self._caps.most and (self.lowest is None or self.lowest < short[0][1]):
            found = self._node.store.orders.last_in_line(self._point, len(short) + len(busy) + 1)
            last = [one for one in found if one.order.undo_id not in busy]
            self.lowest = key_of(found[0]) if found else None
        came: list[Key] = []
        for name, key in short:
            if len(came) < len(last) and key_of(last[len(came)]) < key:
                self.gives_way.append(last[len(came)])
                came.append(key)
            else:
                self.allowance.give_back(key[0])
                self.refused[name] = SIZE
        if came and not busy:
            self.lowest = key_of(last[len(came)]) if len(came) < len(last) else None
        self._lower(came)

    def _lower(self, keys: Iterable[Key]) -> None:
        if self.lowest is not None:
            self.lowest = min((self.lowest, *keys))


def _stands(booked: Booked, point: Point) -> bool:
    order = booked.order
    return order.state in _LIVE and reaches(order, point) and point.name not in order.held


def _without(booked: Booked, point: Point) -> dict[str, str]:
    return {name: rule for name, rule in booked.order.held.items() if name != point.name}


def _held_back(booked: Booked, point: str, rule: str) -> Booked:
    return _with_held(booked, {**booked.order.held, point: rule})


def _with_held(booked: Booked, held: dict[str, str]) -> Booked:
    return msgspec.structs.replace(booked, order=msgspec.structs.replace(booked.order, held=held))
