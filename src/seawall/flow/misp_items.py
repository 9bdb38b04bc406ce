"""Events and attributes as the items of an own-use release, in the shape in which MISP answers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.exchange.misp import Doc, with_defaults
from seawall.flow import misp_loose as loose
from seawall.flow.misp_rows import object_number, reports_of, shown_attribute, shown_tag
from seawall.flow.node import Node
from seawall.model import Actor, ReleasedObject
from seawall.model.misp import MispAttribute, MispEvent
from seawall.model.stix.ids import derived_id
from seawall.model.stix.versioning import timestamp
from seawall.policy import OwnUseItem, own_use

SECOND = 1_000_000  # microseconds
encode = msgspec.json.Encoder().encode


def organisation(node: Node) -> tuple[str, str]:
    """Our name and UUID as MISP's organisations have them."""
    return node.settings.node.name or "Seawall", derived_id("x", node.keys.node_id)[3:]


def released(node: Node, actor: Actor, items: list[OwnUseItem]) -> list[bytes]:
    """Bodies whose release is on disk in the ledger (rule 1)."""
    if not items:
        return []
    decision = own_use(actor, items, node.clock())
    node.ledger.record_many(decision.withheld)
    recorded = node.ledger.record_many(decision.releases)
    return [item.body for one in recorded for item in one.value.objects]


def attribute_item(row: MispAttribute, shown: Doc) -> OwnUseItem:
    """One attribute."""
    version = timestamp(row.timestamp * SECOND)
    body = encode(shown)
    return OwnUseItem(ReleasedObject(f"indicator--{row.uuid}", version, body), "indicator", row.tlp, row.pap)


def event_item(event: MispEvent, body: Doc) -> OwnUseItem:
    """One event, told as ``body``: as strict as the strictest part in it, each of which was let through by itself."""
    reports = reports_of(body.get("Event", body))
    tlp = max([event.tlp, *(one.tlp for one in event.attributes), *(level for _, level in reports)])
    pap = max([event.pap, *(one.pap for one in event.attributes)])
    told = encode(body)
    return OwnUseItem(ReleasedObject(f"report--{event.uuid}", timestamp(event.timestamp * SECOND), told),
                      "report", tlp, pap)  # fmt: skip


def loose_item(node: Node, others: Sequence[loose.LooseAttribute], head: MispEvent | None) -> OwnUseItem:
    """The event that stands for indicators outside of events."""
    moment = timestamp(node.clock())
    name, uuid = organisation(node)
    org = {"id": "1", "name": name, "uuid": uuid}
    event = {**loose.loose_event(node), "id": str(head.number if head else 0), "Tag": [], "Object": []}
    event |= {"Orgc": org, "Org": org, "date": moment[:10], "timestamp": str(event["timestamp"])}
    event["Attribute"] = [loose_shown(one, head, context=False) for one in others]
    tlp, pap = max(one.row.tlp for one in others), max(one.row.pap for one in others)
    return OwnUseItem(ReleasedObject(f"report--{event['uuid']}", moment, encode({"Event": event})), "report", tlp, pap)


def with_event(row: MispAttribute, head: MispEvent, *, context: bool, attachments: bool = True) -> Doc:
    """An attribute with the event it stands in; ``context``: with the event's tags and times as well."""
    number = object_number(row.object) if row.object is not None else "0"
    shown = shown_attribute(msgspec.json.decode(row.body), row.number, row.event, number)
    if not attachments:
        shown.pop("data", None)
    told = msgspec.json.decode(head.body)
    shown["event_uuid"] = head.uuid
    if row.object is not None:
        shown["object_uuid"] = row.object
    event = {"id": str(head.number), "org_id": "1", "orgc_id": "1", "uuid": head.uuid}
    shown["Event"] = {**event, "info": told["info"], "distribution": told["distribution"]}
    if context:
        shown["Tag"] = shown["Tag"] + [{**shown_tag(tag), "inherited": 1} for tag in told["Tag"]]
        shown["Event"] |= {
            "Tag": [shown_tag(tag) for tag in told["Tag"]],
            "date": head.date,
            "published": head.published,
            "timestamp": str(head.timestamp),
            "publish_timestamp": str(head.publish_timestamp),
        }
    return shown


def loose_shown(one: loose.LooseAttribute, head: MispEvent | None, *, context: bool) -> Doc:
    """An indicator outside of events as an attribute. It has no number of its own: it is asked for by UUID."""
    number = head.number if head is not None else 0
    shown = shown_attribute(one.doc, int(one.row.uuid[-8:], 16), number, "0")
    if context or head is None:
        sources = ", ".join(one.entry.sources[:10])
        shown["Event"] = {"id": str(number), "info": f"Outside MISP events; named by: {sources}"[:500]}
    return shown


def filled(given: Doc) -> Doc:
    """An event whose attributes have the category and ``to_ids`` that MISP gives their types."""
    objects = given.get("Object")
    return {
        **given,
        "Attribute": _complete(given.get("Attribute")),
        "Object": [
            {**obj, "Attribute": _complete(obj.get("Attribute"))} if isinstance(obj, dict) else obj
            for obj in (objects if isinstance(objects, list) else [])
        ],
    }


def _complete(listed: object) -> list[Any]:
    given = listed if isinstance(listed, list) else []
    return [with_defaults(one) if isinstance(one, dict) else one for one in given]
