"""What tells members that an object was taken back: its revoked version, and nothing else of it."""

from __future__ import annotations

import msgspec

from seawall.flow.node import Node
from seawall.model.outbox import OutboxFilter, OutboxRow
from seawall.model.stix.versioning import timestamp

KEPT = frozenset(
    {
        "type", "spec_version", "id", "created_by_ref", "created", "object_marking_refs",
        # required properties, without which the revoked version would be no valid object
        "pattern", "pattern_type", "valid_from", "name", "sighting_of_ref", "relationship_type", "source_ref",
        "target_ref", "published", "object_refs", "opinion", "content", "context", "is_family", "identity_class",
    }
)  # fmt: skip
"""Properties that a revoked version repeats; everything descriptive is gone."""


def revoked_rows(node: Node, object_id: str, circle: str) -> list[OutboxRow]:
    """For everybody who could read the object in ``circle``: its next version, revoked (STIX 2.1 section 3.6)."""
    rows: list[OutboxRow] = []
    page = node.store.outbox.page(circle, None, match=OutboxFilter(ids=(object_id,), versions=("last",)))
    for row in page.rows:
        body = msgspec.json.decode(row.body, type=dict[str, object])
        version = timestamp(max(node.clock(), row.added))
        fresh = {key: value for key, value in body.items() if key in KEPT} | {"modified": version, "revoked": True}
        rows.append(
            msgspec.structs.replace(row, version=version, body=msgspec.json.encode(fresh, order="sorted"), added=0)
        )
    return rows
