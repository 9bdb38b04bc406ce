"""The table of blast radii: a small database of its own beside the store, made from the lake and never backed up.

It is written in large pieces and read in microseconds while directives come in; in the store's own file those pieces
would keep everybody else from writing. Rows lie by key: an address's 16 bytes, a name with its labels reversed (so a
network and a name with everything below are one range each), a URL's SHA-256.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from seawall.model import Unavailable

FILE = "radius.sqlite"
FORM = "1"  # of the rows; another one is built anew
MOST_ROWS = 100_000
"""Rows of one network or name that an answer adds up: more than any block that the gate lets pass may touch."""

Row = tuple[int, int, int, int, int, int, int | None, int | None, int | None]
"""out, inn, alarms, hosts, bits, alarm_bits, first, last, first_alarm: the fields of ``protect.radius.Met``."""
Added = tuple[bytes, int, int, int, int, int, int, int | None, int | None, int | None]
"""A key, then a row."""

_MAKE = (
    "CREATE TABLE IF NOT EXISTS met (key BLOB PRIMARY KEY, out INTEGER, inn INTEGER, alarms INTEGER, hosts INTEGER, "
    "bits INTEGER, alarm_bits INTEGER, first INTEGER, last INTEGER, first_alarm INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_ADD = (
    "INSERT INTO met VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET out = out + excluded.out, "
    "inn = inn + excluded.inn, alarms = alarms + excluded.alarms, hosts = max(hosts, excluded.hosts), "
    "bits = bits | excluded.bits, alarm_bits = alarm_bits | excluded.alarm_bits, "
    "first = min(ifnull(first, excluded.first), ifnull(excluded.first, first)), "
    "last = max(ifnull(last, excluded.last), ifnull(excluded.last, last)), "
    "first_alarm = min(ifnull(first_alarm, excluded.first_alarm), ifnull(excluded.first_alarm, first_alarm))"
)
_COLUMNS = "out, inn, alarms, hosts, bits, alarm_bits, first, last, first_alarm"
_ONE = f"SELECT {_COLUMNS} FROM met WHERE key = ?"
_RANGE = f"SELECT {_COLUMNS} FROM met WHERE key >= ? AND key <= ? LIMIT {MOST_ROWS}"


class RadiusState(msgspec.Struct, frozen=True):
    """What the table was built from. Moments in microseconds UTC."""

    built_at: int
    generation: int  # of the lake
    day: int  # the UTC day (since 1970-01-01) when it was last built from nothing
    first: int | None
    last: int | None
    sessions: int
    days: int
    form: str = FORM


def address_key(number: int) -> bytes:
    """The key of an address in the 128-bit space (IPv4 is IPv4-mapped)."""
    return b"a" + number.to_bytes(16, "big")


def name_key(name: str) -> bytes:
    """The key of a domain name."""
    return b"d" + ".".join(reversed(name.split("."))).encode("utf-8", "replace")


def reversed_name_key(name: str) -> bytes:
    """The key of a domain name whose labels are reversed already."""
    return b"d" + name.encode("utf-8", "replace")


def url_key(url: str) -> bytes:
    """The key of a URL."""
    return b"u" + hashlib.sha256(url.encode("utf-8", "replace")).digest()


class RadiusTable:
    """The table, open for reading; ``building`` and ``adding`` write it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / FILE
        self._connection: sqlite3.Connection | None = None
        self._file: int | None = None
        self._lock = Lock()  # the schedule builds while doors ask

    def state(self) -> RadiusState | None:
        """What the table stands on; None before it was built, or when it was built by another version."""
        row = self._ask("SELECT value FROM about WHERE name = 'state'", ())
        state = msgspec.json.decode(row[0][0], type=RadiusState) if row else None
        return state if state is not None and state.form == FORM else None

    def met(self, key: bytes) -> list[Row]:
        """The row of one key, if there is one."""
        return self._ask(_ONE, (key,))

    def met_between(self, first: bytes, last: bytes) -> list[Row]:
        """The rows from ``first`` to ``last``, both included; at most ``MOST_ROWS``."""
        return self._ask(_RANGE, (first, last))

    def met_below(self, name: str) -> list[Row]:
        """The rows of a name and of every name below it."""
        key = name_key(name)
        return self.met(key) + self._ask(_RANGE, (key + b".", key + b".\xff"))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def building(self) -> Iterator[RadiusWriting]:
        """Build the table from nothing; it takes the place of the former one at the end, or not at all."""
        part = self._path.with_suffix(".new")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(part, isolation_level=None)) as connection:
                for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
                    connection.execute(f"PRAGMA {pragma}")
                yield RadiusWriting(connection)
            part.chmod(0o600)
            part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)
            self.close()

    @contextmanager
    def adding(self) -> Iterator[RadiusWriting]:
        """Add to the table, as one transaction."""
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=30)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield RadiusWriting(connection)
            connection.execute("COMMIT")

    def _ask(self, query: str, values: tuple[bytes, ...]) -> list[Any]:
        with self._lock:
            connection = self._open()
            return [] if connection is None else _asked(connection, query, values)

    def _open(self) -> sqlite3.Connection | None:
        """The file that stands there now: a build puts another one in its place."""
        try:
            file = self._path.stat().st_ino
        except OSError:
            self._let_go()
            return None
        if self._connection is None or file != self._file:
            self._let_go()
            address = f"file:{self._path}?mode=ro"
            self._connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
            self._file = file
        return self._connection


class RadiusWriting:
    """The table while somebody writes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for statement in _MAKE:
            connection.execute(statement)

    def add(self, rows: Iterable[Added]) -> None:
        """Add what was met: key, then the columns of ``Row``."""
        own = not self._connection.in_transaction
        if own:
            self._connection.execute("BEGIN")
        self._connection.executemany(_ADD, rows)
        if own:
            self._connection.execute("COMMIT")

    def settle(self, state: RadiusState) -> None:
        """Say what the table stands on now."""
        text = msgspec.json.encode(state).decode()
        self._connection.execute("INSERT OR REPLACE INTO about VALUES ('state', ?)", (text,))


def _asked(connection: sqlite3.Connection, query: str, values: tuple[bytes, ...]) -> list[Any]:
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise Unavailable(
            "E-STORE-320",
            "The table of blast radii cannot be read: {reason}; 'seawall run radius' builds it anew.",
            reason=str(error)[:100],
        ) from None
