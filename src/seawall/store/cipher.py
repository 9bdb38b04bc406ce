"""SQLite files that are sealed whole: every page, the log and what was deleted, by SQLCipher (AES-256, HMAC-SHA-512).

A sealed store's address carries its key where other databases have a password: ``sqlite://:<64 hex digits>@/path``.
The key is used as it is (no stretching: it is random already). Needs the extra ``seawall[vault]``; see decision 0016.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from seawall.identity.key_folder import destroy, destroy_former
from seawall.model import Fault

if TYPE_CHECKING:
    import sqlite3

PLAIN_HEAD = b"SQLite format 3\0"
_KEY = re.compile(r"[0-9a-f]{64}")


def driver() -> ModuleType:
    """SQLCipher as a Python driver. Raises Fault E-STORE-230 when it is not installed."""
    try:
        import sqlcipher3.dbapi2
    except ModuleNotFoundError:
        raise Fault(
            "E-STORE-230",
            "This store is encrypted, which needs SQLCipher; install it with 'pip install seawall[vault]'.",
        ) from None
    module: ModuleType = sqlcipher3.dbapi2
    return module


def connect(file: str, key: str, *, timeout: float) -> sqlite3.Connection:
    """A connection to a sealed file (a path or a ``file:`` URI), in autocommit.

    Raises Fault E-STORE-230 without SQLCipher, ValueError for what is no key.
    """
    connection: Any = driver().connect(file, timeout=timeout, check_same_thread=False, isolation_level=None, uri=True)
    connection.execute("PRAGMA cipher_log_level = NONE")  # it would write about wrong keys past our own sentences
    connection.execute(f"PRAGMA key = \"x'{checked_key(key)}'\"")
    return connection  # type: ignore[no-any-return]


def checked_key(key: str) -> str:
    """64 lower hex digits, which alone may stand in a pragma. Raises ValueError."""
    if not _KEY.fullmatch(key):
        raise ValueError("a store's key has 64 hex digits")
    return key


def is_plain(file: Path) -> bool:
    """Whether the file is an SQLite file that anybody can read; False when it is absent, empty or sealed."""
    try:
        with file.open("rb") as stream:
            return stream.read(len(PLAIN_HEAD)) == PLAIN_HEAD
    except FileNotFoundError:
        return False


def sealed_address(url: str, key: str) -> str:
    """The address of the same file with its key."""
    return url.replace("sqlite:///", f"sqlite://:{checked_key(key)}@/", 1)


def seal_file(file: Path, key: str, *, timeout: float) -> None:
    """Put a sealed copy in the place of a plain file, in one step; the plain one is overwritten and removed.

    Nobody else may have the file open. A kill leaves the plain file or the sealed one, and at most a copy beside it
    that the next call removes.
    """
    fresh, old = file.with_name(f".{file.name}.sealing"), file.with_name(f".{file.name}.plain")
    _remove(fresh)
    if not is_plain(file):
        destroy(old)
        return
    os.close(os.open(fresh, os.O_CREAT | os.O_RDWR, 0o600))
    connection: Any = driver().connect(str(file), timeout=timeout, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute(
            "PRAGMA journal_mode = DELETE"
        ).fetchall()  # no log beside the old name when the new file gets it
        connection.execute(f"ATTACH DATABASE ? AS sealed KEY \"x'{checked_key(key)}'\"", (str(fresh),))
        connection.execute("SELECT sqlcipher_export('sealed')").fetchall()
        connection.execute("DETACH DATABASE sealed")
    finally:
        connection.close()
    made: Any = connect(str(fresh), key, timeout=timeout)
    try:
        if made.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise Fault("E-STORE-231", "The encrypted copy of the store does not hold; nothing was changed.")
        made.execute("PRAGMA journal_mode = WAL").fetchall()
    finally:
        made.close()
    _sync(fresh)
    destroy_former(old, file)
    os.link(file, old)  # so that what was plain can be overwritten once nothing names it any more
    fresh.replace(file)
    _sync(file.parent)
    destroy(old)


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
