"""Three-way merge of one MISP event: what we hold, what a MISP holds, and what both held when they last agreed.

The rule, part by part (the event's head, each attribute, each object):

- changed on one side since they agreed: that side's word;
- changed on both: the later ``timestamp``; in the same second the MISP's;
- tags are sets: what either side added is in, what either side took away is out;
- deleted is a change like any other, except that a part which is gone altogether (MISP's "hard" deletion) stays gone.

Never merged: whether an event is published, its organisations and sharing group (a number of that one server), event
reports and galaxy texts are the MISP's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seawall.exchange.misp.documents import Doc

HEAD = ("info", "date", "threat_level_id", "analysis", "distribution", "extends_uuid")
ATTRIBUTE = ("type", "category", "value", "to_ids", "comment", "deleted", "distribution",
             "disable_correlation", "first_seen", "last_seen", "object_relation")  # fmt: skip
OBJECT = ("name", "meta-category", "description", "template_uuid", "template_version", "comment", "distribution",
          "first_seen", "last_seen", "deleted")  # fmt: skip
THEIRS = ("sharing_group_id", "published", "publish_timestamp", "Org", "Orgc", "SharingGroup", "Galaxy", "EventReport")
REFERENCE = ("referenced_uuid", "relationship_type", "comment", "deleted")


def merge(base: Doc | None, ours: Doc, theirs: Doc) -> Doc:
    """The event that both sides should hold. ``base``: what the MISP held when we last looked; None: never seen."""
    merged = _part(base, ours, theirs, HEAD)
    merged["uuid"] = ours["uuid"]
    for name in THEIRS:
        if name in theirs or name in ours:
            merged[name] = theirs.get(name, ours.get(name))
    merged["Tag"] = _tags(base, ours, theirs)
    merged["Attribute"] = _parts(base, ours, theirs, "Attribute", _attribute)
    merged["Object"] = _parts(base, ours, theirs, "Object", _object)
    return merged


def _attribute(base: Doc | None, ours: Doc, theirs: Doc) -> Doc:
    merged = _part(base, ours, theirs, ATTRIBUTE)
    merged["uuid"] = ours["uuid"]
    merged["sharing_group_id"] = theirs["sharing_group_id"]
    merged["Tag"] = _tags(base, ours, theirs)
    named = [side for side in (theirs, ours) if side.get("data") and side["value"] == merged["value"]]
    if named:  # a file belongs to its name and digest, which are the value; a MISP does not always show it
        merged["data"] = named[0]["data"]
    if sightings := _sightings(ours, theirs):
        merged["Sighting"] = sightings
    if galaxy := theirs.get("Galaxy", ours.get("Galaxy")):
        merged["Galaxy"] = galaxy
    return merged


def _object(base: Doc | None, ours: Doc, theirs: Doc) -> Doc:
    merged = _part(base, ours, theirs, OBJECT)
    merged["uuid"] = ours["uuid"]
    merged["sharing_group_id"] = theirs["sharing_group_id"]
    merged["ObjectReference"] = _parts(base, ours, theirs, "ObjectReference", _reference)
    merged["Attribute"] = _parts(base, ours, theirs, "Attribute", _attribute)
    return merged


def _reference(base: Doc | None, ours: Doc, theirs: Doc) -> Doc:
    return {**_part(base, ours, theirs, REFERENCE), "uuid": ours["uuid"]}


def _part(base: Doc | None, ours: Doc, theirs: Doc, fields: tuple[str, ...]) -> Doc:
    """The fields of one part, all from one side, and a time that says so to the other."""
    mine, other = content(ours, fields), content(theirs, fields)
    agreed = content(base, fields) if base is not None else None
    if mine in (other, agreed):
        winner = other
    elif agreed is not None and other == agreed:
        winner = mine
    else:
        winner = mine if ours["timestamp"] > theirs["timestamp"] else other
    moment = max(ours["timestamp"], theirs["timestamp"])
    if winner != other:
        moment = max(moment, theirs["timestamp"] + 1)  # a MISP takes an edit only when it is newer
    return {**winner, "timestamp": moment}


def content(part: Doc, fields: tuple[str, ...]) -> Doc:
    """What a part says, without its times, tags and parts."""
    return {name: part[name] for name in fields if part.get(name) is not None}


def _parts(
    base: Doc | None, ours: Doc, theirs: Doc, kind: str, join: Callable[[Doc | None, Doc, Doc], Doc]
) -> list[Any]:
    """Parts of both sides by UUID, ours in our order, then what is new to us."""
    agreed = by_uuid(base, kind) if base is not None else {}
    mine, other = by_uuid(ours, kind), by_uuid(theirs, kind)
    merged = []
    for uuid, one in mine.items():
        if uuid in other:
            merged.append(join(agreed.get(uuid), one, other[uuid]))
        elif uuid not in agreed or agreed[uuid].get("deleted"):
            merged.append(one)  # added here, or deleted there before and since purged
        else:
            merged.append(_gone(one, theirs["timestamp"]))
    merged += [one for uuid, one in other.items() if uuid not in mine and uuid not in agreed]
    merged += [_gone(one, ours["timestamp"]) for uuid, one in other.items() if uuid not in mine and uuid in agreed]
    return merged


def _gone(one: Doc, moment: int) -> Doc:
    """A part that one side does not have any more."""
    gone = {**one, "deleted": True, "timestamp": max(one["timestamp"] + 1, moment)}
    if "Attribute" in one:
        gone["Attribute"] = [_gone(inside, moment) for inside in one["Attribute"]]
    return gone


def by_uuid(holder: Doc, kind: str) -> dict[str, Doc]:
    """The parts of one kind by UUID, in order."""
    return {one["uuid"]: one for one in holder.get(kind, ())}


def _tags(base: Doc | None, ours: Doc, theirs: Doc) -> list[Doc]:
    mine, other = ({tag["name"]: tag for tag in side["Tag"]} for side in (ours, theirs))
    agreed = {tag["name"] for tag in base["Tag"]} if base is not None else set()
    both = mine.keys() & other.keys()
    kept = both | ((mine.keys() ^ other.keys()) - agreed)
    return [{**mine.get(name, {}), **other.get(name, {})} for name in sorted(kept)]


def _sightings(ours: Doc, theirs: Doc) -> list[Doc]:
    """All of both. A MISP gives a sighting a UUID of its own: what it says tells whether it is the same."""
    found: dict[tuple[object, ...], Doc] = {}
    for one in (*ours.get("Sighting", ()), *theirs.get("Sighting", ())):
        found.setdefault((one["type"], one["date_sighting"], one["source"]), one)
    return list(found.values())
