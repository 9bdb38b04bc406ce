"""What others say of objects that are held otherwise, for people to decide about."""

from __future__ import annotations

import msgspec

from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.model import rfc3339
from seawall.policy import visibility


def list_conflicts(node: Node, *, limit: int, after: int) -> Listing:
    """Claims that the acting person may see, in order of arrival."""
    page = node.store.conflicts.list(visibility(node.require("read")), after=after, limit=limit)
    items: list[dict[str, object]] = [
        {
            "number": found.number,
            "id": found.id,
            "type": found.type,
            "version": found.version,
            "reason": found.reason,
            "created_by": found.created_by,
            "source": found.source,
            "origin": found.origin,
            "at": rfc3339(found.at),
            "tlp": found.tlp.label,
            "held": {
                "version": found.held_version,
                "created_by": found.held_created_by,
                "source": found.held_source,
                "origin": found.held_origin,
            },
            "body": msgspec.Raw(found.body),
        }
        for found in page.items
    ]
    return Listing(items, page.next)
