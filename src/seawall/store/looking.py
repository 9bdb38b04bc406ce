"""A cheap look at whether anything in the store has changed since the last one, by whichever process.

SQLite counts the commits of other connections (``PRAGMA data_version``, some microseconds); PostgreSQL tells the
snapshot of now, which moves with every transaction that wrote.
"""

from __future__ import annotations

import sqlite3
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from seawall.store.database import Database
from seawall.store.faults import told
from seawall.store.tables import outboxes


class Look:
    """Remembers what the last look saw. One thread uses it; ``close`` it."""

    def __init__(self, database: Database) -> None:
        """Nothing is opened yet."""
        self._database = database
        self._own: sqlite3.Connection | None = None
        self._last: object = None

    def changed(self) -> bool:
        """Whether something was written since the last look; the first look says yes. In memory: always.

        Raises Fault E-STORE-003 to -006 when the store cannot be asked; the next look says yes then.
        """
        last, self._last = self._last, None
        try:
            seen = self._seen()
        except BaseException:
            self.close()
            raise
        self._last = seen
        return seen is None or seen != last

    def heads(self) -> dict[str, int]:
        """Each circle's last date-added, whoever it was for."""
        with self._database.reading() as connection:
            return {row.circle: int(row.last_added) for row in connection.execute(sa.select(outboxes))}

    def close(self) -> None:
        """Close the connection that looks; a further look opens another."""
        self._last = None
        if self._own is not None:
            self._own.close()
            self._own = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _seen(self) -> object:
        if not self._database.is_sqlite:
            with self._database.reading() as connection:
                return connection.execute(sa.text("SELECT CAST(pg_current_snapshot() AS TEXT)")).scalar_one()
        if self._database.file is None:
            return None
        with told(self._database.where):
            if self._own is None:
                self._own = self._database.raw_connection(mode="ro")
            return int(self._own.execute("PRAGMA data_version").fetchone()[0])
