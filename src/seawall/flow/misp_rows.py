"""MISP events between the spelling of ``exchange.misp`` and rows of ``store.misp``, and as a MISP would show them."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import msgspec

from seawall.exchange.misp import Doc
from seawall.model import Pap, Tlp
from seawall.model.misp import MispAttribute, MispEvent
from seawall.model.stix.tlp import pap_of_label, tlp_of_label

UNMARKED = Tlp.AMBER_STRICT  # as unmarked input of any kind (``seawall intel import``)
INSIDE = frozenset({"0", "4"})  # MISP's distributions "your organisation only" and "sharing group"
_encode = msgspec.json.Encoder(order="sorted").encode
_TEXT_NUMBERS = ("timestamp", "publish_timestamp", "date_sighting")


def to_rows(doc: Doc, *, unmarked: Tlp = UNMARKED, origin: str | None = None) -> MispEvent:
    """The rows of a canonical event; ``unmarked`` is the level of what carries no TLP tag.

    No part is laxer than its event: whoever sees an attribute sees the title and tags around it.
    """
    event_tags = names_of(doc)
    tlp, pap = _markings(event_tags, unmarked, Pap.GREEN)
    tlp = max(tlp, _floor(doc))
    attributes = [_row(one, None, tlp, pap) for one in doc["Attribute"]]
    for obj in doc["Object"]:
        level = max(tlp, _floor(obj))
        attributes += [_row(one, obj, level, pap) for one in obj["Attribute"]]
    head = {key: value for key, value in doc.items() if key not in ("Attribute", "_rejected")}
    head["Object"] = [{key: value for key, value in obj.items() if key != "Attribute"} for obj in doc["Object"]]
    return MispEvent(
        uuid=doc["uuid"],
        timestamp=doc["timestamp"],
        publish_timestamp=doc["publish_timestamp"],
        published=doc["published"],
        date=doc["date"],
        info=doc["info"],
        tlp=tlp,
        pap=pap,
        body=_encode(head),
        attributes=tuple(attributes),
        tags=event_tags,
        origin=origin,
    )


def names_of(holder: Doc) -> tuple[str, ...]:
    """The names of an event's or attribute's tags."""
    return tuple(tag["name"] for tag in holder["Tag"])


def _floor(holder: Doc) -> Tlp:
    """What stays with the organisation is AMBER+STRICT to its own people (the STIX objects of it are stricter)."""
    return Tlp.AMBER_STRICT if holder["distribution"] in INSIDE else Tlp.CLEAR


def _row(one: Doc, obj: Doc | None, around: Tlp, pap_around: Pap) -> MispAttribute:
    own = names_of(one)
    tlp, pap = _markings(own, Tlp.CLEAR, Pap.CLEAR)
    return MispAttribute(
        uuid=one["uuid"],
        type=one["type"],
        category=one["category"],
        value=one["value"],
        to_ids=one["to_ids"],
        deleted=one["deleted"] or bool(obj and obj["deleted"]),
        timestamp=one["timestamp"],
        tlp=max(tlp, around, _floor(one)),
        pap=max(pap, pap_around),
        body=_encode(one),
        object=obj["uuid"] if obj is not None else None,
        object_name=obj["name"] if obj is not None else None,
        tags=own,
    )


def _markings(tags: tuple[str, ...], tlp: Tlp, pap: Pap) -> tuple[Tlp, Pap]:
    """What the tags say; ``tlp`` and ``pap`` where they say nothing."""
    said = [level for level in map(tlp_of_label, tags) if level is not None]
    permitted = [level for level in map(pap_of_label, tags) if level is not None]
    return max(said, default=tlp), max(permitted, default=pap)


def to_doc(event: MispEvent) -> Doc:
    """The canonical event of its rows."""
    doc: Doc = msgspec.json.decode(event.body)
    doc["Attribute"] = [msgspec.json.decode(one.body) for one in event.attributes if one.object is None]
    inside: dict[str, list[Doc]] = {}
    for one in event.attributes:
        if one.object is not None:
            inside.setdefault(one.object, []).append(msgspec.json.decode(one.body))
    for obj in doc["Object"]:
        obj["Attribute"] = inside.get(obj["uuid"], [])
    return doc


def shown_event(event: MispEvent, *, at_most: Tlp = Tlp.RED, deleted: bool = False, attributes: bool = True) -> Doc:
    """The event as MISP answers it: with ids, numbers as texts; soft-deleted parts only when asked for.

    ``event`` comes with the attributes that the asker may see, who sees up to ``at_most``: an object of which he sees
    no attribute, a report that is stricter and a reference to what he does not see are absent.
    """
    doc = seen_doc(event, at_most)
    numbers = {one.uuid: one.number for one in event.attributes}
    shown: Doc = {"id": str(event.number), "orgc_id": "1", "org_id": "1", **doc}
    shown["Attribute"] = [
        shown_attribute(one, numbers[one["uuid"]], event.number, "0")
        for one in doc["Attribute"]
        if attributes and (deleted or not one["deleted"])
    ]
    shown["Object"] = [
        shown_object(obj, numbers, event.number, deleted=deleted)
        for obj in doc["Object"]
        if attributes and (deleted or not obj["deleted"])
    ]
    shown["attribute_count"] = str(sum(not one.deleted for one in event.attributes))
    shown["Tag"] = [shown_tag(tag) for tag in doc["Tag"]]
    shown["ShadowAttribute"], shown["RelatedEvent"] = [], []
    shown.setdefault("Galaxy", [])
    shown.setdefault("EventReport", [])
    shown.setdefault("Orgc", {"name": "", "uuid": ""})
    shown["Orgc"] = {"id": "1", **shown["Orgc"]}
    shown["Org"] = {"id": "1", **(shown.get("Org") or shown["Orgc"])}
    return _as_texts(shown)


def seen_doc(event: MispEvent, at_most: Tlp) -> Doc:
    """The canonical event of its rows as far as somebody who sees up to ``at_most`` may know its other parts."""
    doc = to_doc(event)
    doc["Object"] = [obj for obj in doc["Object"] if obj["Attribute"]]
    shown = {event.uuid, *(one.uuid for one in event.attributes), *(obj["uuid"] for obj in doc["Object"])}
    for obj in doc["Object"]:
        obj["ObjectReference"] = [one for one in obj["ObjectReference"] if one["referenced_uuid"] in shown]
    if "EventReport" in doc:
        doc["EventReport"] = [one for one, level in reports_of(doc) if level <= at_most]
    return doc


def reports_of(doc: Doc) -> list[tuple[Doc, Tlp]]:
    """The reports written in an event, each with the level that its distribution asks for at least."""
    given = doc.get("EventReport")
    listed = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return [(one, _floor({"distribution": str(one.get("distribution", "5"))})) for one in listed]


def shown_object(obj: Doc, numbers: dict[str, int], event: int, *, deleted: bool = False) -> Doc:
    """A MISP object with its attributes."""
    number = object_number(obj["uuid"])
    inside = [
        shown_attribute(one, numbers[one["uuid"]], event, number)
        for one in obj["Attribute"]
        if one["uuid"] in numbers and (deleted or not one["deleted"])
    ]
    references = [{**one, "object_id": number, "event_id": str(event)} for one in obj["ObjectReference"]]
    return _as_texts({"id": number, "event_id": str(event), **obj, "Attribute": inside, "ObjectReference": references})


def object_number(uuid: str) -> str:
    """The ``id`` under which an object is shown: objects are found by UUID, MISP's clients only want a number."""
    return str(crc32(uuid.encode()))


def shown_attribute(one: Doc, number: int, event: int, obj: str = "0") -> Doc:
    """An attribute with its ids."""
    shown = {"id": str(number), "event_id": str(event), "object_id": obj, **one}
    shown["Tag"] = [shown_tag(tag) for tag in one["Tag"]]
    shown.setdefault("Galaxy", [])
    shown["ShadowAttribute"] = []
    if "Sighting" in one:
        about = {"attribute_id": str(number), "event_id": str(event)}
        shown["Sighting"] = [_as_texts({**about, **sighting}) for sighting in one["Sighting"]]
    return _as_texts(shown)


def shown_tag(tag: Doc) -> Doc:
    """A tag with the id that its name gives it here."""
    return {
        "id": tag_number(tag["name"]),
        "name": tag["name"],
        "colour": tag.get("colour", "#0088cc"),
        "exportable": True,
        "hide_tag": False,
        "user_id": "0",
        "numerical_value": None,
        "local": False,
    }


def tag_number(name: str) -> str:
    """A tag's id: drawn from its name, so that it needs no table."""
    return str(crc32(name.encode("utf-8", "replace")) or 1)


def _as_texts(doc: dict[str, Any]) -> dict[str, Any]:
    """Times as texts, as MISP's JSON has them."""
    return {key: str(value) if key in _TEXT_NUMBERS else value for key, value in doc.items()}
