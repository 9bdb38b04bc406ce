"""What was exported for enforcement, and single directives taken back by a person."""

from __future__ import annotations

from seawall.flow.node import Node
from seawall.flow.observations import Listing
from seawall.flow.protect import BOOK
from seawall.ledger import EventKind
from seawall.model import rfc3339
from seawall.protect import JsonUndoBook, Undone

MAX_REASON = 200  # characters


def _book(node: Node) -> JsonUndoBook:
    return JsonUndoBook(node.folder / "reference" / BOOK)


def list_exports(node: Node) -> Listing:
    """The latest exports, newest first."""
    node.require("read")
    items: list[dict[str, object]] = [
        {
            "to": record.feed,
            "output": record.target,
            "made_at": rfc3339(record.made_at),
            "by": record.by,
            "blocks": record.blocks,
            "watches": record.watches,
            "left_out": record.left_out,
            "first_expiry": rfc3339(record.first_expiry) if record.first_expiry is not None else None,
        }
        for record in _book(node).status().exports
    ]
    return Listing(items, None)


def list_undone(node: Node) -> list[dict[str, object]]:
    """Directives that somebody took back: they stay out of every export until they are given free again."""
    node.require("read")
    return [
        {"undo": item.undo_id, "at": rfc3339(item.at), "by": item.by, "reason": item.reason}
        for item in _book(node).status().undone
    ]


def undo_directive(node: Node, undo_id: str, *, reason: str, again: bool) -> dict[str, object]:
    """Take one directive back, or (``again``) give it free; the next export follows. It goes on the record.

    Raises Fault E-PROTECT-007 for a name that is none, E-PROTECT-008 when too many are taken back, NotFound
    E-PROTECT-009 when there is nothing to give free.
    """
    person = node.require("enforce")
    book = _book(node)
    if again:
        book.redo(undo_id)
    else:
        book.undo(Undone(undo_id, node.clock(), person.name, reason[:MAX_REASON]))
    node.event(EventKind.OVERRIDE, undo_id, undone="no" if again else "yes", reason=reason[:MAX_REASON])
    return {"undo": undo_id, "undone": not again, "by": person.name, "reason": reason[:MAX_REASON]}
