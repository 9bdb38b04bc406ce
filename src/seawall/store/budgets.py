"""Guess budgets: what each part of a peer's questions cost it, and what two people added.

One lock per store orders all spending: two processes that answer one peer at once cannot both spend the last point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.store.book_tables import budget_refills, budget_spends
from seawall.store.database import Database
from seawall.store.values import names_to_text

SERIES = "budgets"  # the counter whose row is locked meanwhile
KEPT_DAYS = 400  # the yearly bound looks back 365


class Spent(msgspec.Struct, frozen=True):
    """What was spent of one type by one peer, by the bound that it counts to."""

    initial: int  # in this epoch
    refilled: int  # likewise
    daily: int  # in the last three UTC days, this one included
    hot: int  # on this UTC day
    yearly: int  # initial and daily together, in the last 365 UTC days


class Spend(msgspec.Struct, frozen=True):
    """One part and what it cost; ``leaf`` is None while it is not on the ledger."""

    number: int
    peer: str
    type: str
    session: str
    part: int
    digest: str
    day: int
    epoch: int
    initial: int
    daily: int
    hot: int
    refilled: int
    at: int
    leaf: int | None

    @property
    def count(self) -> int:
        """All points of the part."""
        return self.initial + self.daily + self.hot + self.refilled


class Budgets:
    """The group ``store.budgets``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spend(
        self, peer: str, type: str, session: str, part: int, decide: Callable[[Spent, int, Spend | None], Spend | None],
        *, day: int, epoch: int,
    ) -> Spend | None:  # fmt: skip
        """Ask ``decide(spent, refills, same part before)`` and keep the row it answers; on disk when this returns.

        ``decide`` runs under the lock; what it raises leaves everything as it was.
        """
        with self._database.writing() as connection:
            self._database.numbers(connection, SERIES, 1)
            before = _part(connection, peer, type, session, part)
            spent, refills = _spent(connection, peer, type, day, epoch), _refills(connection, peer, type, epoch)
            fresh = decide(spent, refills, before)
            if fresh is None:
                return before
            row = msgspec.structs.asdict(fresh)
            del row["number"]
            number = connection.execute(sa.insert(budget_spends).returning(budget_spends.c.number), row).scalar_one()
        return msgspec.structs.replace(fresh, number=int(number))

    def put(self, spends: Sequence[Spend]) -> None:
        """Keep spending that another leaf tells of."""
        rows = [{name: value for name, value in msgspec.structs.asdict(each).items() if name != "number"}
                for each in spends]  # fmt: skip
        with self._database.writing() as connection:
            if rows:
                connection.execute(sa.insert(budget_spends), rows)

    def recorded(self, number: int, leaf: int) -> None:
        """The spending is on the ledger."""
        with self._database.writing() as connection:
            connection.execute(sa.update(budget_spends).where(budget_spends.c.number == number).values(leaf=leaf))

    def pending(self) -> Sequence[Spend]:
        """What was spent and is not on the ledger: a process ended between the two, and nothing was answered."""
        query = sa.select(budget_spends).where(budget_spends.c.leaf.is_(None)).order_by(budget_spends.c.number)
        with self._database.reading() as connection:
            return [_spend(row) for row in connection.execute(query)]

    def spent(self, peer: str, type: str, *, day: int, epoch: int) -> tuple[Spent, int]:
        """What was spent, and what two people added for this epoch."""
        with self._database.reading() as connection:
            return _spent(connection, peer, type, day, epoch), _refills(connection, peer, type, epoch)

    def refill(self, peer: str, type: str, epoch: int, count: int, at: int, people: tuple[str, ...]) -> None:
        """Two people add so many points for this epoch."""
        row = {"peer": peer, "type": type, "epoch": epoch, "count": count, "at": at, "people": names_to_text(people)}
        with self._database.writing() as connection:
            connection.execute(sa.insert(budget_refills), row)

    def known(self) -> Sequence[tuple[str, str]]:
        """(peer, type) of all that anything was spent by or added for, in order."""
        union = sa.union(
            sa.select(budget_spends.c.peer, budget_spends.c.type),
            sa.select(budget_refills.c.peer, budget_refills.c.type),
        ).subquery()
        with self._database.reading() as connection:
            query = sa.select(union).order_by(union.c.peer, union.c.type)
            return [(row[0], row[1]) for row in connection.execute(query)]

    def forget_before(self, day: int) -> int:
        """Drop rows that no bound looks at any more: older than KEPT_DAYS before ``day``; how many."""
        with self._database.writing() as connection:
            old = sa.delete(budget_spends).where(budget_spends.c.day < day - KEPT_DAYS)
            return int(connection.execute(old).rowcount)


def _spent(connection: Connection, peer: str, type: str, day: int, epoch: int) -> Spent:
    """Days ahead count as today: a clock that was set back grants nothing anew."""
    row = budget_spends.c

    def total(amount: sa.ColumnElement[Any], *where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*where), amount), else_=0)), 0)

    query = sa.select(
        total(row.initial, row.epoch >= epoch),
        total(row.refilled, row.epoch == epoch),
        total(row.daily, row.day >= day - 2),
        total(row.hot, row.day >= day),
        total(row.initial + row.daily, row.day > day - 365),
    ).where(row.peer == peer, row.type == type, row.day > day - 365)
    return Spent(*(int(value) for value in connection.execute(query).one()))


def _refills(connection: Connection, peer: str, type: str, epoch: int) -> int:
    row = budget_refills.c
    query = sa.select(sa.func.coalesce(sa.func.sum(row["count"]), 0)).where(
        row.peer == peer, row.type == type, row.epoch == epoch
    )
    return int(connection.execute(query).scalar_one())


def _part(connection: Connection, peer: str, type: str, session: str, part: int) -> Spend | None:
    row = budget_spends.c
    query = sa.select(budget_spends).where(row.peer == peer, row.type == type, row.session == session, row.part == part)
    found = connection.execute(query).first()
    return None if found is None else _spend(found)


def _spend(row: Any) -> Spend:
    return Spend(
        row.number, row.peer, row.type, row.session, row.part, row.digest, row.day, row.epoch, row.initial, row.daily,
        row.hot, row.refilled, row.at, row.leaf,
    )  # fmt: skip
