"""Looking at the record of what left."""

from __future__ import annotations

from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.model import rfc3339


def list_leaves(node: Node, *, limit: int, after: int) -> Listing:
    """Leaves with an index above ``after``, oldest first."""
    node.require("audit")
    page = node.ledger.show(limit=limit, after=after)
    items: list[dict[str, object]] = [
        {
            "index": entry.index,
            "at": rfc3339(entry.at) if entry.at is not None else None,
            "kind": entry.kind,
            "recipient": entry.recipient,
            "circle": entry.circle,
            "rule": entry.rule,
            "objects": entry.objects,
            "leaf_hash": entry.leaf_hash,
            "event": _told(entry.event),
        }
        for entry in page.items
    ]
    return Listing(items, page.next)


def _told(event: dict[str, object]) -> dict[str, object]:
    """What the leaf says, its moment spelt as everywhere."""
    at = event.get("at")
    return {**event, "at": rfc3339(at)} if isinstance(at, int) else event
