"""The one file in which a relay keeps things: SQLite, flushed at every change, overwritten on deletion.

Random ids, SHA-256 of tokens, sealed bytes, expiries. No column says who, from where or when something came.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from seawall.model import Unavailable

BOOKS = "books.sqlite"
VERSION = 1
BUSY_SECONDS = 30.0
SCHEMA = """
CREATE TABLE mailbox (
    id BLOB PRIMARY KEY, read_token BLOB NOT NULL, write_token BLOB NOT NULL,
    bytes INTEGER NOT NULL, messages INTEGER NOT NULL, message_bytes INTEGER NOT NULL, revoked INTEGER NOT NULL
) STRICT;
CREATE TABLE message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, mailbox BLOB NOT NULL REFERENCES mailbox (id), id BLOB NOT NULL UNIQUE,
    digest BLOB NOT NULL, expires INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL,
    UNIQUE (mailbox, digest)
) STRICT;
CREATE INDEX message_order ON message (mailbox, seq, expires, size);
CREATE INDEX message_expiry ON message (expires);
CREATE TABLE ledger (
    origin TEXT PRIMARY KEY, key TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE fork (
    seq INTEGER PRIMARY KEY, origin TEXT NOT NULL, reason TEXT NOT NULL, held TEXT NOT NULL, given TEXT NOT NULL,
    UNIQUE (origin, given)
) STRICT;
CREATE TABLE pair (id BLOB PRIMARY KEY, revoked INTEGER NOT NULL) STRICT;
CREATE TABLE party (token BLOB PRIMARY KEY, pair BLOB NOT NULL REFERENCES pair (id), side INTEGER NOT NULL) STRICT;
CREATE TABLE round (
    pair BLOB NOT NULL REFERENCES pair (id), id BLOB NOT NULL, expires INTEGER NOT NULL,
    day INTEGER, answer INTEGER, left INTEGER, PRIMARY KEY (pair, id)
) STRICT;
CREATE TABLE given (
    pair BLOB NOT NULL, round BLOB NOT NULL, side INTEGER NOT NULL, digest BLOB NOT NULL, tags BLOB,
    PRIMARY KEY (pair, round, side)
) STRICT;
"""


def digest_of(data: bytes) -> bytes:
    """What is kept of a token, and by which equal messages are known: SHA-256."""
    return hashlib.sha256(data).digest()


class Books:
    """The open file. One thread at a time; several processes may have it open."""

    def __init__(self, folder: Path) -> None:
        """Opens it, and makes it when there is none. Raises Unavailable E-EXCHANGE-793 when it is damaged."""
        self.path = folder / BOOKS
        if not self.path.exists():
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        try:
            self.db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self.db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA synchronous = FULL")
            self.db.execute("PRAGMA secure_delete = ON")
            self.db.execute("PRAGMA foreign_keys = ON")
            self._furnish()
        except sqlite3.DatabaseError as error:
            raise damaged(self.path, error) from None

    def _furnish(self) -> None:
        with self.change() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == VERSION:
                return
            if version != 0:
                raise damaged(self.path, ValueError(f"version {version}"))
            for statement in SCHEMA.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on the disk when it ends; nothing of it when an error ends it."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def wipe(self) -> None:
        """Give back and overwrite what was deleted, also in the write-ahead log."""
        self.db.execute("PRAGMA incremental_vacuum").fetchall()
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def check(self) -> str:
        """``ok``, or what SQLite finds wrong."""
        try:
            return str(self.db.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.DatabaseError as error:
            return str(error)

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def __enter__(self) -> Self:
        """The open file."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()


def damaged(path: Path, error: Exception) -> Unavailable:
    """The fault for a file that cannot be read."""
    return Unavailable(
        "E-EXCHANGE-793",
        "The relay's books {path} cannot be used: {reason}. Restore them, or move them away to begin with empty ones.",
        path=path,
        reason=error,
    )
