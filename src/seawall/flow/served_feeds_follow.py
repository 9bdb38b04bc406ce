"""A consumer's lines brought up to date with the order book, the indicators' markings, and the clock."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from seawall.flow.node import Node
from seawall.flow.served_feeds_lines import Decider, decided_under, latest, recipient
from seawall.model import Observable, Unavailable
from seawall.model.circle import CircleTerms
from seawall.model.directive import Action
from seawall.model.order import Order, OrderState, Point, Zone, at_point
from seawall.model.served_feed import ServedFeed
from seawall.protect.gate import undo_name
from seawall.store.served_feeds import Followed

__all__ = ["WAIT_SECONDS", "alone", "busy", "due", "follow", "point_of"]

PAGE = 1_000  # orders decided at once: one ledger entry covers them
MOST_CHANGED = 20_000  # indicators: beyond this, deciding about every order is less work than about every indicator
WAIT_SECONDS = 25.0  # a poll waits this long while another prepares the same list; clients give up after 30 to 60
LOOK_SECONDS = 0.02
LOCK = "feed-{number}.lock"
PLANT_MICROSECONDS = 60_000_000  # at a plant, leave begins and ends by the clock: looked at anew once a minute
_LIVE = (OrderState.WATCH, OrderState.CANARY, OrderState.ACTIVE)


@contextmanager
def alone(node: Node, feed: ServedFeed) -> Iterator[None]:
    """Nobody else, in this process or another, brings this consumer's lines up to date meanwhile.

    Raises Unavailable E-FLOW-961 when somebody does so for longer than a poll waits.
    """
    end = time.monotonic() + WAIT_SECONDS
    with (node.folder / LOCK.format(number=feed.number)).open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise busy() from None
                time.sleep(LOOK_SECONDS)
        yield


def busy() -> Unavailable:
    """A list that takes longer than a poll waits, e.g. the first of a million values."""
    return Unavailable("E-FLOW-961", "This feed is just being prepared; ask again in a minute.")


def point_of(node: Node, feed: ServedFeed) -> Point:
    """The point that a consumer's tools stand at; of one without, a place of its own where no scoped order acts.

    Its place is judged by policy (``hand_out``), which knows the circles; here it counts as ours.
    Raises NotFound E-STORE-301 for a point that is gone.
    """
    if feed.terms.point is None:
        return Point(recipient(feed), Zone.INTERNET_EDGE)
    point = node.store.orders.point(feed.terms.point)
    return Point(point.name, point.zone, owner=point.owner, windows=point.windows)


def due(
    node: Node, feed: ServedFeed, circles: Mapping[str, CircleTerms], first_end: int | None, at: int
) -> Followed | None:
    """What a consumer's lines should follow as of ``at``; None when they do. ``first_end``: when the next one ends."""
    point = point_of(node, feed)
    under = decided_under(feed.terms, circles)
    if node.store.orders.killed(point.name) is not None:
        under += "/stopped"
    if point.zone.alert_only:
        under += f"/{at // PLANT_MICROSECONDS}"
    now = Followed(node.store.orders.last(), node.store.indicators.change(), under)
    ended = first_end is not None and first_end <= at
    return now if ended or Followed(feed.orders_seen, feed.indicators_seen, feed.decided_under) != now else None


def follow(node: Node, feed: ServedFeed, circles: Mapping[str, CircleTerms], now: Followed, at: int) -> ServedFeed:
    """The consumer with its lines brought up to date; ``now`` was asked before, so that nothing is missed.

    Raises what the store and the ledger raise when they cannot write; then the lines are as before, or some of the
    changes are in (each with its record), and the next call goes on.
    """
    book, store = node.store.orders, node.store.served_feeds
    point = point_of(node, feed)
    decider = Decider(node, feed, circles, at)
    store.expire(feed.number, at)
    if (
        feed.decided_under != now.under
        or not book.floor(feed.terms.point) <= feed.orders_seen <= now.orders
        or not 0 <= now.indicators - feed.indicators_seen <= MOST_CHANGED
    ):
        _everything(node, feed, point, decider, at)
    else:
        _changed_orders(node, feed, point, decider, until=now.orders, at=at)
        _changed_markings(node, feed, point, decider, at)
    store.follow(feed.number, now)
    return store.named(feed.name)


def _everything(node: Node, feed: ServedFeed, point: Point, decider: Decider, at: int) -> None:
    """Decide about every order in force; what this round does not keep goes."""
    store = node.store.served_feeds
    this_round = store.last_round(feed.number) + 1
    for orders in _pages(node.store.orders.in_force(point, at=at)):
        store.put(feed.number, decider.lines(latest(orders)), (), round=this_round, at=at)
    store.sweep(feed.number, before=this_round, at=at)


def _changed_orders(node: Node, feed: ServedFeed, point: Point, decider: Decider, *, until: int, at: int) -> None:
    after = feed.orders_seen
    while after < until:
        changes = node.store.orders.changes(after, PAGE)
        if not changes:  # the rest were kill switches, of other points
            return
        after = changes[-1].sequence
        put = {change.order.undo_id: change.order if change.op == "put" else None for change in changes}
        _settle(node, feed, point, decider, list(put), [order for order in put.values() if order is not None], at)


def _changed_markings(node: Node, feed: ServedFeed, point: Point, decider: Decider, at: int) -> None:
    """Decide anew where indicators changed: a stricter marking takes lines out, a milder one lets them in."""
    after = feed.indicators_seen
    while (found := node.store.indicators.changed_since(after, PAGE)).items:
        after = found.last
        names = [undo_name(act, Observable(entry.type, entry.value)) for entry in found.items for act in Action]
        booked = node.store.orders.several(list(dict.fromkeys(names)))
        live = [item.order for item in booked.values() if item.order.state in _LIVE]
        _settle(node, feed, point, decider, names, live, at)


def _settle(
    node: Node, feed: ServedFeed, point: Point, decider: Decider, names: Iterable[str], orders: Sequence[Order], at: int
) -> None:
    """Of the orders ``names``, those in ``orders`` that are permitted become lines; the others go."""
    stopped = node.store.orders.killed(point.name) is not None
    leaves = node.store.orders.leaves(point.name) if point.zone.alert_only else {}
    acting = [at_point(order, point, leaves.get(order.undo_id)) for order in orders]
    lines = [] if stopped else decider.lines([order for order in acting if order is not None])
    kept = {line.undo_id for line in lines}
    store = node.store.served_feeds
    gone = [name for name in dict.fromkeys(names) if name not in kept]
    store.put(feed.number, lines, gone, round=store.last_round(feed.number), at=at)


def _pages(orders: Iterator[Order]) -> Iterator[list[Order]]:
    while page := list(islice(orders, PAGE)):
        yield page
