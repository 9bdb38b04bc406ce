"""The zones and their journal on disk: SQLite, one transaction a batch, so a restart goes on where it was.

    entries   what each order stands for: undo id, kind (in ``zone``), owner name and its part, value, end
    steps     which names came (+1) and went (-1) with which version; what IXFR is made of
    versions  every version that a secondary may still name; its serial is the version modulo 2^32 (RFC 1982)

The whole zone and its parts are views of the same entries and steps, so one change makes one version of all that it
concerns.

Several orders may stand behind one owner name; a name comes with the first and goes with the last. A version is never
smaller than the seconds since 1970, so a book that was lost and made anew is still ahead of its secondaries.
Transfers read through a snapshot of their own; nobody waits for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

import msgspec

from seawall.model import ObservableType, Unavailable
from seawall.protect.rpz.bounds import MAX_IXFR, MAX_JOURNAL
from seawall.protect.rpz.snapshot import Snapshot, version_of
from seawall.protect.rpz.zones import BLOCK, LED, ZONES, kind_of, part_of, zone_of_part

MAX_LEAP = 2**30  # a clock far in the future must not make secondaries take the next serial for an old one

_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    undo TEXT PRIMARY KEY, zone INTEGER NOT NULL, owner BLOB NOT NULL,
    kind TEXT NOT NULL, value TEXT NOT NULL, expires INTEGER NOT NULL, part INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT, zone INTEGER NOT NULL, version INTEGER NOT NULL,
    op INTEGER NOT NULL, owner BLOB NOT NULL, part INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS versions (zone INTEGER, version INTEGER, PRIMARY KEY (zone, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_INDEXES = """
CREATE INDEX IF NOT EXISTS entries_owner ON entries (zone, owner);
CREATE INDEX IF NOT EXISTS entries_part ON entries (zone, part, owner);
CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires);
CREATE INDEX IF NOT EXISTS steps_version ON steps (zone, version);
"""
_WORK = """
CREATE TEMP TABLE IF NOT EXISTS touched (
    undo TEXT PRIMARY KEY, zone INTEGER, owner BLOB, kind TEXT, value TEXT, expires INTEGER, part INTEGER
) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS concerned (
    zone INTEGER, owner BLOB, part INTEGER, was INTEGER, PRIMARY KEY (zone, owner)
) WITHOUT ROWID;
"""
_IS_THERE = (
    "(EXISTS (SELECT 1 FROM entries e WHERE e.zone = c.zone AND e.owner = c.owner) AND NOT"
    " (substr(c.owner, 1, 1) = x'ff' AND"
    " EXISTS (SELECT 1 FROM entries b WHERE b.zone = c.zone AND b.owner = substr(c.owner, 2))))"
)
"""What is blocked does not lead to the sinkhole besides, whatever another order says: a zone with both is no zone."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What one order stands for. ``zone``: BLOCK or WATCH; ``expires``: microseconds UTC."""

    undo: str
    zone: int
    owner: bytes
    kind: ObservableType
    value: str
    expires: int

    def row(self) -> tuple[str, int, bytes, str, str, int, int]:
        """As the tables hold it."""
        return (self.undo, self.zone, self.owner, self.kind.value, self.value, self.expires, part_of(self.owner))


class ZoneBook:
    """All zones of one primary. One thread at a time writes; ``terms``: what their records look like."""

    def __init__(self, path: Path, terms: str, at: int) -> None:
        """Raises Unavailable E-PROTECT-108 when the file cannot be used."""
        self._path = path
        self._lock = RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._writer.create_function("led", 1, LED.__add__, deterministic=True)
            self._writer.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;"
            )
            self._writer.executescript(_TABLES + "PRAGMA temp_store=MEMORY;" + _WORK)
            self._part()
            self._writer.executescript(_INDEXES)
            self._begin(terms, at)
            self._versions = {zone: version_of(self._writer, zone) for zone in ZONES}
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from None

    def version(self, zone: int) -> int:
        """The zone's version now; never waits for a writer."""
        return self._versions[zone]

    def count(self) -> int:
        """Orders held."""
        with self._lock:
            return int(self._writer.execute("SELECT COUNT(*) FROM entries").fetchone()[0])

    def snapshot(self, zone: int) -> Snapshot:
        """The zone as it is now, for reading in this thread."""
        connection = sqlite3.connect(self._path, isolation_level=None)
        return Snapshot(connection, zone)

    def change(self, puts: Iterable[Entry], gone: Iterable[str], at: int) -> set[int]:
        """Put entries in (or in place of those of their undo id) and take others out; the zones that changed, a part
        with its whole."""
        with self._transaction() as writer:
            writer.executemany("INSERT OR REPLACE INTO touched (undo) VALUES (?)", ((undo,) for undo in gone))
            rows = (entry.row() for entry in puts)
            writer.executemany("INSERT OR REPLACE INTO touched VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            return self._carry_out(writer, at)

    def replace(self, wanted: Iterable[Entry], at: int) -> tuple[int, int, set[int]]:
        """Make the book hold exactly these: how many were missing, how many too many, which zones changed.

        Asked every minute, and mostly nothing differs: rows are compared by their hashes, two numbers a row.
        """
        with self._lock:
            rows = self._writer.execute("SELECT * FROM entries")
            held = {hash(row[0]): hash(row) for row in rows}
            missing = [entry for entry in wanted if held.pop(hash(entry.undo), None) != hash(entry.row())]
            undos = self._writer.execute("SELECT undo FROM entries") if held else ()
            extra = [undo for (undo,) in undos if hash(undo) in held]
            changed = self.change(missing, extra, at) if missing or extra else set()
            return len(missing), len(extra), changed

    def expire(self, at: int) -> tuple[int, set[int]]:
        """Take out what has run out: how many, and which zones changed."""
        with self._lock:
            if self._writer.execute("SELECT 1 FROM entries WHERE expires <= ? LIMIT 1", (at,)).fetchone() is None:
                return 0, set()
            with self._transaction() as writer:
                over = writer.execute("INSERT INTO touched (undo) SELECT undo FROM entries WHERE expires <= ?", (at,))
                return over.rowcount, self._carry_out(writer, at)

    def about(self, owners: Sequence[tuple[int, bytes]]) -> dict[tuple[int, bytes], Entry]:
        """The entry behind each (zone, owner) that is held."""
        query = "SELECT undo, zone, owner, kind, value, expires FROM entries WHERE zone = ? AND owner = ? LIMIT 1"
        with self._lock:
            kept = ((zone, name) for zone, owner in owners for name in (LED + owner, owner))  # the block overwrites
            found = (self._writer.execute(query, key).fetchone() for key in kept)
            return {
                (row[1], row[2].removeprefix(LED)): Entry(
                    row[0], row[1], row[2], ObservableType(row[3]), row[4], row[5]
                )
                for row in found
                if row is not None
            }

    def note(self, key: str) -> str | None:
        """A small thing that shall outlive the process."""
        with self._lock:
            row = self._writer.execute("SELECT value FROM notes WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

    def write_note(self, key: str, value: str) -> None:
        """Keep a small thing."""
        with self._lock:
            self._writer.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._writer.close()

    def _part(self) -> None:
        """A book of before there were parts: each owner gets its own, and secondaries of the whole notice nothing."""
        columns = {row[1] for row in self._writer.execute("PRAGMA table_info(entries)")}
        if "part" in columns:
            return
        self._writer.create_function("part_of", 1, part_of, deterministic=True)
        self._writer.execute("BEGIN IMMEDIATE")
        for table in ("steps", "entries"):
            self._writer.execute(f"ALTER TABLE {table} ADD COLUMN part INTEGER NOT NULL DEFAULT 0")
            self._writer.execute(f"UPDATE {table} SET part = part_of(owner)")
        self._writer.execute("COMMIT")

    def _begin(self, terms: str, at: int) -> None:
        """A new book, or one whose records now look otherwise, starts a version that no journal leads to."""
        held = self._writer.execute("SELECT value FROM notes WHERE key = 'terms'").fetchone()
        same = held is not None and held[0] == terms
        new = [zone for zone in ZONES if not same or not version_of(self._writer, zone)]
        if not new:
            return
        with self._transaction() as writer:
            writer.execute("INSERT OR REPLACE INTO notes VALUES ('terms', ?)", (terms,))
            version = _next(writer, at)
            for zone in new:
                writer.execute("INSERT INTO versions VALUES (?, ?)", (zone, version))
            if not same:
                for zone in ZONES:
                    self._forget(writer, zone)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Raises Unavailable E-PROTECT-108 when the disk does not do its part."""
        with self._lock:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                for table in ("touched", "concerned"):
                    self._writer.execute(f"DELETE FROM {table}")
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException as error:
                self._undo()
                if isinstance(error, sqlite3.Error):
                    raise self._unusable(error) from None
                raise
            self._versions = {zone: version_of(self._writer, zone) for zone in ZONES}

    def _undo(self) -> None:
        with suppress(sqlite3.Error):  # closed, or the disk is gone: nothing of it was written
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")

    def _unusable(self, error: Exception) -> Unavailable:
        return Unavailable(
            "E-PROTECT-108", "Cannot keep the policy zones in {file}: {reason}.", file=self._path, reason=str(error)
        )

    def _carry_out(self, writer: sqlite3.Connection, at: int) -> set[int]:
        """Entries as ``touched`` says, and the steps that make of the names before the names after."""
        writer.execute(
            "INSERT OR IGNORE INTO concerned (zone, owner, part) SELECT e.zone, e.owner, e.part FROM touched t"
            " CROSS JOIN entries e ON e.undo = t.undo"
            " UNION SELECT zone, owner, part FROM touched WHERE zone IS NOT NULL"
        )
        if writer.execute("SELECT 1 FROM entries WHERE zone = 0 AND owner >= x'ff' LIMIT 1").fetchone() is not None:
            writer.execute(  # where a block comes or goes, what leads to the sinkhole goes or comes
                "INSERT OR IGNORE INTO concerned (zone, owner, part) SELECT e.zone, e.owner, e.part FROM concerned c"
                " CROSS JOIN entries e ON e.zone = c.zone AND e.owner = led(c.owner)"
            )
        writer.execute(f"UPDATE concerned AS c SET was = {_IS_THERE}")
        writer.execute("DELETE FROM entries WHERE undo IN (SELECT undo FROM touched)")
        writer.execute("INSERT INTO entries SELECT * FROM touched WHERE zone IS NOT NULL")
        writer.execute(f"DELETE FROM concerned AS c WHERE was = {_IS_THERE}")
        counts = dict(writer.execute("SELECT zone, COUNT(*) FROM concerned GROUP BY zone"))
        if not counts:
            return set()
        parts = writer.execute("SELECT DISTINCT part FROM concerned WHERE zone = ?", (BLOCK,))
        changed = {*counts, *(zone_of_part(part) for (part,) in parts)}
        version = _next(writer, at)
        moved = changed if version - _oldest(writer) <= MAX_LEAP else set(ZONES)  # none falls so far behind
        writer.executemany("INSERT INTO versions VALUES (?, ?)", ((zone, version) for zone in moved))
        for kind, count in counts.items():
            if count > MAX_IXFR:
                self._forget(writer, kind)
                continue
            writer.execute(
                "INSERT INTO steps (zone, version, op, owner, part)"
                " SELECT zone, ?, CASE WHEN was THEN -1 ELSE 1 END, owner, part FROM concerned WHERE zone = ?",
                (version, kind),
            )
            self._shorten(writer, kind)
        return moved

    def _forget(self, writer: sqlite3.Connection, kind: int) -> None:
        """The journal of the zones of a kind begins anew at their versions."""
        writer.execute("DELETE FROM steps WHERE zone = ?", (kind,))
        self._drop_versions(writer, kind, version_of(writer, kind))

    def _shorten(self, writer: sqlite3.Connection, kind: int) -> None:
        """Whole versions go from the front of the journal when it holds too many steps."""
        floor = writer.execute(
            "SELECT version FROM steps WHERE id <= (SELECT MAX(id) FROM steps) - ? AND zone = ?"
            " ORDER BY id DESC LIMIT 1",
            (MAX_JOURNAL, kind),
        ).fetchone()
        if floor is not None:
            writer.execute("DELETE FROM steps WHERE zone = ? AND version <= ?", (kind, floor[0]))
            self._drop_versions(writer, kind, floor[0])

    def _drop_versions(self, writer: sqlite3.Connection, kind: int, floor: int) -> None:
        """Versions below ``floor`` are no start any more, but each zone's own last one is."""
        for zone in ZONES:
            if kind_of(zone) == kind:
                least = min(floor, version_of(writer, zone))
                writer.execute("DELETE FROM versions WHERE zone = ? AND version < ?", (zone, least))


def _next(writer: sqlite3.Connection, at: int) -> int:
    """The next version of any zone: the seconds since 1970, or one more than the last when that is not less."""
    held = int(writer.execute("SELECT MAX(version) FROM versions").fetchone()[0] or 0)
    seconds = at // 1_000_000
    if held == 0:
        return max(seconds, 1)
    return seconds if 0 < seconds - held <= MAX_LEAP else held + 1


def _oldest(writer: sqlite3.Connection) -> int:
    """The version of the zone that has not changed for longest."""
    query = "SELECT MIN(version) FROM (SELECT MAX(version) AS version FROM versions GROUP BY zone)"
    return int(writer.execute(query).fetchone()[0])
