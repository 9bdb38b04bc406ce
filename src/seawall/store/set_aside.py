"""What was set aside of one peer: out of every view, match and block, and whole, so that it can be given back."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from seawall.store.ancestry import insert_new
from seawall.store.database import Database
from seawall.store.notice_tables import set_aside
from seawall.store.values import bounded, clean


class SetAside:
    """The group ``store.set_aside``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, peer: str, items: Iterable[tuple[str, str, bytes]], at: int) -> None:
        """Keep (kind, key, body) of a peer; one that is there already stays as it was. On disk when this returns."""
        rows: list[dict[str, object]] = [
            {"peer": peer, "kind": kind, "key": clean(key), "body": body, "at": at} for kind, key, body in items
        ]
        with self._database.writing() as connection:
            for start in range(0, len(rows), 500):
                insert_new(connection, set_aside, rows[start : start + 500])

    def list(self, peer: str, *, after: int = 0, limit: int = 1_000) -> tuple[tuple[int, str, bytes], ...]:
        """(number, kind, body) behind a number, in order."""
        query = (
            sa.select(set_aside.c.number, set_aside.c.kind, set_aside.c.body)
            .where(set_aside.c.peer == peer, set_aside.c.number > after)
            .order_by(set_aside.c.number)
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple((row.number, row.kind, bytes(row.body)) for row in connection.execute(query))

    def counts(self, peer: str) -> dict[str, int]:
        """How many of each kind are set aside."""
        query = (
            sa.select(set_aside.c.kind, sa.func.count())
            .where(set_aside.c.peer == peer)
            .group_by(set_aside.c.kind)
            .order_by(set_aside.c.kind)
        )
        with self._database.reading() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query)}

    def clear(self, peer: str) -> None:
        """Forget what was set aside of a peer, after it was given back or for good."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(set_aside).where(set_aside.c.peer == peer))
