"""The order book: what is in force until when, and every change of it under the next number.

A change and the rows that it changes are one transaction, under the write lock of the series, so numbers have no gap
and become visible in their order, whichever process writes. Old changes are forgotten: whoever stands below ``floor``
takes the whole book (``last``, then ``in_force``, then the changes behind that ``last``; repeating one does no harm).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model import Fault, ObservableType, Visibility
from seawall.model.order import Booked, Change, Order, OrderState, Point, at_point
from seawall.store.bulk import insert_rows, rows_for
from seawall.store.database import Database
from seawall.store.order_points import OrderPoints
from seawall.store.order_rows import as_booked, as_order, as_row
from seawall.store.order_seats import OrderSeats
from seawall.store.order_tables import order_changes, orders
from seawall.store.orders_barred import OrderBars, barred_floor, bars_in, is_barred, not_barred
from seawall.store.orders_counted import Kind, OrderCounts, note_counts
from seawall.store.tables import counters, indicators
from seawall.store.visible import visible_orders

PAGE = 1_000  # orders read at once
BATCH = 5_000  # orders of one transaction: some 0.1 s of the write lock, so the fast path never waits long
MAX_CHANGES = 10_000  # one call tells at most so many
CHANGES_KEPT = 200_000
"""An agent that missed more than this takes the whole book: for it that is about as much to read."""
SLACK = 20_000  # forgotten at once, so that not every write has to
SERIES, FLOOR = "orders", "orders-floor"
LIVE = (OrderState.WATCH.value, OrderState.CANARY.value, OrderState.ACTIVE.value)
RARE = frozenset({OrderState.CANARY.value, OrderState.EXPIRED.value, OrderState.WITHDRAWN.value})

_BY_NAME = "SELECT orders.* FROM {given} CROSS JOIN orders WHERE orders.undo_id = given.a"
"""CROSS JOIN: else SQLite, which knows nothing of sizes, may read the whole book to find a few."""
_LAST = sa.select(counters.c.value).where(counters.c.name == SERIES)
"""Made once: who waits for a change asks it ten times a second."""


class Orders(OrderPoints, OrderSeats, OrderBars, OrderCounts):
    """The group ``store.orders``: the book, and the points where it is enforced."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._database = database

    def last(self) -> int:
        """The number of the last change; 0 for an empty book."""
        with self._database.reading() as connection:
            return int(connection.execute(_LAST).scalar_one())

    def floor(self, point: str | None = None) -> int:
        """Whoever follows the book (at ``point``) from below this number has missed something: they take all of it."""
        with self._database.reading() as connection:
            least = max(self._database.current(connection, FLOOR), barred_floor(connection))
            return least if point is None else max(least, self._cut_of(connection, point))

    def changes(self, after: int, limit: int = MAX_CHANGES) -> list[Change]:
        """What changed behind ``after``, in order; at most ``limit``.

        Numbers that are left out were cuts (a kill switch thrown or lifted): see ``floor``. Raises Fault E-STORE-300
        when ``after`` lies below what is still known.
        """
        table = order_changes.c
        query = sa.select(order_changes).where(table.sequence > after, table.op != "cut").order_by(table.sequence)
        with self._database.reading() as connection:
            if after < self._database.current(connection, FLOOR):
                raise Fault(
                    "E-STORE-300",
                    "Changes of the order book behind number {after} are no longer kept; take the whole book.",
                    after=after,
                )
            rows = connection.execute(query.limit(max(1, min(limit, MAX_CHANGES)))).all()
        return [Change(row.sequence, row.op, _order(row.body)) for row in rows]

    def in_force(self, point: Point | None = None, *, at: int | None = None) -> Iterator[Order]:
        """Every order in force, by the number of its last change; at ``point`` as it acts there.

        ``at`` (microseconds UTC): without what has run out by then. An order that changes meanwhile may come twice,
        the later one last.
        """
        if point is not None and self.killed(point.name) is not None:
            return
        leaves = {} if point is None else self.leaves(point.name)
        for booked in self.booked():
            order: Order | None = booked.order
            if at is not None and booked.order.expires_at <= at:
                continue
            if point is not None:
                order = at_point(booked.order, point, leaves.get(booked.order.undo_id), at)
            if order is not None:
                yield order

    def booked(self, after: int = 0, *, states: Sequence[str] = LIVE) -> Iterator[Booked]:
        """Orders in these states with what only this node needs, by the number of their last change."""
        query = sa.select(orders).order_by(orders.c.sequence).limit(PAGE)
        while True:
            with self._database.reading() as connection:
                ended = bars_in(connection)
                rows = connection.execute(query.where(orders.c.sequence > after, *not_barred(ended))).all()
            yield from (as_booked(row) for row in rows if row.state in states)
            if len(rows) < PAGE:
                return
            after = rows[-1].sequence

    def page(
        self,
        visibility: Visibility,
        after: int,
        limit: int,
        *,
        states: Sequence[str] = LIVE,
        key: tuple[ObservableType, str] | None = None,
    ) -> tuple[list[Booked], int | None]:
        """One page of orders behind number ``after`` that the asker may see, and the number to ask behind next; None at
        the end. ``key``: only of this type and value.
        """
        table = orders.c
        # by what it is not, where many are: else SQLite reads and sorts all of a state to find a page
        others = [state.value for state in OrderState if state.value not in states]
        stated = table.state.in_(states) if RARE.issuperset(states) else table.state.not_in(others)
        conditions = [table.sequence > after, stated, *visible_orders(visibility)]
        query = sa.select(orders).where(*conditions).order_by(table.sequence)
        if key is not None:
            query = query.where(table.type == key[0].value, table.value == key[1])
        with self._database.reading() as connection:
            rows = connection.execute(query.where(*not_barred(bars_in(connection))).limit(limit + 1)).all()
        more = rows[limit - 1].sequence if len(rows) > limit else None
        return [as_booked(row) for row in rows[:limit]], more

    def get(self, undo_id: str) -> Booked | None:
        """One order, also one that has run out; None when there is none."""
        return self.several([undo_id]).get(undo_id)

    def several(self, undo_ids: Sequence[str]) -> dict[str, Booked]:
        """Those of these orders that the book holds, also those that have run out."""
        with self._database.reading() as connection:
            rows = rows_for(connection, [(undo_id,) for undo_id in undo_ids], _BY_NAME)
        return {row.undo_id: as_booked(row) for row in rows}

    def on(self, keys: Iterable[tuple[ObservableType, str]]) -> dict[str, Booked]:
        """Every order on these values, by name, also those that have run out."""
        query = "SELECT orders.* FROM {given} CROSS JOIN orders WHERE orders.type = given.a AND orders.value = given.b"
        with self._database.reading() as connection:
            rows = rows_for(connection, [(kind.value, value) for kind, value in keys], query)
        return {row.undo_id: as_booked(row) for row in rows}

    def put(self, booked: Sequence[Booked], at: int) -> int:
        """Add or replace orders; the number of the last change. Every one becomes a change, also an equal one."""
        last = 0
        for start in range(0, len(booked), BATCH):
            last = self.settle(booked[start : start + BATCH], (), OrderState.WITHDRAWN, at)
        return last or self.last()

    def remove(self, undo_ids: Iterable[str], state: OrderState, at: int) -> int:
        """Take orders out; ``state`` says why: ``withdrawn``, or ``expired`` (then the row stays, see ``orders``).

        How many were in force.
        """
        names, count = list(undo_ids), 0
        for start in range(0, len(names), BATCH):
            before = self.last()
            count += self.settle((), names[start : start + BATCH], state, at) - before
        return count

    def settle(self, put: Sequence[Booked], remove: Sequence[str], state: OrderState, at: int) -> int:
        """Take ``remove`` out and put ``put`` in, as one transaction; the number of the last change.

        At most ``BATCH`` of each (callers go in batches, so nobody holds the write lock for long).
        """
        with self._database.writing() as connection:
            gone = _rows(connection, remove)
            ended = bars_in(connection) if state is OrderState.WITHDRAWN else []  # who follows the book holds none
            live = [
                row
                for row in gone
                if row.state in LIVE and not is_barred(ended, row.origin, row.sequence, row.lane)
            ]  # fmt: skip
            count = len(live) + len(put)
            first = self._database.numbers(connection, SERIES, count)
            changes: list[tuple[object, ...]] = []
            tombs: list[tuple[object, ...]] = []
            for number, row in enumerate(live, first):
                order = msgspec.structs.replace(as_order(row), state=state)
                changes.append((number, "remove", at, order.undo_id, _bytes(order)))
                over = msgspec.structs.replace(order, held={})  # what is over waits for no room
                tombs.append(as_row(number, msgspec.structs.replace(as_booked(row), order=over, since=at)))
            replaced = _held(connection, [item.order.undo_id for item in put])
            before = {row.undo_id: row for row in [*replaced, *gone]}
            _delete(connection, list(before))
            if state is OrderState.EXPIRED:
                insert_rows(connection, orders, tombs)
            for number, item in enumerate(put, first + len(live)):
                changes.append((number, "put", at, item.order.undo_id, _bytes(item.order)))
            insert_rows(connection, order_changes, changes)
            insert_rows(connection, orders, [as_row(n, item) for n, item in enumerate(put, first + len(live))])
            kinds = Counter(_kind(item.order) for item in put)
            kinds.subtract((row.action, row.state, row.lane, row.type) for row in before.values())
            if state is OrderState.EXPIRED:
                kinds.update((row.action, state.value, row.lane, row.type) for row in live)
            note_counts(connection, kinds)
            self._forget(connection, first + count - 1)
            return first + count - 1

    def due(self, at: int, limit: int = BATCH) -> list[str]:
        """Names of orders in force that have run out by ``at``."""
        query = sa.select(orders.c.undo_id).where(orders.c.state.in_(LIVE), orders.c.expires_at <= at).limit(limit)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def values_of(self, origin: str) -> Iterator[tuple[ObservableType, str]]:
        """The values of all orders that a peer's word stands behind."""
        after = 0
        query = sa.select(orders.c.sequence, orders.c.type, orders.c.value).where(orders.c.origin == origin)
        while True:
            with self._database.reading() as connection:
                page = query.where(orders.c.sequence > after).order_by(orders.c.sequence).limit(PAGE)
                rows = connection.execute(page).all()
            yield from ((ObservableType(row.type), row.value) for row in rows)
            if len(rows) < PAGE:
                return
            after = rows[-1].sequence

    def orphans(self, limit: int = BATCH) -> list[str]:
        """Names of orders on values that no indicator names any more."""
        held = sa.select(indicators.c.number).where(
            indicators.c.type == orders.c.type, indicators.c.value == orders.c.value
        )
        with self._database.reading() as connection:
            return list(connection.execute(sa.select(orders.c.undo_id).where(~held.exists()).limit(limit)).scalars())

    def hits_of(self, keys: Iterable[tuple[ObservableType, str]]) -> dict[tuple[ObservableType, str], tuple[int, int]]:
        """How often each of these values was reported, and when last (microseconds UTC); values never met are left
        out."""
        query = (
            "SELECT given.a, given.b, SUM(hits.count), MAX(hits.last_seen) FROM {given} CROSS JOIN hits "
            "WHERE hits.type = given.a AND hits.value = given.b GROUP BY given.a, given.b"
        )
        with self._database.reading() as connection:
            rows = rows_for(connection, sorted({(type.value, value) for type, value in keys}), query)
        return {(ObservableType(kind), value): (int(count), int(last)) for kind, value, count, last in rows}

    def history(self, undo_id: str, limit: int = 100) -> list[tuple[int, Change]]:
        """What became of one order, newest first, as far as it is still kept: (microseconds UTC, change)."""
        table = order_changes.c
        query = sa.select(order_changes).where(table.undo_id == undo_id, table.op != "cut")
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(table.sequence.desc()).limit(limit)).all()
        return [(row.at, Change(row.sequence, row.op, _order(row.body))) for row in rows]

    def _forget(self, connection: Connection, last: int) -> None:
        floor = self._database.current(connection, FLOOR)
        if last - floor <= CHANGES_KEPT + SLACK:
            return
        connection.execute(sa.delete(order_changes).where(order_changes.c.sequence <= last - CHANGES_KEPT))
        connection.execute(sa.update(counters).where(counters.c.name == FLOOR).values(value=last - CHANGES_KEPT))


def _rows(connection: Connection, undo_ids: Sequence[str]) -> list[sa.Row[tuple[object, ...]]]:
    return rows_for(connection, [(name,) for name in dict.fromkeys(undo_ids)], _BY_NAME)


def _held(connection: Connection, undo_ids: Sequence[str]) -> list[sa.Row[tuple[object, ...]]]:
    """What tells the kind of those that are there."""
    query = (
        "SELECT orders.undo_id, orders.action, orders.state, orders.lane, orders.type "
        "FROM {given} CROSS JOIN orders WHERE orders.undo_id = given.a"
    )
    return rows_for(connection, [(name,) for name in undo_ids], query)


def _kind(order: Order) -> Kind:
    return order.action.value, order.state.value, order.lane.value, order.type.value


def _delete(connection: Connection, undo_ids: Sequence[str]) -> None:
    if undo_ids:
        gone = sa.delete(orders).where(orders.c.undo_id == sa.bindparam("name"))
        connection.execute(gone, [{"name": name} for name in undo_ids])


def _bytes(order: Order) -> bytes:
    return msgspec.msgpack.encode(order)


def _order(body: bytes) -> Order:
    return msgspec.msgpack.decode(bytes(body), type=Order)
