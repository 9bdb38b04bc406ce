"""A recall, told so that a MISP finds what it is to delete: the revoked version says in which event it stood.

What a recall puts into an outbox repeats nothing descriptive (``flow.recall``). A MISP knows attributes in events
only; which one, and under what type, every recipient of the earlier version was told then.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from seawall.codec.misp.extension import carried, extension
from seawall.flow.node import Node
from seawall.model.outbox import OutboxRow

REPEATED = ("type", "category", "value", "to_ids", "name", "meta-category", "template_uuid", "template_version")


class _Told(msgspec.Struct):
    revoked: bool = False
    extensions: dict[str, msgspec.Raw] = {}


def placed(node: Node, rows: Iterable[OutboxRow]) -> list[OutboxRow]:
    """The rows, revoked parts of MISP events with their place in them."""
    listed = list(rows)
    told = [msgspec.json.decode(row.body, type=_Told) for row in listed]
    lost = {row.object_id for row, one in zip(listed, told, strict=True) if one.revoked and not one.extensions}
    held = node.store.objects.latest(lost) if lost else {}
    return [_placed(row, held[row.object_id].body) if row.object_id in held else row for row in listed]


def _placed(row: OutboxRow, held: bytes) -> OutboxRow:
    part = carried(msgspec.json.decode(held))
    if part is None:
        return row
    misp = {name: value for name, value in part.get("misp", {}).items() if name in REPEATED}
    body = msgspec.json.decode(row.body, type=dict[str, object])
    body["extensions"] = extension(part["kind"], part.get("event_uuid"), misp, part.get("object_uuid"))
    return msgspec.structs.replace(row, body=msgspec.json.encode(body, order="sorted"))
