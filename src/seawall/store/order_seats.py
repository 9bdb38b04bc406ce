"""Which orders stand at a point, which wait because its caps are reached, and who goes first."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from seawall.model import Pap, Tlp
from seawall.model.order import Booked, OrderState, Place, Point
from seawall.store.database import Database
from seawall.store.order_rows import as_booked
from seawall.store.order_tables import orders

_LIVE = (OrderState.WATCH.value, OrderState.CANARY.value, OrderState.ACTIVE.value)
_SOME = orders.c.held != sa.literal_column("'{}'")  # as the partial index says it: only what waits is read
_SCORE = sa.func.coalesce(orders.c.score, 0.0)
_FIRST = (orders.c.rank.desc(), _SCORE.desc(), orders.c.sequence)


class OrderSeats:
    """The part of ``store.orders`` that is about room at points."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def some_wait(self) -> bool:
        """Whether any order waits for room anywhere."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(orders.c.sequence).where(_SOME).limit(1)).first() is not None

    def standing_at(self, point: Point) -> int:
        """How many orders stand at a point, watched ones too. Reads the whole book."""
        query = sa.select(sa.func.count()).select_from(orders).where(*_reaching(point), ~_waits_at(point))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def waiting_at(self, point: Point) -> dict[str, int]:
        """How many wait there, by the cap that holds them back: ``size`` or ``rate``."""
        kinds = {kind: orders.c.held.contains(f'"{point.name}":"{kind}"') for kind in ("size", "rate")}
        with self._database.reading() as connection:
            count = sa.select(sa.func.count()).select_from(orders).where(_SOME, *_reaching(point))
            found = {kind: int(connection.execute(count.where(at)).scalar_one()) for kind, at in kinds.items()}
        return {kind: number for kind, number in found.items() if number}

    def last_in_line(self, point: Point, limit: int) -> list[Booked]:
        """Of those that stand there who gives way first: lowest rank, lowest score, latest. Reads the whole book."""
        last = (orders.c.rank, _SCORE, orders.c.sequence.desc())
        query = sa.select(orders).where(*_reaching(point), ~_waits_at(point)).order_by(*last).limit(limit)
        with self._database.reading() as connection:
            return [as_booked(row) for row in connection.execute(query)]

    def next_in_line(self, point: Point, limit: int) -> list[Booked]:
        """Of those that wait there the first."""
        query = sa.select(orders).where(_SOME, _waits_at(point), *_reaching(point))
        with self._database.reading() as connection:
            return [as_booked(row) for row in connection.execute(query.order_by(*_FIRST).limit(limit))]


def _waits_at(point: Point) -> ColumnElement[bool]:
    return orders.c.held.contains(f'"{point.name}":')  # names are lower-case letters, digits and hyphens


def _reaching(point: Point) -> list[ColumnElement[bool]]:
    """As ``model.order.reaches`` says, of what is in force."""
    meant = sa.or_(orders.c.scope == "[]", orders.c.scope.contains(f'"{point.name}"'))
    conditions: list[ColumnElement[bool]] = [orders.c.state.in_(_LIVE), meant]
    if point.place is Place.CLOUD:
        conditions += [orders.c.pap <= int(Pap.GREEN), orders.c.tlp < int(Tlp.RED)]
    return conditions
