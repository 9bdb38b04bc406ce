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
    """The rows of a canonical event; ``unmarked`` is the level of what carries no TLP tag."""
    event_tags = names_of(doc)
    floor = _floor(doc)
    attributes = [_row(one, None, event_tags, unmarked, floor) for one in doc["Attribute"]]
    for obj in doc["Object"]:
        level = max(floor, _floor(obj))
        attributes += [_row(one, obj, event_tags, unmarked, level) for one in obj["Attribute"]]
    head = {key: value for key, value in doc.items() if key not in ("Attribute", "_rejected")}
    head["Object"] = [{key: value for key, value in obj.items() if key != "Attribute"} for obj in doc["Object"]]
    tlp, pap = _markings(event_tags, unmarked)
    return MispEvent(
        uuid=doc["uuid"],
        timestamp=doc["timestamp"],
        publish_timestamp=doc["publish_timestamp"],
        published=doc["published"],
        date=doc["date"],
        info=doc["info"],
        tlp=max(tlp, floor),
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


def _row(one: Doc, obj: Doc | None, event_tags: tuple[str, ...], unmarked: Tlp, floor: Tlp) -> MispAttribute:
    own = names_of(one)
    tlp, pap = _markings(event_tags + own, unmarked)
    return MispAttribute(
        uuid=one["uuid"],
        type=one["type"],
        category=one["category"],
        value=one["value"],
        to_ids=one["to_ids"],
        deleted=one["deleted"] or bool(obj and obj["deleted"]),
        timestamp=one["timestamp"],
        tlp=max(tlp, floor, _floor(one)),
        pap=pap,
        body=_encode(one),
        object=obj["uuid"] if obj is not None else None,
        object_name=obj["name"] if obj is not None else None,
        tags=own,
    )


def _markings(tags: tuple[str, ...], unmarked: Tlp) -> tuple[Tlp, Pap]:
    tlp = [level for level in map(tlp_of_label, tags) if level is not None]
    pap = [level for level in map(pap_of_label, tags) if level is not None]
    return max(tlp, default=unmarked), max(pap, default=Pap.GREEN)


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


def shown_event(event: MispEvent, *, deleted: bool = False, attributes: bool = True) -> Doc:
    """The event as MISP answers it: with ids, numbers as texts; soft-deleted parts only when asked for."""
    doc = to_doc(event)
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
