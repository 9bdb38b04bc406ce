"""What each peer sent us: the answer to "what would they know that we know?" and to a recall."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from seawall.store.ancestry import insert_new
from seawall.store.database import Database
from seawall.store.tables import received
from seawall.store.values import bounded, clean


class Received:
    """The group ``store.received``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, origin: str, circle: str, objects: Iterable[tuple[str, str]], at: int) -> None:
        """Note that ``origin`` sent these (object id, version) in ``circle``; the first time counts."""
        rows: list[dict[str, object]] = [
            {"origin": origin, "circle": circle, "object_id": clean(id), "version": clean(version), "at": at}
            for id, version in objects
        ]
        if not rows:
            return
        with self._database.writing() as connection:
            insert_new(connection, received, rows)

    def origins(self, object_id: str) -> frozenset[str]:
        """The peers that sent any version of this object."""
        query = sa.select(received.c.origin).where(received.c.object_id == object_id)
        with self._database.reading() as connection:
            return frozenset(connection.execute(query).scalars())

    def first_at(self, origin: str, object_id: str, version: str) -> int | None:
        """When ``origin`` first sent this version, in microseconds UTC; None: it did not."""
        query = sa.select(sa.func.min(received.c.at)).where(
            received.c.origin == origin, received.c.object_id == clean(object_id), received.c.version == clean(version)
        )
        with self._database.reading() as connection:
            at: int | None = connection.execute(query).scalar()
        return at

    def known_to(self, origin: str, object_ids: Iterable[str]) -> frozenset[str]:
        """Which of these objects ``origin`` itself sent us."""
        wanted = sorted(set(object_ids))
        found: set[str] = set()
        with self._database.reading() as connection:
            for start in range(0, len(wanted), 500):
                query = sa.select(received.c.object_id).where(
                    received.c.origin == origin, received.c.object_id.in_(wanted[start : start + 500])
                )
                found.update(connection.execute(query).scalars())
        return frozenset(found)

    def from_peer(
        self, origin: str, *, after: int = 0, limit: int = 1000
    ) -> tuple[tuple[int, str, str, str, int], ...]:
        """Rows (number, circle, object id, version, moment) behind ``after``, in order of arrival."""
        query = (
            sa.select(received)
            .where(received.c.origin == origin, received.c.number > after)
            .order_by(received.c.number)
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple((row.number, row.circle, row.object_id, row.version, row.at) for row in rows)
