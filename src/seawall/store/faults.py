"""Turns what the database says into one sentence a person can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from seawall.model import Fault, Unavailable

# What SQLite and PostgreSQL say, in lower case, when ...
BUSY = ("database is locked", "database table is locked", "lock timeout", "deadlock detected", "could not serialize")
FULL = ("database or disk is full", "no space left on device", "could not extend file", "disk i/o error")
DAMAGED = (
    "malformed",
    "file is not a database",
    "file is encrypted",
    "invalid page in block",
    "unsupported file format",
)
UNREACHABLE = (
    "unable to open database file",
    "readonly database",
    "read-only",
    "connection failed",
    "connection to server",
    "connection is bad",
    "connection refused",
    "could not connect",
    "could not translate host",
    "server closed the connection",
    "terminating connection",
    "the connection is closed",
    "password authentication failed",
    "does not exist",
    "permission denied",
)


def fault_for(error: BaseException, where: str) -> Fault:
    """The Fault that says what ``error`` means for the store at ``where`` (an address without its password)."""
    said = str(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error).lower()
    if any(words in said for words in BUSY):
        return Unavailable(
            "E-STORE-003", "The store {where} is busy with another process; try again in a moment.", where=where
        )
    if any(words in said for words in FULL):
        return Unavailable(
            "E-STORE-004", "The disk of the store {where} is full or failing; nothing was half-written.", where=where
        )
    if any(words in said for words in DAMAGED):
        return Fault(
            "E-STORE-005", "The store {where} is damaged or not a Seawall store; restore it from a backup.", where=where
        )
    if any(words in said for words in UNREACHABLE):
        return Unavailable(
            "E-STORE-006", "The store {where} cannot be opened; check that it exists and may be written.", where=where
        )
    kind = type(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error).__name__
    return Fault("E-STORE-007", "The store {where} could not do its work ({kind}).", where=where, kind=kind)


@contextmanager
def told(where: str) -> Iterator[None]:
    """Raises a Fault instead of any database error of the block. The statement and its values are never shown."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise fault_for(error, where) from error
    except Exception as error:
        # psycopg's own errors reach us only from COPY, and the package is optional
        # SQLCipher's only where a raw connection is used, and it is optional too
        if type(error).__module__.partition(".")[0] in ("psycopg", "sqlcipher3"):
            raise fault_for(error, where) from error
        raise
