"""The order book kept in step with what policy permits: the whole of it, or a few values within milliseconds.

``orders_for`` hears every value that came in, was recalled or lost its peer (``flow/live_arrivals``);
``refresh_orders`` does the same for the whole book (schedule, changed circles, new lists); ``expire_orders`` ends what
has run out. ``changes_for`` is what an agent at one point is told, and ``wait_for_change`` how it waits for that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import msgspec

from seawall.flow.node import Node
from seawall.flow.orders_barred import FEW, end_at_once, sweep_ended
from seawall.flow.orders_fill import fill_points
from seawall.flow.orders_refresh import refresh
from seawall.flow.orders_settle import OrderReport, settle_values, settling
from seawall.model import Observable
from seawall.model.order import Change, Order, OrderState, Point, at_point

__all__ = [
    "OrderReport",
    "Pull",
    "changes_for",
    "expire_orders",
    "orders_for",
    "refresh_orders",
    "remove_origin",
    "sweep_ended",
    "wait_for_change",
    "whole_book",
]

LOOK_SECONDS = 0.1  # between two looks at the store: other processes write there too
EXPIRY_SECONDS = 1.0  # who waits ends what has run out at most this often
AT_ONCE = 1_000  # values of one transaction of the fast path
_changed = threading.Condition()


class Pull(msgspec.Struct, frozen=True):
    """What lies behind the number that an agent knows."""

    after: int
    last: int  # the book's number that the agent stands at once it has carried out ``changes``
    changes: tuple[Change, ...]  # as they act at the point
    snapshot: bool  # too much was missed: take ``whole_book`` in place of changes
    stopped: bool  # a kill switch is thrown: nothing may stand in any tool there


def orders_for(node: Node, keys: Iterable[Observable]) -> OrderReport:
    """Put in force, alter or take out the orders on these values, as everything stands now. No lake query.

    Takes no right of a person: it does only what people permitted before. Raises what the store and the ledger raise
    when they cannot write; then no order has changed without its record.
    """
    values, report = list(dict.fromkeys(keys)), OrderReport()
    for start in range(0, len(values), AT_ONCE):
        report += settle_values(node, values[start : start + AT_ONCE])
    if report.removed:
        fill_points(node)
    if report.changed:
        wake()
    return report


def refresh_orders(node: Node) -> OrderReport:
    """The whole book, page by page: only differences are written, and recorded."""
    report = refresh(node)
    if fill_points(node) or report.changed:
        wake()
    return report


def remove_origin(node: Node, origin: str) -> int:
    """Look again at the orders that a peer's word stands behind: its relation, or its circle, has just changed.

    How many that ended. Few are looked at here. Many end at once, where they end, and are looked at by
    ``sweep_ended``; where they go on, the schedule looks at them.
    """
    bar = end_at_once(node, origin)
    if bar is not None:
        wake()
        return bar.count
    if node.store.orders.stands_behind(origin, (), FEW + 1) > FEW:
        return 0
    return orders_for(node, (Observable(kind, value) for kind, value in node.store.orders.values_of(origin))).removed


def expire_orders(node: Node) -> int:
    """Take out what has run out; how many."""
    at, count = node.clock(), 0
    while node.store.orders.due(at, 1):
        with settling(node):  # asked again: nobody renews an order between look and removal
            count += node.store.orders.remove(node.store.orders.due(at), OrderState.EXPIRED, at)
    if count:
        fill_points(node)
        wake()
    return count


def changes_for(node: Node, point: Point, after: int, limit: int = 5_000) -> Pull:
    """What an agent at ``point`` that stands at number ``after`` has to carry out next, as it acts there.

    ``after`` greater than the book's last number (another store, a restored backup) asks for a snapshot too.
    """
    book = node.store.orders
    last, stopped = book.last(), book.killed(point.name) is not None
    missed = Pull(after, last, (), snapshot=True, stopped=stopped)
    if stopped or after < book.floor(point.name) or after > last:
        return missed
    leaves = book.leaves(point.name) if point.zone.alert_only else {}
    found = book.changes(after, limit)
    if after < book.floor(point.name):  # cut meanwhile
        return missed
    at = node.clock()
    told = [_at(change, at_point(change.order, point, leaves.get(change.order.undo_id), at)) for change in found]
    reached = found[-1].sequence if found else last
    return Pull(
        after, max(last, reached) if len(found) < limit else reached, tuple(told), snapshot=False, stopped=False
    )


def whole_book(node: Node, point: Point) -> tuple[int, Iterable[Order]]:
    """(number, every order in force at ``point``): the changes behind that number follow it."""
    last = node.store.orders.last()  # first: what changes meanwhile is told again, which does no harm
    return last, node.store.orders.in_force(point, at=node.clock())


def wait_for_change(node: Node, after: int, seconds: float) -> int:
    """The book's last number, as soon as it lies above ``after``, at the latest after ``seconds``.

    Woken at once by this process, within 0.1 s by others. What runs out meanwhile is ended.
    """
    end = time.monotonic() + seconds
    expire_at = 0.0
    while True:
        if time.monotonic() >= expire_at:
            expire_orders(node)
            expire_at = time.monotonic() + EXPIRY_SECONDS
        last = node.store.orders.last()
        left = end - time.monotonic()
        if last > after or left <= 0:
            return last
        with _changed:
            _changed.wait(min(LOOK_SECONDS, left))


def wake() -> None:
    """Tell everybody in this process who waits for the book that it changed."""
    with _changed:
        _changed.notify_all()


def _at(change: Change, order: Order | None) -> Change:
    """The change as it acts at a point: what does not act there, or no more, is taken out there."""
    if order is None:
        return Change(change.sequence, "remove", change.order)
    return Change(change.sequence, change.op, order)
