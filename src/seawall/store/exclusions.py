"""What people here said must never enter an overlap: ongoing operations, and whatever else must stay unasked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from seawall.store.ancestry import insert_new
from seawall.store.book_tables import overlap_exclusions
from seawall.store.database import Database
from seawall.store.values import clean

CHUNK = 500  # values of one statement


class Exclusions:
    """The group ``store.exclusions``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, values: Iterable[tuple[str, str]], at: int, by: str) -> int:
        """Keep (type, canonical value) on the list; how many were not on it. On disk when this returns."""
        wanted = sorted({(type, clean(value)) for type, value in values})
        new = set(wanted) - {(type, value) for type, value, _, _ in self.list()}
        rows: list[dict[str, object]] = [
            {"type": type, "value": value, "added_at": at, "added_by": by} for type, value in wanted
        ]
        with self._database.writing() as connection:
            for start in range(0, len(rows), CHUNK):
                insert_new(connection, overlap_exclusions, rows[start : start + CHUNK])
        return len(new)

    def remove(self, values: Iterable[tuple[str, str]]) -> int:
        """Take (type, value) off the list; how many were on it."""
        table, gone = overlap_exclusions, 0
        with self._database.writing() as connection:
            for type, value in values:
                here = (table.c.type == type, table.c.value == clean(value))
                gone += connection.execute(sa.delete(table).where(*here)).rowcount
        return gone

    def list(self) -> Sequence[tuple[str, str, int, str]]:
        """(type, value, added at, added by) of all, by type and value."""
        query = sa.select(overlap_exclusions).order_by(overlap_exclusions.c.type, overlap_exclusions.c.value)
        with self._database.reading() as connection:
            return [(row.type, row.value, row.added_at, row.added_by) for row in connection.execute(query)]
