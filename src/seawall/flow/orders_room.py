"""How much room each point has, as far as one process knows it, and how much was new there within the hour.

Counting a whole book takes a while, so it is counted only where the caps come near: every order that came since takes
a number of the book, so the last count and the numbers since are never too few.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import msgspec

from seawall.flow.node import Node
from seawall.model.order import Booked, Point, Rank

HOUR = 3_600_000_000  # microseconds
NOTE = "point-hours"
"""Key of the note: point -> what was new there within the hour. Raised before an order is written: a process that ends
in between has counted too much, never too little."""

Key = tuple[int, float]


def key_of(booked: Booked) -> Key:
    """Who goes first: the higher one."""
    return booked.rank, booked.order.score or 0.0


class Room(msgspec.Struct):
    """What is known of one point as of number ``last`` of the book."""

    last: int
    standing: int
    lowest: Key | None = None  # none of those that stand there is below this; None: not known


class _Known:
    """What one process remembers of one node's book."""

    def __init__(self) -> None:
        self.counted: tuple[int, int] | None = None  # (number of the book, orders of any state then)
        self.rooms: dict[str, Room] = {}
        self.filled: dict[str, tuple[object, ...]] = {}  # as of when the last filling found nothing more to do


_known: WeakKeyDictionary[Node, _Known] = WeakKeyDictionary()


def known_of(node: Node) -> _Known:
    """What this process remembers of the node's book."""
    return _known.setdefault(node, _Known())


def never_reaches(node: Node, most: int, more: int) -> bool:
    """Whether the whole book with so many more cannot come to ``most``: then no point needs to be counted."""
    known, last = known_of(node), node.store.orders.last()
    before, count = known.counted or (last + 1, 0)
    if before > last or count + (last - before) + more > most:
        before, count = known.counted = last, sum(node.store.orders.count_by_type().values())
    return count + (last - before) + more <= most


def is_counted(node: Node, point: Point) -> bool:
    """Whether it is known how much stands at a point."""
    found = known_of(node).rooms.get(point.name)
    return found is not None and found.last == node.store.orders.last()


def room_at(node: Node, point: Point) -> Room:
    """What stands at a point now; counted anew where anybody else wrote since."""
    rooms, last = known_of(node).rooms, node.store.orders.last()
    found = rooms.get(point.name)
    if found is None or found.last != last:
        found = rooms[point.name] = Room(last, node.store.orders.standing_at(point))
    return found


class Hour(msgspec.Struct, frozen=True):
    """What was new at one point within one hour (UTC), without what people put in force themselves."""

    hour: int = 0
    own: int = 0
    peers: int = 0


class Allowance:
    """What may still be new at a point within this hour. Our own takes from all of it, peers from what is left."""

    def __init__(self, used: Hour, per_hour: int, at: int) -> None:
        hour = at // HOUR
        self._hour, self._per_hour = hour, per_hour
        self.own, self.peers = (used.own, used.peers) if used.hour == hour else (0, 0)

    def take(self, rank: int) -> bool:
        """Count one in, if there is room for it; what people put in force is never delayed, and never counted."""
        if rank >= Rank.PERSON:
            return True
        if (self.own if rank >= Rank.OWN else self.own + self.peers) >= self._per_hour:
            return False
        self._count(rank, 1)
        return True

    def give_back(self, rank: int) -> None:
        """It did not come in after all."""
        self._count(rank, -1)

    @property
    def used(self) -> Hour:
        """As it is kept."""
        return Hour(self._hour, self.own, self.peers)

    def _count(self, rank: int, by: int) -> None:
        if rank >= Rank.PERSON:
            return
        if rank >= Rank.OWN:
            self.own += by
        else:
            self.peers += by


def hours(node: Node) -> dict[str, Hour]:
    """Point -> what was new there when it was last counted."""
    text = node.store.notes.get(NOTE)
    return {} if text is None else msgspec.json.decode(text, type=dict[str, Hour])


def new_within_hour(node: Node, point: Point, at: int) -> int:
    """How many orders were new at a point within this hour (UTC), without what people put in force themselves."""
    used = hours(node).get(point.name, Hour())
    return used.own + used.peers if used.hour == at // HOUR else 0


def count_hours(node: Node, used: dict[str, Hour]) -> None:
    """Keep what was new at these points."""
    held = hours(node)
    if any(held.get(name, Hour()) != one for name, one in used.items()):
        node.store.notes.set(NOTE, msgspec.json.encode(held | used).decode())
