"""What tells members that an object was taken back: its revoked version, and nothing else of it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.flow.node import Node
from seawall.flow.origin import resealed
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

EMPTIED: dict[str, object] = {"name": "(taken back)", "content": "(taken back)", "context": "unspecified"}
"""What stands in place of required properties that describe."""

CHUNK = 500  # objects of one look
NO_PATTERN = "[x-taken-back:value = true]"


def revoked_rows(node: Node, object_ids: Sequence[str], circle: str, member: str) -> list[OutboxRow]:
    """For one who could read these objects in ``circle``: their next versions, revoked (STIX 2.1 section 3.6)."""
    rows: list[OutboxRow] = []
    for start in range(0, len(object_ids), CHUNK):
        match = OutboxFilter(ids=tuple(object_ids[start : start + CHUNK]), versions=("last",))
        for row in node.store.outbox.page(circle, member, limit=CHUNK, match=match).rows:
            version = timestamp(max(node.clock(), row.added))
            fresh = resealed(node, stripped(row.body, version), row.body)
            mine = frozenset({member})
            rows.append(msgspec.structs.replace(row, version=version, body=fresh, recipients=mine, added=0))
    return rows


def stripped(body: bytes, version: str | None = None) -> bytes:
    """An object's body, revoked and without what describes it; ``version``: as its next version."""
    held = msgspec.json.decode(body, type=dict[str, object])
    fresh = {key: EMPTIED.get(key, value) for key, value in held.items() if key in KEPT} | {"revoked": True}
    modified = version or held.get("modified")
    return msgspec.json.encode(fresh | ({"modified": modified} if modified is not None else {}), order="sorted")


def emptied(body: bytes) -> bytes:
    """What a receiver keeps of an object that was taken back: that there was one of this id, and nothing it said."""
    shell = msgspec.json.decode(stripped(body), type=dict[str, object])
    if "pattern" in shell:
        shell |= {"pattern": NO_PATTERN, "pattern_type": "stix"}
    return msgspec.json.encode(shell, order="sorted")
