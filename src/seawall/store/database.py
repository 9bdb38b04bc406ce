"""One database, SQLite or PostgreSQL: connections, short transactions, and rising numbers."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from seawall.identity.sealing import Box
from seawall.model import Fault
from seawall.store import cipher
from seawall.store.faults import told
from seawall.store.tables import counters

BUSY_TIMEOUT_SECONDS = 60.0  # longer than the longest write of ours: one batch of indicators takes under two seconds
CACHE_KIBIBYTES = 64 * 1024  # a connection's page cache: the key index of a million indicators
CHECKPOINT_PAGES = 10_000  # 40 MB of log before it is folded back: bulk loads rewrite index pages less often
POOL_SIZE = 8  # connections kept by one process; request handlers wait for each other beyond twice that


class Database:
    """Connections to one store. ``reading()`` is a snapshot, ``writing()`` a short exclusive transaction."""

    def __init__(self, url: str, names: Box | None = None) -> None:
        """Prepare the connection; nothing is opened yet. ``names`` seals the columns that name peers.

        Raises Fault E-STORE-001 when ``url`` is neither SQLite nor PostgreSQL, E-STORE-002 when the PostgreSQL
        driver is not installed.
        """
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._key = str(self.url.password) if self.is_sqlite and self.url.password else None
        if self._key is not None:
            self.url = URL.create("sqlite", database=self.url.database, query=self.url.query)
        self.names = names
        self.where = self.url.render_as_string(hide_password=True)
        self.engine = self._sqlite_engine() if self.is_sqlite else self._postgres_engine()

    @property
    def file(self) -> Path | None:
        """The database file; None for a server or an in-memory store."""
        name = self.url.database
        return Path(name) if self.is_sqlite and name and name != ":memory:" else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read transaction: one consistent snapshot."""
        with told(self.where), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A write transaction, committed at the end, rolled back on an exception.

        ``durable``: on disk before the block ends, also after a power failure. Bulk knowledge that can be imported
        again passes False: SQLite then survives a killed process, but may lose the last moments of a power failure.
        """
        with told(self.where), self.engine.connect() as connection:
            connection = connection.execution_options(seawall_writing="durable" if durable else "bulk")
            with connection.begin():
                yield connection

    def numbers(self, connection: Connection, name: str, count: int) -> int:
        """Reserve ``count`` rising numbers of the series ``name``; returns the first.

        The row stays locked until the transaction ends, so numbers become visible in their own order: a reader that
        has seen N has seen everything up to N.
        """
        taken = connection.execute(
            sa.update(counters)
            .where(counters.c.name == name)
            .values(value=counters.c.value + count)
            .returning(counters.c.value)
        ).scalar_one()
        return int(taken) - count + 1

    def current(self, connection: Connection, name: str) -> int:
        """The last number given in the series ``name``; 0 before the first."""
        value = connection.execute(sa.select(counters.c.value).where(counters.c.name == name)).scalar_one()
        return int(value)

    def scrub(self, tables: Sequence[str]) -> None:
        """Leave nothing of deleted and replaced rows of ``tables``: neither in free pages nor in the log."""
        if self.is_sqlite:
            with told(self.where), closing(self.raw_connection()) as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return
        with told(self.where), self.engine.connect() as plain:
            autocommit = plain.execution_options(isolation_level="AUTOCOMMIT")
            for name in tables:
                autocommit.exec_driver_sql(f"VACUUM FULL {name}")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @property
    def is_sealed(self) -> bool:
        """Whether every page of the file is encrypted."""
        return self._key is not None

    def raw_connection(self, file: Path | None = None, *, mode: str = "rwc") -> sqlite3.Connection:
        """A connection of its own to the database file, or to another ``file`` under the same key; in autocommit."""
        place = file or self.file
        name = ":memory:" if place is None else f"{place.absolute().as_uri()}?mode={mode}"
        if self._key is not None:
            return cipher.connect(name, self._key, timeout=BUSY_TIMEOUT_SECONDS)
        return sqlite3.connect(name, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)

    def _sqlite_engine(self) -> Engine:
        if self.file is None:
            # one connection shared by all: an in-memory database lives only as long as it
            pool: dict[str, Any] = {"poolclass": sa.pool.StaticPool}
        else:
            pool = {"pool_size": POOL_SIZE, "max_overflow": POOL_SIZE}
        if self._key is None:
            pool["connect_args"] = {
                "timeout": BUSY_TIMEOUT_SECONDS,
                "check_same_thread": False,
                "isolation_level": None,
            }
        else:  # a key must be given before SQLAlchemy asks the first question
            pool |= {"module": cipher.driver(), "creator": self.raw_connection}
        engine = sa.create_engine(self.url, **pool)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _postgres_engine(self) -> Engine:
        try:
            return sa.create_engine(self.url, pool_size=POOL_SIZE, max_overflow=POOL_SIZE, pool_pre_ping=True)
        except ModuleNotFoundError:
            raise Fault(
                "E-STORE-002", "PostgreSQL needs its driver; install it with 'pip install seawall[postgres]'."
            ) from None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in ("sqlite", "postgresql", "postgresql+psycopg"):
        raise Fault(
            "E-STORE-001",
            "The store's address is not understood; use sqlite:////path/to/file or postgresql+psycopg://user@host/name.",
        )
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def create_private_file(path: Path) -> None:
    """Make the folder and an empty file that only its owner may read: the store holds accounts and others' secrets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: Any, record: object) -> None:
    """Settings that last for one connection."""
    del record
    for pragma in (
        f"busy_timeout = {int(BUSY_TIMEOUT_SECONDS * 1000)}",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        f"cache_size = -{CACHE_KIBIBYTES}",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Writers take the write lock at once (no upgrade, so no lost race); readers take a snapshot."""
    writing = connection.get_execution_options().get("seawall_writing")
    if writing is None:
        # straight to the driver: every look-up says this word
        connection.connection.driver_connection.execute("BEGIN")  # type: ignore[union-attr]
        return
    # FULL syncs the log at each commit, NORMAL only when it is folded back; it cannot change inside a transaction
    connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if writing == 'durable' else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
