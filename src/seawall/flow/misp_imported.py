"""MISP events that came as files: known as STIX objects, shown as the events they were, kept as such once edited."""

from __future__ import annotations

import msgspec

from seawall.codec.misp import to_events
from seawall.codec.misp.extension import carried
from seawall.exchange.misp import Doc, all_attributes, canonical
from seawall.flow.misp_book import new_uuid
from seawall.flow.misp_items import event_item
from seawall.flow.misp_rows import shown_event, to_rows
from seawall.flow.node import Node
from seawall.model import NotFound, Pap, Tlp, Visibility
from seawall.model.indicator import IndicatorEntry
from seawall.policy import OwnUseItem

SECOND = 1_000_000  # microseconds


class Imported(msgspec.Struct, frozen=True):
    """An event made from STIX objects, with the strictest marking of them."""

    doc: Doc
    tlp: Tlp
    pap: Pap


class _Report(msgspec.Struct):
    object_refs: list[str] = []


def imported_event(node: Node, uuid: str, seen: Visibility) -> Imported | None:
    """The event of this UUID, of those parts that the asker may see; None when no import brought one."""
    try:
        report = node.store.objects.get(f"report--{uuid.lower()}", visibility=seen)
    except NotFound:
        return None
    if carried(msgspec.json.decode(report.body)) is None or report.revoked:
        return None
    refs = msgspec.json.decode(report.body, type=_Report).object_refs
    held = [item for item in node.store.objects.latest(refs).values()
            if item.tlp <= seen.tlp_at_most and item.pap <= seen.pap_at_most]  # fmt: skip
    for event in to_events([report.body, *(item.body for item in held)]).events:
        if event["uuid"] == uuid.lower():
            doc = canonical(event, now=node.clock() // SECOND, new_uuid=new_uuid)
            doc.pop("_rejected", None)
            levels = [report, *held]
            return Imported(doc, max(item.tlp for item in levels), max(item.pap for item in levels))
    return None


def event_of_entry(node: Node, entry: IndicatorEntry, seen: Visibility) -> Imported | None:
    """The imported event in which an indicator stands as an attribute."""
    part = carried(msgspec.json.decode(entry.body))
    uuid = part.get("event_uuid") if part is not None else None
    found = imported_event(node, uuid, seen) if isinstance(uuid, str) else None
    ids = {one["uuid"] for one in all_attributes(found.doc)} if found is not None else ()
    return found if entry.indicator_id.partition("--")[2] in ids else None


def imported_item(found: Imported) -> OwnUseItem:
    """The event as an item of an own-use release. It has no numbers of its own: it is asked for by UUID."""
    rows = to_rows(found.doc)
    numbered = tuple(msgspec.structs.replace(one, number=int(one.uuid[-8:], 16)) for one in rows.attributes)
    event = msgspec.structs.replace(rows, attributes=numbered)
    item = event_item(event, {"Event": shown_event(event)})
    return msgspec.structs.replace(item, tlp=found.tlp, pap=found.pap)
