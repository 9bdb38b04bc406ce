"""Small facts a node remembers under a key."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from seawall.store.database import Database
from seawall.store.replace import replace
from seawall.store.tables import notes

_VALUE = sa.select(notes.c.value).where(notes.c.key == sa.bindparam("key"))
_VALUES = sa.select(notes.c.key, notes.c.value).where(notes.c.key.in_(sa.bindparam("keys", expanding=True)))
"""Made once: every request asks it, and making a statement takes longer than answering it."""


class Notes:
    """The group ``store.notes``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        """The value last set; None when there is none."""
        with self._database.reading() as connection:
            value: str | None = connection.execute(_VALUE, {"key": key}).scalar()
            return value

    def several(self, keys: Sequence[str]) -> dict[str, str]:
        """The values of these keys, asked for together; keys that were never set are left out."""
        with self._database.reading() as connection:
            rows = connection.execute(_VALUES, {"keys": list(keys)}).all()
        return {row.key: row.value for row in rows}

    def set(self, key: str, value: str) -> None:
        """Remember ``value`` under ``key``."""
        with self._database.writing() as connection:
            replace(connection, notes, {"key": key, "value": value})

    def delete(self, key: str) -> None:
        """Forget the key; unknown keys are forgotten already."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(notes).where(notes.c.key == key))
