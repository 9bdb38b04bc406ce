"""Status and undo of directives."""

from __future__ import annotations

from pathlib import Path

import pytest

from protect.scenes import AT
from seawall.model import Fault, NotFound
from seawall.protect import ExportRecord, JsonUndoBook, Undone
from seawall.protect import undo as undo_module

UNDO_ID = "0123456789abcdef"


def test_undo_is_kept_across_processes(tmp_path: Path) -> None:
    """A directive taken back stays so for the next process, and is free again after redo."""
    path = tmp_path / "protect" / "undo.json"
    JsonUndoBook(path).undo(Undone(UNDO_ID, AT, "releaser", "our supplier"))
    book = JsonUndoBook(path)
    assert book.is_undone(UNDO_ID)
    assert book.status().undone[0].by == "releaser"
    book.redo(UNDO_ID)
    assert not book.is_undone(UNDO_ID)
    with pytest.raises(NotFound, match="E-PROTECT-009"):
        book.redo(UNDO_ID)


def test_two_open_books_lose_no_change(tmp_path: Path) -> None:
    """Changes by two processes that opened the book at once are both kept."""
    path = tmp_path / "undo.json"
    first, second = JsonUndoBook(path), JsonUndoBook(path)
    first.undo(Undone(UNDO_ID, AT, "a", ""))
    second.undo(Undone("f" * 16, AT, "b", ""))
    assert {item.undo_id for item in JsonUndoBook(path).status().undone} == {UNDO_ID, "f" * 16}


def test_exports_are_listed_newest_first_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The book shows the latest exports and forgets the oldest beyond its bound."""
    monkeypatch.setattr(undo_module, "MAX_EXPORTS_KEPT", 2)
    book = JsonUndoBook(tmp_path / "undo.json")
    for number in range(3):
        book.note_export(ExportRecord("rpz", f"file-{number}", AT + number, "releaser", 1, 0, 0, None))
    assert [record.target for record in book.status().exports] == ["file-2", "file-1"]


@pytest.mark.parametrize("given", ["", "xyz", "0123456789ABCDEF", "../../etc/passwd", UNDO_ID + "\n"])
def test_a_wrong_undo_name_is_refused(tmp_path: Path, given: str) -> None:
    """Only a name that an export can have shown is taken."""
    with pytest.raises(Fault, match="E-PROTECT-007"):
        JsonUndoBook(tmp_path / "undo.json").undo(Undone(given, AT, "a", ""))


def test_the_book_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More exceptions than the bound are refused with what to do instead."""
    monkeypatch.setattr(undo_module, "MAX_UNDONE", 1)
    book = JsonUndoBook(tmp_path / "undo.json")
    book.undo(Undone(UNDO_ID, AT, "a", ""))
    book.undo(Undone(UNDO_ID, AT, "a", "again is fine"))
    with pytest.raises(Fault, match="E-PROTECT-008"):
        book.undo(Undone("f" * 16, AT, "a", ""))


def test_a_damaged_book_stops_the_export(tmp_path: Path) -> None:
    """A damaged book is an error: guessing would block again what a person freed."""
    (tmp_path / "undo.json").write_bytes(b'{"exports": 1')
    with pytest.raises(Fault, match="E-PROTECT-010"):
        JsonUndoBook(tmp_path / "undo.json")
