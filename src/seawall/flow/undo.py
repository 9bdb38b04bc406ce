"""What was exported for enforcement, and single directives taken back by a person."""

from __future__ import annotations

from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.flow.orders import orders_for
from seawall.flow.protect import BOOK
from seawall.ledger import EventKind
from seawall.model import Observable, rfc3339
from seawall.protect import JsonUndoBook, Undone
from seawall.protect.gate import undo_names
from seawall.protect.undo import is_undo_name

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
    """Take one directive back, or (``again``) give it free; the order book follows at once, the next export then.

    It goes on the record; what people put in force themselves is forgotten with it.

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
    _follow(node, undo_id, again=again)
    return {"undo": undo_id, "undone": not again, "by": person.name, "reason": reason[:MAX_REASON]}


def _follow(node: Node, undo_id: str, *, again: bool) -> None:
    order = next((booked.order for booked in [node.store.orders.get(undo_id)] if booked is not None), None)
    if order is None:
        order = next((change.order for _, change in node.store.orders.history(undo_id, 1)), None)
    if order is None:
        return
    if not again:
        node.store.orders.drop_put(order.type, order.value)
    orders_for(node, [Observable(order.type, order.value)])


def name_of(node: Node, given: str, type: str | None = None) -> str:
    """The directive that a person names: by its 16 hex digits, or by its value (what is stricter first).

    ``type``: of the value, where it is not plain. A value without an order means its block. Raises what ``read_value``
    raises for what is neither.
    """
    if is_undo_name(given):
        return given
    from seawall.flow.excluded import read_value  # brings what compares with the lake

    value = read_value(given, type)
    names = list(undo_names(value).values())
    held = node.store.orders.several(names)
    return next((name for name in names if name in held), names[0])
