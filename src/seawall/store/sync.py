"""How far the exchange with each peer has come."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.database import Database
from seawall.store.replace import replace
from seawall.store.tables import cursors
from seawall.store.values import clean


class Sync:
    """The group ``store.sync``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursor(self, peer: str, circle: str, direction: str) -> str | None:
        """Where the last exchange stopped, as ``set_cursor`` noted it; None before the first."""
        query = sa.select(cursors.c.value).where(
            cursors.c.peer == peer, cursors.c.circle == circle, cursors.c.direction == direction
        )
        with self._database.reading() as connection:
            value: str | None = connection.execute(query).scalar()
            return value

    def set_cursor(self, peer: str, circle: str, direction: str, value: str) -> None:
        """Note where an exchange stopped, after what it brought is stored: a repeat is harmless, a gap is not."""
        with self._database.writing() as connection:
            row = {"peer": peer, "circle": circle, "direction": direction, "value": clean(value)}
            replace(connection, cursors, row)

    def forget(self, peer: str) -> None:
        """Drop a peer's cursors; the next exchange starts from the beginning."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(cursors).where(cursors.c.peer == peer))
