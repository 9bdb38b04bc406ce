"""Which book the numbers of orders and lines belong to: a restored backup begins another one.

A backup does not know what was told after it was made, so its numbers come again with another meaning. Whoever follows
by numbers therefore knows an epoch too: served feeds answer for another epoch as for a number they never had, and an
agent takes the whole book of a new epoch only after two people here approved it (rule 9): it may be whoever took the
backup that answers in our place.
"""

from __future__ import annotations

import hashlib
import secrets

import msgspec

from seawall.flow.node import Node
from seawall.ledger import EventKind
from seawall.model import NotFound, Refused, rfc3339

NOTE = "book-epoch"
BOUNCERS = "feed-bouncers:{number}"
"""Key of the note: how far each client of a feed of the form ``bouncer`` was told."""


class Epoch(msgspec.Struct, frozen=True):
    """One book. Moments in microseconds UTC."""

    name: str  # 16 hex digits, random for each restore
    begun_at: int = 0
    backup_at: int | None = None  # None: it was never restored
    approved_by: tuple[str, ...] = ()
    approved_at: int | None = None


def epoch_of(node: Node) -> Epoch:
    """The book's epoch. The first one follows from the node's id, so that two processes agree on it."""
    text = node.store.notes.get(NOTE)
    if text is not None:
        return msgspec.json.decode(text, type=Epoch)
    return Epoch(hashlib.sha256(f"seawall book of {node.keys.node_id}".encode()).hexdigest()[:16])


def begin_epoch(node: Node, at: int, backup_at: int) -> None:
    """The store was just restored: another book, which no agent follows yet, and bouncers hear everything again."""
    _keep(node, Epoch(secrets.token_hex(8), at, backup_at))
    for feed in node.store.served_feeds.list():
        node.store.notes.delete(BOUNCERS.format(number=feed.number))


def approve_epoch(node: Node) -> dict[str, object]:
    """Two named people let the agents follow the restored book.

    Raises NotFound E-FLOW-992 when nothing waits for that, Refused E-FLOW-993 without a second person.
    """
    first, epoch = node.require("enforce"), epoch_of(node)
    if epoch.backup_at is None or epoch.approved_by:
        raise NotFound("E-FLOW-992", "No restored backup waits for approval; the agents follow this node already.")
    if node.approver is None:
        raise Refused(
            "E-FLOW-993",
            "Agents follow a restored book only when two people say so; give the second token with --approver-token.",
        )
    at, people = node.clock(), (first.name, node.approver.name)
    node.store.approvals.both("book", epoch.name, *people, at)
    node.event(EventKind.BOOK_RESUMED, epoch.name, approved_by=list(people), backup_at=rfc3339(epoch.backup_at))
    _keep(node, msgspec.structs.replace(epoch, approved_by=people, approved_at=at))
    return {
        "epoch": epoch.name,
        "restored_at": rfc3339(epoch.begun_at),
        "backup_at": rfc3339(epoch.backup_at),
        "approved_by": list(people),
        "agents": [point.name for point in node.store.orders.points() if point.fingerprint is not None],
    }


def _keep(node: Node, epoch: Epoch) -> None:
    node.store.notes.set(NOTE, msgspec.json.encode(epoch).decode())
