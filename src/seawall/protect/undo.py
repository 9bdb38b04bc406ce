"""Status and undo: which exports stand where, and which directives a person has taken back.

An export is a file that some tool loads, so undoing one value means that the next export leaves it out
(rule "undone") and that the tool loads it. ``UndoBook`` is what the gate asks; ``JsonUndoBook`` keeps it in one small
file of the node.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from seawall.model import Fault, NotFound
from seawall.model.unreadable import UNREADABLE

MAX_EXPORTS_KEPT = 200  # of all feeds together; the ledger keeps every release for ever
MAX_UNDONE = 100_000  # more than this many exceptions means the source is wrong: suspend it instead
MAX_BOOK_BYTES = 64 * 1024 * 1024
_UNDO_ID = re.compile(r"[0-9a-f]{16}")


def is_undo_name(text: str) -> bool:
    """Whether this could name a directive: 16 hex digits."""
    return _UNDO_ID.fullmatch(text) is not None


class ExportRecord(msgspec.Struct, frozen=True):
    """One export that was written. Times in microseconds UTC."""

    feed: str
    target: str
    made_at: int
    by: str
    blocks: int
    watches: int
    left_out: int
    first_expiry: int | None


class Undone(msgspec.Struct, frozen=True):
    """One directive that a person took back."""

    undo_id: str
    at: int  # microseconds UTC
    by: str
    reason: str


class Book(msgspec.Struct, frozen=True):
    """Everything in the file."""

    exports: tuple[ExportRecord, ...] = ()
    undone: tuple[Undone, ...] = ()


class UndoBook(Protocol):
    """Where status and undo are kept."""

    def is_undone(self, undo_id: str) -> bool:
        """Whether a person took this directive back."""

    def undo(self, undone: Undone) -> None:
        """Take a directive back. Raises Fault E-PROTECT-007 for a name that is none, E-PROTECT-008 when full."""

    def redo(self, undo_id: str) -> None:
        """Give it free again. Raises NotFound E-PROTECT-009 when it was not taken back."""

    def note_export(self, record: ExportRecord) -> None:
        """Remember an export."""

    def status(self) -> Book:
        """What was exported lately, newest first, and what is taken back."""


class JsonUndoBook:
    """An ``UndoBook`` in one JSON file; several processes may use it."""

    def __init__(self, path: Path) -> None:
        """Raises Fault E-PROTECT-010 when the file is damaged: guessing would block what a person freed."""
        self._path = path
        self._undone = frozenset(item.undo_id for item in self._read().undone)

    def is_undone(self, undo_id: str) -> bool:
        """As of when the book was opened, or of this process's last change."""
        return undo_id in self._undone

    def has_undone(self) -> bool:
        """Whether anything is taken back, likewise."""
        return bool(self._undone)

    def undo(self, undone: Undone) -> None:
        """See ``UndoBook``."""
        if not _UNDO_ID.fullmatch(undone.undo_id):
            raise Fault(
                "E-PROTECT-007",
                "{given} names no directive; use the 16 hex digits that an export shows as undo.",
                given=repr(undone.undo_id[:40]),
            )
        with self._changing() as book:
            others = tuple(item for item in book.undone if item.undo_id != undone.undo_id)
            if len(others) >= MAX_UNDONE:
                raise Fault(
                    "E-PROTECT-008",
                    "{most} directives are taken back already; suspend the source that names them instead.",
                    most=MAX_UNDONE,
                )
            self._write(Book(book.exports, (*others, undone)))

    def redo(self, undo_id: str) -> None:
        """See ``UndoBook``."""
        with self._changing() as book:
            others = tuple(item for item in book.undone if item.undo_id != undo_id)
            if len(others) == len(book.undone):
                raise NotFound("E-PROTECT-009", "Directive {given} is not taken back.", given=repr(undo_id[:40]))
            self._write(Book(book.exports, others))

    def note_export(self, record: ExportRecord) -> None:
        """See ``UndoBook``."""
        with self._changing() as book:
            self._write(Book((record, *book.exports)[:MAX_EXPORTS_KEPT], book.undone))

    def status(self) -> Book:
        """See ``UndoBook``."""
        return self._read()

    def _read(self) -> Book:
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(MAX_BOOK_BYTES), type=Book)
        except FileNotFoundError:
            return Book()
        except UNREADABLE:
            raise Fault(
                "E-PROTECT-010",
                "{path} is damaged, so nobody can tell what was taken back; restore it from a backup.",
                path=self._path,
            ) from None

    def _write(self, book: Book) -> None:
        part = self._path.with_name(self._path.name + ".part")
        with part.open("wb") as file:
            file.write(msgspec.json.encode(book))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        self._undone = frozenset(item.undo_id for item in book.undone)

    @contextmanager
    def _changing(self) -> Iterator[Book]:
        """The book under an exclusive lock of its own file, so that two processes never lose a change."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(self._path.name + ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._read()
