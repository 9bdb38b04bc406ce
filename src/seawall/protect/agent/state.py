"""What the agent knows, on disk before any tool hears of it: whatever is killed when, the next start repairs the tools.

One SQLite file (stdlib, WAL, synchronous=FULL: each commit is on disk when it returns). State before tool: an order
that reached only the state is put into the tools by the next comparison; one that reached only a tool would be known
to nobody, and would end by the kernel's clock alone. A snapshot is gathered beside the orders in force and takes their
place in one transaction, so a connection that breaks in the middle changes nothing.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import overload

from seawall.model import ObservableType, Unavailable
from seawall.model.agent import Outcome
from seawall.model.order import Order
from seawall.model.unreadable import UNREADABLE
from seawall.protect.agent.rows import SCHEMA, Held, as_held, as_row, decode, insert

__all__ = ["FILE", "AgentState", "Held", "Orders"]
FILE = "state.sqlite"
PAGE = 2_000  # orders read at once


class AgentState:
    """The state in ``folder``; threads share it, each call is one transaction."""

    def __init__(self, folder: Path) -> None:
        """Open or make it. Raises Unavailable E-PROTECT-044 when the disk does not let us."""
        self._lock = threading.RLock()
        self._path = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=10)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from None

    def close(self) -> None:
        """End it; everything is on disk already."""
        with self._lock:
            self._database.close()

    def fact(self, name: str) -> str | None:
        """A small thing remembered under a name; None when there is none."""
        with self._reading() as database:
            row = database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, **facts: str | int | None) -> None:
        """Remember small things, together; None forgets."""
        with self._writing() as database:
            _note(database, facts)

    @property
    def sequence(self) -> int | None:
        """The number up to which the book was followed; None: never."""
        value = self.fact("sequence")
        return None if value is None else int(value)

    def take(self, held: Iterable[Held], gone: Iterable[str], sequence: int, **facts: str | int | None) -> None:
        """Put orders in, take others out, and stand at ``sequence``: all of it or nothing."""
        with self._writing() as database:
            database.executemany("DELETE FROM orders WHERE undo_id = ?", ((name,) for name in gone))
            database.executemany(insert("orders"), map(as_row, held))
            _note(database, {"sequence": sequence, **facts})

    def change(self, held: Iterable[Held], gone: Iterable[str]) -> None:
        """As ``take``, without a word of the node: its number stays."""
        with self._writing() as database:
            database.executemany("DELETE FROM orders WHERE undo_id = ?", ((name,) for name in gone))
            database.executemany(insert("orders"), map(as_row, held))

    def gather(self, held: Iterable[Held], *, first: bool) -> None:
        """One page of a snapshot, beside what is in force; ``first`` forgets an earlier one that broke off."""
        with self._lock:
            self._database.execute("PRAGMA synchronous = NORMAL")  # worth nothing before its last page: no fsync
            try:
                with self._writing() as database:
                    if first:
                        database.execute("DELETE FROM incoming")
                    database.executemany(insert("incoming"), map(as_row, held))
            finally:
                self._database.execute("PRAGMA synchronous = FULL")

    def gathered(self) -> dict[ObservableType, int]:
        """How many of each type the snapshot so far puts in force."""
        return self._counts("incoming")

    def settle(self, sequence: int, **facts: str | int | None) -> None:
        """What was gathered is now what is held, and stands at ``sequence``."""
        with self._writing() as database:
            database.execute("DELETE FROM orders")
            database.execute("INSERT INTO orders SELECT * FROM incoming")
            database.execute("DELETE FROM incoming")
            _note(database, {"sequence": sequence, "least": None, **facts})

    def several(self, undo_ids: Sequence[str]) -> dict[str, Held]:
        """Those of these orders that are held."""
        found = {}
        with self._reading() as database:
            for name in undo_ids:
                row = database.execute(
                    "SELECT body, sequence, problem, detail FROM orders WHERE undo_id = ?", (name,)
                ).fetchone()
                if row is not None:
                    found[name] = as_held(row)
        return found

    def in_force(self, at: int) -> Orders:
        """Every order that acts here at ``at``, read from the disk each time it is walked through."""
        return Orders(self, at)

    def counts(self) -> dict[ObservableType, int]:
        """How many of each type act here (or will)."""
        return self._counts("orders")

    def refused(self) -> int:
        """How many do not act here because the limits say so."""
        with self._reading() as database:
            return int(database.execute("SELECT count(*) FROM orders WHERE problem != ''").fetchone()[0])

    def problems(self, limit: int) -> list[Outcome]:
        """The first of these, with the reason."""
        query = "SELECT sequence, undo_id, problem, detail FROM orders WHERE problem != '' LIMIT ?"
        with self._reading() as database:
            return [Outcome(*row) for row in database.execute(query, (limit,))]

    def held(self, after: str, limit: int, *, refused: bool) -> list[Held]:
        """Held orders behind ``after``, by name, to be judged again; ``refused``: only those that do not act."""
        only = "AND problem != ''" if refused else ""
        query = f"SELECT body, sequence, problem, detail FROM orders WHERE undo_id > ? {only} ORDER BY undo_id LIMIT ?"
        with self._reading() as database:
            return [as_held(row) for row in database.execute(query, (after, limit))]

    def beginning(self, after: int, until: int) -> list[Held]:
        """What begins to act in (``after``, ``until``]."""
        query = "SELECT body, sequence, problem, detail FROM orders WHERE starts_at > ? AND starts_at <= ?"
        with self._reading() as database:
            return [as_held(row) for row in database.execute(query, (after, until))]

    def expire(self, at: int, limit: int) -> list[Held]:
        """Forget what has run out by ``at``, at most so many at once; what it was."""
        query = "SELECT body, sequence, problem, detail FROM orders WHERE expires_at <= ? LIMIT ?"
        with self._lock:
            with self._reading() as database:
                over = [as_held(row) for row in database.execute(query, (at, limit))]
            if over:
                self.change((), (held.order.undo_id for held in over))
        return over

    def page(self, at: int, after: str) -> list[tuple[str, Order]]:
        """The next orders that act at ``at``, by name."""
        query = """SELECT undo_id, body FROM orders WHERE undo_id > ? AND problem = '' AND starts_at <= ?
            AND expires_at > ? ORDER BY undo_id LIMIT ?"""
        with self._reading() as database:
            return [(row[0], decode(row[1])) for row in database.execute(query, (after, at, at, PAGE))]

    def number(self, at: int) -> int:
        """How many act at ``at``."""
        query = "SELECT count(*) FROM orders WHERE problem = '' AND starts_at <= ? AND expires_at > ?"
        with self._reading() as database:
            return int(database.execute(query, (at, at)).fetchone()[0])

    def _counts(self, table: str) -> dict[ObservableType, int]:
        query = f"SELECT type, count(*) FROM {table} WHERE problem = '' GROUP BY type"
        with self._reading() as database:
            return {ObservableType(kind): int(count) for kind, count in database.execute(query)}

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._database
            except (sqlite3.Error, *UNREADABLE) as error:
                raise self._unusable(error) from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("COMMIT")
            except BaseException as error:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise self._unusable(error) from None
                raise

    def _unusable(self, error: Exception) -> Unavailable:
        return Unavailable(
            "E-PROTECT-044", "The agent's state {path} cannot be used: {reason}.", path=self._path, reason=error
        )


class Orders(Sequence[Order]):
    """Orders on disk as a sequence, a page at a time in memory: what drivers compare their tools with."""

    def __init__(self, state: AgentState, at: int) -> None:
        self._state = state
        self._at = at

    def __iter__(self) -> Iterator[Order]:
        """By name; what changes meanwhile comes to the tool once more as a change."""
        after = ""
        while page := self._state.page(self._at, after):
            yield from (order for _, order in page)
            after = page[-1][0]

    def __len__(self) -> int:
        """How many act now."""
        return self._state.number(self._at)

    @overload
    def __getitem__(self, index: int) -> Order: ...
    @overload
    def __getitem__(self, index: slice) -> list[Order]: ...
    def __getitem__(self, index: int | slice) -> Order | list[Order]:
        """As a list would; it reads everything."""
        return list(self)[index]


def _note(database: sqlite3.Connection, facts: dict[str, str | int | None]) -> None:
    for name, value in facts.items():
        if value is None:
            database.execute("DELETE FROM facts WHERE name = ?", (name,))
        else:
            database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, str(value)))
