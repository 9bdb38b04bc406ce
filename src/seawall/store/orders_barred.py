"""What a peer's word put in force, ended by one short write however much it is: a *bar*, behind which rows go in time.

A bar names a peer and the book's number of its moment: what that peer's word put in force up to there acts nowhere from
this transaction on. Whoever follows the book takes all that is left, as after a kill switch, so the rows behind a bar
go without a change for each. A bar stands in the store until the last of them is gone, whichever process ends first.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.engine import Connection

from seawall.model import ObservableType
from seawall.store.bulk import insert_rows, rows_for
from seawall.store.database import Database
from seawall.store.order_tables import enforcement_points, order_changes, orders
from seawall.store.replace import replace
from seawall.store.tables import notes

KEY, FLOOR_KEY = "orders-barred", "orders-barred-floor"
MAX_BARS = 10_000  # as many as a node may have peers; a further one for the same peer takes the place of the first
_LIVE = ("watch", "canary", "active")


class Bar(msgspec.Struct, frozen=True):
    """What ended at once. ``at``: microseconds UTC."""

    origin: str  # the peer's code name
    lanes: tuple[str, ...]  # only what came by these; empty: by any
    up_to: int  # the book's number: what was put in force later is not meant
    at: int
    count: int = 0  # orders that it ended; 0 until they were counted

    def is_same(self, other: Bar) -> bool:
        """Whether both end the same, counted or not."""
        return (self.origin, self.lanes, self.up_to) == (other.origin, other.lanes, other.up_to)


class Behind(msgspec.Struct, frozen=True, gc=False):
    """One order behind a bar."""

    sequence: int
    undo_id: str
    type: ObservableType
    value: str


class OrderBars:
    """The part of ``store.orders`` that is about what ended at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stands_behind(self, origin: str, lanes: Sequence[str], most: int) -> int:
        """How many orders a bar would end, counted up to ``most``."""
        some = sa.select(orders.c.sequence).where(*_of(origin, tuple(lanes))).limit(most)
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one())

    def bar(self, origin: str, lanes: Sequence[str], at: int) -> Bar:
        """End all that a peer's word put in force (by these lanes), everywhere, in one transaction; then count it."""
        with self._database.writing() as connection:
            number = self._database.numbers(connection, "orders", 1)
            insert_rows(connection, order_changes, [(number, "cut", at, "", b"")])
            connection.execute(sa.update(enforcement_points).values(floor=number))
            replace(connection, notes, {"key": FLOOR_KEY, "value": str(number)})
            others = [bar for bar in bars_in(connection) if bar.origin != origin]
            earlier = [bar for bar in bars_in(connection) if bar.origin == origin]
            named = {lane for bar in earlier for lane in bar.lanes} | set(lanes)
            whole = not lanes or any(not bar.lanes for bar in earlier)
            found = Bar(origin, () if whole else tuple(sorted(named)), number, at)
            _save(connection, [*others[: MAX_BARS - 1], found])
        counted = msgspec.structs.replace(found, count=self._count(found))  # a million take seconds: it stands already
        with self._database.writing() as connection:
            _save(connection, [counted if one == found else one for one in bars_in(connection)])
        return counted

    def bars(self) -> list[Bar]:
        """Bars behind which rows may still stand, in the order in which they were set."""
        with self._database.reading() as connection:
            return bars_in(connection)

    def behind(self, bar: Bar, limit: int) -> list[Behind]:
        """The next orders behind a bar, by number."""
        columns = (orders.c.sequence, orders.c.undo_id, orders.c.type, orders.c.value)
        conditions = (*_of(bar.origin, bar.lanes), orders.c.sequence <= bar.up_to)
        query = sa.select(*columns).where(*conditions).order_by(orders.c.sequence).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [Behind(number, name, ObservableType(kind), value) for number, name, kind, value in rows]

    def numbers_of(self, undo_ids: Sequence[str]) -> dict[str, int]:
        """The number of the last change of those of these orders that are there."""
        query = "SELECT orders.undo_id, orders.sequence FROM {given} CROSS JOIN orders WHERE orders.undo_id = given.a"
        with self._database.reading() as connection:
            rows = rows_for(connection, [(name,) for name in undo_ids], query)
        return {row.undo_id: row.sequence for row in rows}

    def unbar(self, bar: Bar) -> bool:
        """Forget a bar behind which nothing stands; False when it is another by now, or something does."""
        with self._database.writing() as connection:
            held = bars_in(connection)
            conditions = (*_of(bar.origin, bar.lanes), orders.c.sequence <= bar.up_to)
            left = connection.execute(sa.select(orders.c.sequence).where(*conditions).limit(1)).first()
            if left is not None or not any(one.is_same(bar) for one in held):
                return False
            _save(connection, [one for one in held if not one.is_same(bar)])
            return True

    def _count(self, bar: Bar) -> int:
        conditions = (*_of(bar.origin, bar.lanes), orders.c.sequence <= bar.up_to)
        with self._database.reading() as connection:
            return int(
                connection.execute(sa.select(sa.func.count()).select_from(orders).where(*conditions)).scalar_one()
            )


def bars_in(connection: Connection) -> list[Bar]:
    """The bars as this transaction sees them."""
    text = connection.execute(sa.select(notes.c.value).where(notes.c.key == KEY)).scalar()
    return [] if text is None else msgspec.json.decode(text, type=list[Bar])


def barred_floor(connection: Connection) -> int:
    """The number of the last bar: whoever follows the book from below takes all of it."""
    return int(connection.execute(sa.select(notes.c.value).where(notes.c.key == FLOOR_KEY)).scalar() or 0)


def not_barred(bars: Sequence[Bar]) -> list[ColumnElement[bool]]:
    """Conditions on rows of ``orders``: they stand behind none of these."""
    table = orders.c
    found: list[ColumnElement[bool]] = []
    for bar in bars:
        other = [] if not bar.lanes else [table.lane.not_in(bar.lanes)]
        # an order of our own has no origin, and NULL differs from nothing
        found.append(sa.or_(table.origin.is_(None), table.origin != bar.origin, table.sequence > bar.up_to, *other))
    return found


def is_barred(bars: Sequence[Bar], origin: str | None, sequence: int, lane: str) -> bool:
    """The same of one row."""
    return any(
        bar.origin == origin and sequence <= bar.up_to and (not bar.lanes or lane in bar.lanes) for bar in bars
    )  # fmt: skip


def _of(origin: str, lanes: tuple[str, ...]) -> list[ColumnElement[bool]]:
    conditions = [orders.c.origin == origin, orders.c.state.in_(_LIVE)]
    return conditions if not lanes else [*conditions, orders.c.lane.in_(lanes)]


def _save(connection: Connection, bars: Sequence[Bar]) -> None:
    if bars:
        replace(connection, notes, {"key": KEY, "value": msgspec.json.encode(bars).decode()})
    else:
        connection.execute(sa.delete(notes).where(notes.c.key == KEY))
