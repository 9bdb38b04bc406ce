"""What a MISP must be told so that it holds an event as we do: an edit with the parts that differ, and tags one by one.

MISP's events/edit takes parts with a newer time, adds tags and never takes one away: removals are calls of their own.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from seawall.exchange.misp.documents import Doc, all_attributes
from seawall.exchange.misp.merge import ATTRIBUTE, HEAD, OBJECT, REFERENCE, by_uuid, content


class Changes(msgspec.Struct, frozen=True):
    """The calls to make: an edit (None: none), then tags to attach and to remove as (UUID, name)."""

    edit: Doc | None
    attach: tuple[tuple[str, str], ...] = ()
    remove: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return self.edit is not None or bool(self.attach or self.remove)


def changes(theirs: Doc, ours: Doc) -> Changes:
    """How to make ``theirs`` (what the MISP is known to hold) say what ``ours`` says."""
    attach: list[tuple[str, str]] = []
    remove: list[tuple[str, str]] = []
    _compare_tags(theirs, ours, attach, remove)
    attributes = _attributes(theirs, ours, attach, remove)
    objects = _objects(theirs, ours, attach, remove)
    edit: Doc | None = None
    if attributes or objects or content(theirs, HEAD) != content(ours, HEAD):
        moment = max(ours["timestamp"], theirs["timestamp"] + 1)
        said = {name: value for name, value in _said(ours, HEAD).items() if theirs.get(name) != value}
        edit = {"uuid": ours["uuid"], **said, "timestamp": str(moment)}
        edit |= {"Attribute": attributes, "Object": objects}
    return Changes(edit, tuple(attach), tuple(remove))


def whole(ours: Doc) -> Doc:
    """A new event as events/add takes it: everything that is not deleted; nobody's decision to publish."""
    event = {"uuid": ours["uuid"], **_said(ours, HEAD), "timestamp": str(ours["timestamp"]), "published": False}
    event["Tag"] = [{"name": tag["name"]} for tag in ours["Tag"]]
    event["Attribute"] = [_as_new(one) for one in ours["Attribute"] if not one["deleted"]]
    event["Object"] = [_object_as_new(obj) for obj in ours["Object"] if not obj["deleted"]]
    if "Orgc" in ours:
        event["Orgc"] = ours["Orgc"]
    return event


def acknowledged(base: Doc | None, ours: Doc, answered: Doc, told: frozenset[str]) -> tuple[Doc, int]:
    """(What the MISP holds after it took ``ours``, how many parts it did not take as told), by its own answer.

    What others changed there in the meantime is not taken for agreed: such parts stay as ``base`` knew them.
    """
    tally = [0]
    held = {**ours, "timestamp": answered["timestamp"]}
    for kind, fields in (("Attribute", ATTRIBUTE), ("Object", OBJECT)):
        held[kind] = _held(base, ours, answered, kind, fields, told, tally)
    if content(answered, HEAD) != content(ours, HEAD):
        held |= content(answered, HEAD) if ours["uuid"] in told or base is None else content(base, HEAD)
    return held, tally[0]


def _held(
    base: Doc | None,
    ours: Doc,
    answered: Doc,
    kind: str,
    fields: tuple[str, ...],
    told: frozenset[str],
    tally: list[int],
) -> list[Doc]:
    there, before = by_uuid(answered, kind), by_uuid(base, kind) if base is not None else {}
    found = []
    for one in ours[kind]:
        other, old = there.get(one["uuid"]), before.get(one["uuid"])
        if other is None:
            tally[0] += not one["deleted"]
            continue
        if content(one, fields) == content(other, fields):
            entry = {**one, "timestamp": other["timestamp"]}
        elif one["uuid"] in told or old is None:
            tally[0] += one["uuid"] in told
            entry = {**other, "Tag": one["Tag"]} if "Tag" in one else other
        else:
            entry = old
        if kind == "Object":
            entry = {**entry, "Attribute": _held(old, one, other, "Attribute", ATTRIBUTE, told, tally)}
            entry["ObjectReference"] = other["ObjectReference"]
        found.append(entry)
    return found


def once_more(edit: Doc | None, told: frozenset[str]) -> Doc | None:
    """Of a second edit, only what was told the first time: others may have changed the rest since."""
    if edit is None:
        return None
    attributes = [one for one in edit["Attribute"] if one["uuid"] in told]
    objects = [
        {**obj, "Attribute": [one for one in obj["Attribute"] if one["uuid"] in told]}
        for obj in edit["Object"]
        if obj["uuid"] in told
    ]
    if not attributes and not objects:
        return None
    return {"uuid": edit["uuid"], "timestamp": edit["timestamp"], "Attribute": attributes, "Object": objects}


def retagged(held: Doc, unset: Collection[tuple[str, str]], stuck: Collection[tuple[str, str]]) -> Doc:
    """What the MISP holds when it did not set some tags, and did not take some away, as (UUID, name)."""
    for holder in (held, *all_attributes(held)) if unset or stuck else ():
        kept = [tag for tag in holder["Tag"] if (holder["uuid"], tag["name"]) not in unset]
        kept += [{"name": name} for uuid, name in stuck if uuid == holder["uuid"]]
        holder["Tag"] = sorted(kept, key=lambda tag: str(tag["name"]))
    return held


def told_in(edit: Doc | None) -> frozenset[str]:
    """The UUIDs of all parts of an edit."""
    if edit is None:
        return frozenset()
    parts = [edit, *edit["Attribute"], *edit["Object"]]
    return frozenset(one["uuid"] for one in parts) | {
        inside["uuid"] for obj in edit["Object"] for inside in obj["Attribute"]
    }


def _said(part: Doc, fields: tuple[str, ...]) -> Doc:
    """What a part says, as another server can take it: a sharing group is known to its own server only."""
    said = content(part, fields)
    if said.get("distribution") == "4":
        del said["distribution"]
    return said


def _attributes(theirs: Doc, ours: Doc, attach: list[tuple[str, str]], remove: list[tuple[str, str]]) -> list[Doc]:
    held, told = by_uuid(theirs, "Attribute"), []
    for one in ours["Attribute"]:
        other = held.get(one["uuid"])
        if other is None:
            if not one["deleted"]:
                told.append(_as_new(one))
            continue
        if content(one, ATTRIBUTE) != content(other, ATTRIBUTE):
            moment = max(one["timestamp"], other["timestamp"] + 1)
            told.append({"uuid": one["uuid"], **_said(one, ATTRIBUTE), **_file(one), "timestamp": str(moment)})
        if not one["deleted"]:
            _compare_tags(other, one, attach, remove)
    return told


def _objects(theirs: Doc, ours: Doc, attach: list[tuple[str, str]], remove: list[tuple[str, str]]) -> list[Doc]:
    held, told = by_uuid(theirs, "Object"), []
    for obj in ours["Object"]:
        other = held.get(obj["uuid"])
        if other is None:
            if not obj["deleted"]:
                told.append(_object_as_new(obj))
            continue
        attributes = _attributes(other, obj, attach, remove)
        known = by_uuid(other, "ObjectReference")
        references = [
            {"uuid": one["uuid"], **content(one, REFERENCE), "timestamp": str(one["timestamp"])}
            for one in obj["ObjectReference"]
            if one["uuid"] not in known or content(one, REFERENCE) != content(known[one["uuid"]], REFERENCE)
        ]
        if attributes or references or content(obj, OBJECT) != content(other, OBJECT):
            moment = max(obj["timestamp"], other["timestamp"] + 1)
            said = {"uuid": obj["uuid"], **_said(obj, OBJECT), "timestamp": str(moment)}
            told.append({**said, "Attribute": attributes, "ObjectReference": references})
    return told


def _compare_tags(theirs: Doc, ours: Doc, attach: list[tuple[str, str]], remove: list[tuple[str, str]]) -> None:
    there, here = ({tag["name"] for tag in side["Tag"]} for side in (theirs, ours))
    attach += [(ours["uuid"], name) for name in sorted(here - there)]
    remove += [(ours["uuid"], name) for name in sorted(there - here)]


def _as_new(one: Doc) -> Doc:
    said = {"uuid": one["uuid"], **_said(one, ATTRIBUTE), **_file(one), "timestamp": str(one["timestamp"])}
    return {**said, "Tag": [{"name": tag["name"]} for tag in one["Tag"]]}


def _file(one: Doc) -> Doc:
    """The file attached to an attribute: told with it, never compared, because a MISP does not always show it."""
    return {"data": one["data"]} if "data" in one and not one["deleted"] else {}


def _object_as_new(obj: Doc) -> Doc:
    said = {"uuid": obj["uuid"], **_said(obj, OBJECT), "timestamp": str(obj["timestamp"])}
    said["Attribute"] = [_as_new(one) for one in obj["Attribute"] if not one["deleted"]]
    return {**said, "ObjectReference": obj["ObjectReference"]}
