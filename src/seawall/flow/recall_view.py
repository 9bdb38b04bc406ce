"""Who has confirmed a recall, who has not, since when; no more is said than can be known."""

from __future__ import annotations

from typing import Protocol

from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.messages import mark
from seawall.model import rfc3339
from seawall.model.recall import OPEN, RecallRow, RecallState

DAY = 86_400_000_000  # microseconds: who has not confirmed after a day is brought up
MEANING = {
    RecallState.WAITING: mark("not told yet: the notice leaves with the next sync or drop"),
    RecallState.TOLD: mark("told; no receipt yet"),
    RecallState.CONFIRMED: mark("confirmed by signature; that it was destroyed cannot be proved"),
    RecallState.REFUSED: mark("it answered that it keeps the object"),
    RecallState.UNSIGNED: mark("told by the revoked version; it has no node and cannot sign a receipt"),
    RecallState.UNREACHABLE: mark("it cannot be told: the relation is not in force"),
}
CONTRADICTED = mark("it signed a receipt, and sent the object again at {at}")


class Say(Protocol):
    """Puts a sentence into somebody's language."""

    def __call__(self, text: str, **values: object) -> str:
        """The sentence with its places filled."""


def english(text: str, **values: object) -> str:
    """As it stands."""
    return text.format(**values)


def list_recalls(
    node: Node,
    object_id: str | None = None,
    *,
    unconfirmed: bool = False,
    limit: int = 100,
    after: int = 0,
    say: Say = english,
) -> Listing:
    """One row for each object and receiver, oldest first; ``unconfirmed``: only those without a receipt. ``say`` puts
    the notes into the reader's language."""
    node.require("read")
    page = node.store.recalls.list(object_id=object_id, states=OPEN if unconfirmed else None, limit=limit, after=after)
    return Listing([_shown(node, row, say) for row in page.items], page.next)


def last_recall(node: Node, object_id: str, say: Say = english) -> list[dict[str, object]]:
    """The rows of each receiver's last recall of an object."""
    rows = {row.peer: row for row in node.store.recalls.list(object_id=object_id, limit=10_000).items}
    return [_shown(node, row, say) for _, row in sorted(rows.items())]


def overdue(node: Node) -> dict[str, int]:
    """How many recalls each receiver has not confirmed within a day."""
    return node.store.recalls.count(OPEN, node.clock() - DAY)


def _shown(node: Node, row: RecallRow, say: Say) -> dict[str, object]:
    since = row.answered_at or row.told_at or row.at
    return {
        "id": row.object_id,
        "receiver": row.peer,
        "state": row.state.value,
        "confirmed": row.state is RecallState.CONFIRMED,
        "since": rfc3339(since),
        "recalled_at": rfc3339(row.at),
        "told_at": _moment(row.told_at),
        "answered_at": _moment(row.answered_at),
        "version": row.version,
        "circles": list(row.circles),
        "cause": row.cause.value,
        "behind": row.behind,
        "answer": row.said,
        "note": _note(node, row, say),
    }


def _note(node: Node, row: RecallRow, say: Say) -> str:
    if row.state is RecallState.CONFIRMED and row.answered_at is not None:
        again = node.store.taking_back.sent_since(row.peer, row.object_id, row.answered_at)
        if again is not None:
            return say(CONTRADICTED, at=rfc3339(again))
    return say(MEANING[row.state])


def _moment(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)
