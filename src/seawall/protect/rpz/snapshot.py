"""A zone as it was at one moment, read from the book on disk while others write: what a transfer is made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from seawall.protect.rpz.bounds import MAX_IXFR
from seawall.protect.rpz.widest import IN_ZONE, Widest
from seawall.protect.rpz.zones import kind_of, part_of_zone

MODULUS = 2**32  # serials (RFC 1982)
BATCH = 2_000  # names read at a time


class Snapshot:
    """The zones at one moment, for one transfer; close it soon."""

    def __init__(self, connection: sqlite3.Connection, zone: int) -> None:
        self._connection, self._zone = connection, zone
        part = part_of_zone(zone)
        self._here = "zone = ?" if part is None else "zone = ? AND part = ?"
        self._which: tuple[int, ...] = (kind_of(zone),) if part is None else (kind_of(zone), part)
        connection.execute("BEGIN")
        self.version = version_of(connection, zone)
        self._widest = Widest(connection, self._here, self._which)

    def owners(self) -> Iterator[list[bytes]]:
        """All names of the zone that lie below no other of it, each once, in portions."""
        query = f"SELECT DISTINCT owner FROM entries e WHERE {self._here} AND {IN_ZONE}"
        found = self._connection.execute(query, self._which)
        while portion := found.fetchmany(BATCH):
            yield self._widest.only([owner for (owner,) in portion])

    def holds_nothing_newer(self, serial: int) -> bool:
        """Whether who has this serial is not behind, as RFC 1982 section 3.2 compares."""
        behind = (self.version - serial) % MODULUS
        return behind == 0 or behind >= MODULUS // 2

    def since(self, serial: int) -> tuple[list[bytes], list[bytes]] | None:
        """Names that went and names that came since an earlier serial; None when the journal does not tell."""
        base = self.version - (self.version - serial) % MODULUS
        known = "SELECT 1 FROM versions WHERE zone = ? AND version = ?"
        if self._connection.execute(known, (self._zone, base)).fetchone() is None:
            return None
        rows = self._connection.execute(
            f"SELECT owner, SUM(op) AS net FROM steps WHERE {self._here} AND version > ?"
            " GROUP BY owner HAVING net <> 0 LIMIT ?",
            (*self._which, base, MAX_IXFR + 1),
        ).fetchall()
        if len(rows) > MAX_IXFR:
            return None
        gone, came = ([owner for owner, net in rows if net * way > 0] for way in (-1, 1))
        return self._widest.between(gone, came)

    def close(self) -> None:
        """End the snapshot."""
        self._connection.close()


def version_of(connection: sqlite3.Connection, zone: int) -> int:
    """The zone's version; 0 when it has none yet."""
    return int(connection.execute("SELECT MAX(version) FROM versions WHERE zone = ?", (zone,)).fetchone()[0] or 0)
