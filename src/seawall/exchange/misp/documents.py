"""One spelling for MISP events (MISP core format, draft 2.4), whoever wrote them.

MISP, PyMISP and feeds write the same event with texts or numbers, with or without ids of one database, with fields at
their defaults or absent. ``canonical`` gives one form, so that two events can be compared and merged: identifiers of a
database are gone, times are whole seconds, defaults are written out, tags are sorted by name. What MISP keeps for its
own screens (related events, correlations, proposals, feed hits) is left out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from seawall.model import Fault

Doc = dict[str, Any]
NewUuid = Callable[[], str]

MAX_ATTRIBUTES = 200_000  # of one event; the largest public feeds stay below 120,000
MAX_VALUE = 1 << 20  # characters of a value: rules and reports stand in MISP's 64 KiB TEXT, attachments come beside
MAX_TAGS = 500  # of one event or attribute
MAX_TAG = 255  # characters: MISP's own column
MAX_TEXT = 1 << 16  # of a title or comment: MISP's TEXT
MAX_SECONDS = 1 << 33  # of a moment: the year 2242; a later one counts as not given
MAX_SIGHTINGS = 1_000  # kept with one attribute; the newest

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DATE = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]")
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9|_.:-]{0,99}")
_ATTRIBUTE_DEFAULTS: Doc = {
    "category": "",
    "comment": "",
    "distribution": "5",
    "disable_correlation": False,
    "first_seen": None,
    "last_seen": None,
    "object_relation": None,
    "sharing_group_id": "0",
}
_OBJECT_DEFAULTS: Doc = {
    "meta-category": "",
    "description": "",
    "template_uuid": None,
    "template_version": "1",
    "comment": "",
    "distribution": "5",
    "first_seen": None,
    "last_seen": None,
    "sharing_group_id": "0",
}
_EVENT_DEFAULTS: Doc = {
    "threat_level_id": "4",
    "analysis": "0",
    "distribution": "1",  # MISP.default_event_distribution: this community
    "sharing_group_id": "0",
    "extends_uuid": "",
}
_TEXTS = frozenset(
    {"distribution", "sharing_group_id", "threat_level_id", "analysis", "template_version", "category", "comment"}
)


def canonical(event: Doc, *, now: int, new_uuid: NewUuid) -> Doc:
    """The event in our spelling; ``now`` in seconds stands for missing times, ``new_uuid`` for missing UUIDs.

    Raises Fault E-EXCHANGE-301 for what cannot be an event at all. Attributes that cannot be one are listed under
    ``_rejected`` as (UUID or place, reason) and left out.
    """
    if not isinstance(event, dict):
        raise _no_event("it is no JSON object")
    info = _text(event.get("info"))
    if not info.strip():
        raise _no_event("it has no info")
    day = _text(event.get("date"))
    known = event.get("uuid")
    doc: Doc = {
        "uuid": uuid_of(known, new_uuid),
        "info": info[:MAX_TEXT],
        "date": day if _DATE.fullmatch(day) else time.strftime("%Y-%m-%d", time.gmtime(now)),
        "published": truth(event.get("published")),
        "timestamp": seconds(event.get("timestamp"), now),
        "publish_timestamp": seconds(event.get("publish_timestamp"), 0),
        **_defaults(event, _EVENT_DEFAULTS),
        "Tag": tags(event.get("Tag")),
    }
    for name in ("Org", "Orgc"):
        if isinstance(org := event.get(name), dict) and org.get("name"):
            doc[name] = {"name": _text(org["name"])[:255], "uuid": uuid_of(org.get("uuid"), lambda: "")}
    for name in ("SharingGroup", "Galaxy", "EventReport"):
        if event.get(name):
            doc[name] = event[name]
    rejected: list[tuple[str, str]] = []
    seen: set[str] = {doc["uuid"]}
    doc["Attribute"] = _attributes(event.get("Attribute"), seen, rejected, now, new_uuid)
    doc["Object"] = _objects(event.get("Object"), seen, rejected, now, new_uuid)
    if sum(1 for _ in all_attributes(doc)) > MAX_ATTRIBUTES:
        raise _no_event(f"it has more than {MAX_ATTRIBUTES} attributes")
    if rejected:
        doc["_rejected"] = rejected
    return doc


def all_attributes(doc: Doc) -> list[Doc]:
    """Every attribute, those of objects included."""
    return [*doc["Attribute"], *(one for obj in doc["Object"] for one in obj["Attribute"])]


def without_files(doc: Doc) -> Doc:
    """The event without attached files: what they are called, and their digests, are values."""
    bare = {**doc, "Attribute": [_without_file(one) for one in doc["Attribute"]]}
    bare["Object"] = [{**obj, "Attribute": [_without_file(one) for one in obj["Attribute"]]} for obj in doc["Object"]]
    return bare


def _without_file(one: Doc) -> Doc:
    return {name: value for name, value in one.items() if name != "data"} if "data" in one else one


def canonical_attribute(given: object, *, now: int, new_uuid: NewUuid) -> Doc:
    """One attribute in our spelling. Raises Fault E-EXCHANGE-302 with the reason."""
    if not isinstance(given, dict):
        raise _no_attribute("it is no JSON object")
    kind, value = given.get("type"), given.get("value")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise _no_attribute("it has no type")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise _no_attribute("it has no value")
    if len(value) > MAX_VALUE:
        raise _no_attribute(f"its value is longer than {MAX_VALUE} characters")
    doc: Doc = {
        "uuid": uuid_of(given.get("uuid"), new_uuid),
        "type": kind,
        "value": value,
        "to_ids": truth(given.get("to_ids")),
        "deleted": truth(given.get("deleted")),
        "timestamp": seconds(given.get("timestamp"), now),
        **_defaults(given, _ATTRIBUTE_DEFAULTS),
        "Tag": tags(given.get("Tag")),
    }
    if isinstance(data := given.get("data"), str) and data:
        doc["data"] = data
    if isinstance(sightings := given.get("Sighting"), list) and sightings:
        doc["Sighting"] = [_sighting(one, now, new_uuid) for one in sightings[-MAX_SIGHTINGS:] if isinstance(one, dict)]
    if given.get("Galaxy"):
        doc["Galaxy"] = given["Galaxy"]
    return doc


def tags(given: object) -> list[Doc]:
    """Tags by name, each once, sorted. Local ones stay where they are and are left out (MISP: "local" tags)."""
    found: dict[str, Doc] = {}
    for tag in given if isinstance(given, list) else ():
        if isinstance(tag, str):
            tag = {"name": tag}
        if not isinstance(tag, dict) or truth(tag.get("local")):
            continue
        name = _text(tag.get("name")).strip()
        if not 0 < len(name) <= MAX_TAG or len(found) >= MAX_TAGS:
            continue
        found[name] = {"name": name}
        if isinstance(colour := tag.get("colour"), str) and re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            found[name]["colour"] = colour
    return [found[name] for name in sorted(found)]


def truth(given: object) -> bool:
    """MISP writes true, 1, "1" and "true"."""
    return given in (True, 1, "1", "true", "True")


def seconds(given: object, absent: int) -> int:
    """Whole seconds since 1970 of a number or a text; ``absent`` for everything else."""
    try:
        moment = int(float(given)) if isinstance(given, (int, float, str)) and given != "" else absent
    except (ValueError, OverflowError):
        return absent
    return moment if 0 <= moment < MAX_SECONDS else absent


def uuid_of(given: object, new_uuid: NewUuid) -> str:
    """The UUID in lower case, or a new one."""
    text = given.lower() if isinstance(given, str) else ""
    return text if _UUID.fullmatch(text) else new_uuid()


def is_uuid(text: str) -> bool:
    """Whether it is written as one."""
    return _UUID.fullmatch(text.lower()) is not None


def _attributes(
    given: object, seen: set[str], rejected: list[tuple[str, str]], now: int, new_uuid: NewUuid
) -> list[Doc]:
    found: list[Doc] = []
    for place, one in enumerate(given if isinstance(given, list) else ()):
        try:
            doc = canonical_attribute(one, now=now, new_uuid=new_uuid)
            if doc["uuid"] in seen:
                raise _no_attribute("its UUID stands in the event already")
        except Fault as fault:
            name = one.get("uuid") if isinstance(one, dict) else None
            rejected.append((name[:64] if isinstance(name, str) else str(place), str(fault.values["reason"])))
            continue
        seen.add(doc["uuid"])
        found.append(doc)
    return found


def _objects(given: object, seen: set[str], rejected: list[tuple[str, str]], now: int, new_uuid: NewUuid) -> list[Doc]:
    found: list[Doc] = []
    for place, one in enumerate(given if isinstance(given, list) else ()):
        name = _text(one.get("name")).strip() if isinstance(one, dict) else ""
        if not name:
            rejected.append((str(place), "the object has no name"))
            continue
        doc: Doc = {
            "uuid": uuid_of(one.get("uuid"), new_uuid),
            "name": name[:131],  # MISP's own column
            "deleted": truth(one.get("deleted")),
            "timestamp": seconds(one.get("timestamp"), now),
            **_defaults(one, _OBJECT_DEFAULTS),
        }
        if doc["uuid"] in seen:
            rejected.append((doc["uuid"], "its UUID stands in the event already"))
            continue
        seen.add(doc["uuid"])
        doc["ObjectReference"] = _references(one.get("ObjectReference"), now, new_uuid)
        doc["Attribute"] = _attributes(one.get("Attribute"), seen, rejected, now, new_uuid)
        found.append(doc)
    return found


def _references(given: object, now: int, new_uuid: NewUuid) -> list[Doc]:
    found = [
        {
            "uuid": uuid_of(one.get("uuid"), new_uuid),
            "referenced_uuid": one["referenced_uuid"].lower(),
            "relationship_type": _text(one.get("relationship_type")),
            "comment": _text(one.get("comment")),
            "timestamp": seconds(one.get("timestamp"), now),
            "deleted": truth(one.get("deleted")),
        }
        for one in (given if isinstance(given, list) else ())
        if isinstance(one, dict) and isinstance(one.get("referenced_uuid"), str) and is_uuid(one["referenced_uuid"])
    ]
    return sorted(found, key=lambda one: str(one["uuid"]))


def _sighting(one: Doc, now: int, new_uuid: NewUuid) -> Doc:
    doc: Doc = {
        "uuid": uuid_of(one.get("uuid"), new_uuid),
        "type": _text(one.get("type") or "0"),
        "date_sighting": seconds(one.get("date_sighting"), now),
        "source": _text(one.get("source"))[:255],
    }
    if isinstance(org := one.get("Organisation"), dict) and org.get("name"):
        doc["Organisation"] = {"name": _text(org["name"])[:255], "uuid": uuid_of(org.get("uuid"), lambda: "")}
    return doc


def _defaults(given: Doc, defaults: Doc) -> Doc:
    found: Doc = {}
    for name, absent in defaults.items():
        value = given.get(name)
        if value is None or value == "":
            value = absent
        elif name in _TEXTS or isinstance(absent, str) or absent is None:
            value = _text(value)[:MAX_TEXT]
        elif isinstance(absent, bool):
            value = truth(value)
        found[name] = value
    return found


def _text(given: object) -> str:
    if isinstance(given, str):
        return given
    return str(given) if isinstance(given, (int, float)) and not isinstance(given, bool) else ""


def _no_event(reason: str) -> Fault:
    return Fault("E-EXCHANGE-301", "This is no MISP event: {reason}.", reason=reason)


def _no_attribute(reason: str) -> Fault:
    return Fault("E-EXCHANGE-302", "This is no MISP attribute: {reason}.", reason=reason)
