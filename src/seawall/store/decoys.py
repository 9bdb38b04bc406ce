"""Decoys: values that no honest party has, and which peer had some all the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from seawall.store.ancestry import insert_new
from seawall.store.book_tables import decoy_hits, decoys
from seawall.store.database import Database
from seawall.store.values import clean

CHUNK = 500  # values of one statement


class Decoy(msgspec.Struct, frozen=True):
    """One decoy. Times in microseconds UTC."""

    type: str
    value: str
    drawn_at: int
    drawn_by: str
    retired: str | None = None


class Decoys:
    """The group ``store.decoys``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, type: str, values: Iterable[str], at: int, by: str) -> int:
        """Keep new decoys; how many were none before. One that was retired stays so."""
        rows = [{"type": type, "value": clean(value), "drawn_at": at, "drawn_by": by} for value in values]
        before = self.count(type)
        with self._database.writing() as connection:
            for start in range(0, len(rows), CHUNK):
                insert_new(connection, decoys, rows[start : start + CHUNK])
        return self.count(type) - before

    def count(self, type: str | None = None) -> int:
        """How many are held, retired ones included."""
        query = sa.select(sa.func.count()).select_from(decoys)
        if type is not None:
            query = query.where(decoys.c.type == type)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def list(self, type: str | None = None, *, standing: bool = False) -> Sequence[Decoy]:
        """All, or those of one type, or only those that were not retired; by type and value."""
        query = sa.select(decoys).order_by(decoys.c.type, decoys.c.value)
        if type is not None:
            query = query.where(decoys.c.type == type)
        if standing:
            query = query.where(decoys.c.retired.is_(None))
        with self._database.reading() as connection:
            return [
                Decoy(row.type, row.value, row.drawn_at, row.drawn_by, row.retired) for row in connection.execute(query)
            ]

    def retire(self, found: Iterable[tuple[str, str]], reason: str) -> None:
        """These (type, value) are decoys no more; they stay known, so that none is drawn again."""
        with self._database.writing() as connection:
            for type, value in found:
                here = (decoys.c.type == type, decoys.c.value == value, decoys.c.retired.is_(None))
                connection.execute(sa.update(decoys).where(*here).values(retired=reason))

    def remove(self, type: str, values: Iterable[str]) -> int:
        """Forget decoys for good; how many there were."""
        with self._database.writing() as connection:
            return sum(
                connection.execute(
                    sa.delete(decoys).where(decoys.c.type == type, decoys.c.value == clean(value))
                ).rowcount
                for value in values
            )

    def hit(self, peer: str, type: str, values: Iterable[str], at: int) -> int:
        """Note which decoys a peer held; on disk when this returns. How many different ones wait for a person."""
        rows = [{"peer": peer, "type": type, "value": clean(value), "at": at} for value in values]
        with self._database.writing() as connection:
            for start in range(0, len(rows), CHUNK):
                insert_new(connection, decoy_hits, rows[start : start + CHUNK])
        return self.unsettled(peer)

    def unsettled(self, peer: str) -> int:
        """How many different decoys a peer held since a person last said to go on."""
        query = sa.select(sa.func.count()).where(decoy_hits.c.peer == peer, decoy_hits.c.settled_at.is_(None))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def hits_of(self, peer: str) -> Sequence[tuple[str, str, int]]:
        """(type, value, moment) of all that wait for a person."""
        query = (
            sa.select(decoy_hits)
            .where(decoy_hits.c.peer == peer, decoy_hits.c.settled_at.is_(None))
            .order_by(decoy_hits.c.at, decoy_hits.c.value)
        )
        with self._database.reading() as connection:
            return [(row.type, row.value, row.at) for row in connection.execute(query)]

    def settle(self, peer: str, at: int) -> None:
        """A person looked into it: what that peer held up to now counts no more."""
        here = (decoy_hits.c.peer == peer, decoy_hits.c.settled_at.is_(None))
        with self._database.writing() as connection:
            connection.execute(sa.update(decoy_hits).where(*here).values(settled_at=at))
