"""The parts of one event put together as MISP's core format spells it; what makes no sense there is told as a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from seawall.codec.misp.marking import distribution_of, floor_of, said_by, tags_of
from seawall.codec.misp.reading import MAX_TEXT, Json, moment_in, text_of, uuid_from, uuid_in, uuid_text
from seawall.codec.misp.trust import speaks_for
from seawall.codec.misp.types import CATEGORIES, KNOWN_TYPES
from seawall.codec.moments import moment_of
from seawall.model import Tlp
from seawall.model.clock import from_microseconds
from seawall.model.stix.tlp import tlp_of_refs

Losses = list[tuple[str, str]]
Floor = Callable[[str], Tlp]


class Gathered:
    """What was found of one event."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.report: Json | None = None
        self.header: Json = {}
        self.attributes: dict[str, tuple[Json, Json, str | None]] = {}  # UUID -> object, what MISP said, object's UUID
        self.objects: dict[str, tuple[Json, Json]] = {}
        self.reports: list[tuple[Json, Json]] = []
        self.sightings: list[tuple[Json, Json, str | None]] = []
        self.references: list[tuple[Json, Json, str | None]] = []
        self.data: dict[str, str] = {}
        self.made: list[Json] = []  # attributes that were made of plain STIX, finished but for their order
        self.made_reports: list[Json] = []
        self.extra_tags: dict[str, list[str]] = {}  # UUID of an attribute, or "" for the event -> tags

    def take(self, obj: Json, part: Json) -> None:
        """One object that carries a part of this event."""
        misp = part.get("misp", {})
        uuid = uuid_of(obj)
        inside = uuid_in(part, "object_uuid")
        kind = part["kind"]
        if kind == "event":
            self.report, self.header = obj, misp
        elif kind == "attribute":
            self.attributes[uuid] = obj, misp, inside
        elif kind == "object":
            self.objects[uuid] = obj, misp
        elif kind == "report":
            self.reports.append((obj, misp))
        elif kind == "sighting":
            self.sightings.append((obj, misp, inside))
        elif kind == "reference":
            self.references.append((obj, misp, inside))
        elif isinstance(obj.get("payload_bin"), str) and inside is not None:
            self.data[inside] = obj["payload_bin"]

    def strangers(self) -> list[Json]:
        """Attributes and objects of another creator than the event's, taken out of it."""
        found: list[Json] = []
        for uuid, (obj, _, _) in list(self.attributes.items()):
            if not speaks_for(obj, self.report):
                found.append(self.attributes.pop(uuid)[0])
        for uuid, (obj, _) in list(self.objects.items()):
            if not speaks_for(obj, self.report):
                found.append(self.objects.pop(uuid)[0])
        return found

    def places(self) -> dict[str, int]:
        """Where the report lists an object, by UUID."""
        refs = self.report.get("object_refs") if self.report is not None else None
        found = [ref for ref in refs if isinstance(ref, str)] if isinstance(refs, list) else []
        return {ref.partition("--")[2]: place for place, ref in reversed(list(enumerate(found)))}


class Shared:
    """What several events refer to: identities by id, galaxy clusters by the tag that names them."""

    def __init__(self) -> None:
        self.identities: dict[str, Json] = {}
        self.clusters: dict[str, tuple[Json, Json]] = {}  # tag name -> galaxy, cluster


def uuid_of(obj: Mapping[str, Any]) -> str:
    """The UUID in a STIX id; one derived from it when there is none."""
    identifier = str(obj.get("id"))
    return uuid_text(identifier.rpartition("--")[2]) or uuid_from(identifier[:300])


def seconds_of(obj: Mapping[str, Any]) -> str:
    """A version as MISP's timestamp: whole seconds, as text."""
    moment = moment_of(str(obj.get("modified") or obj.get("created") or "")[:40]) or 0
    return str(moment // 1_000_000)


def _digits(text: str) -> str:
    """Epoch seconds as MISP writes them; empty for anything else."""
    return text if text.isascii() and text.isdigit() and len(text) < 11 else ""


def _seconds(misp: Json, obj: Json) -> str:
    return _digits(text_of(misp, "timestamp", 20)) or seconds_of(obj)


def finished(gathered: Gathered, shared: Shared, losses: Losses, *, distribution: bool = True) -> Json:
    """The content of ``Event``."""
    places = gathered.places()
    last = len(places)
    sightings = _sightings_by_attribute(gathered, shared)
    attributes: dict[str | None, list[tuple[int, Json]]] = {}
    for uuid, (obj, misp, inside) in gathered.attributes.items():
        made = _attribute(uuid, obj, misp, losses)
        if made is None:
            continue
        for tag in gathered.extra_tags.get(uuid, ()):
            if all(held["name"] != tag for held in made["Tag"]):
                made["Tag"] = [*made["Tag"], {"name": tag}]
        if uuid in gathered.data:
            made["data"] = gathered.data[uuid]
        holder = inside if inside in gathered.objects else None
        attributes.setdefault(holder, []).append((places.get(uuid, last), made))
    for made in gathered.made:
        attributes.setdefault(None, []).append((places.get(made["uuid"], last), made))
    for listed in attributes.values():
        for _, made in listed:
            if found := sightings.pop(made["uuid"], None):
                made["Sighting"] = found
    event = _header(gathered, shared, losses)
    _mark(event, gathered, attributes, floor_of if distribution else _no_floor)
    event["Attribute"] = _in_order(attributes.get(None, []))
    event["Object"] = [
        _object(uuid, obj, misp, _in_order(attributes.get(uuid, [])), gathered, losses)
        for uuid, (obj, misp) in sorted(gathered.objects.items(), key=lambda item: (places.get(item[0], last), item[0]))
    ]
    event["EventReport"] = [_event_report(obj, misp) for obj, misp in gathered.reports] + gathered.made_reports
    _add_galaxies(event, gathered.header, shared)
    everything = [*event["Attribute"], *(made for part in event["Object"] for made in part["Attribute"])]
    for made in everything if shared.clusters else ():
        _add_galaxies(made, gathered.attributes.get(made["uuid"], ({}, {}, None))[1], shared)
    for holder in (event, *everything):
        for name in [name for name, value in holder.items() if value == [] and name not in ("Attribute", "Object")]:
            del holder[name]
    left = [identity for found in sightings.values() for identity in (str(part.get("uuid")) for part in found)]
    losses.extend((f"sighting--{uuid}", "what it saw is not among the exported objects") for uuid in left)
    return event


def _in_order(listed: list[tuple[int, Json]]) -> list[Json]:
    return [made for _, made in sorted(listed, key=lambda item: (item[0], item[1]["uuid"]))]


def _header(gathered: Gathered, shared: Shared, losses: Losses) -> Json:
    """The event without its parts."""
    report, misp = gathered.report or {}, gathered.header
    event: Json = {
        "uuid": gathered.uuid,
        "info": str(report.get("name") or "Untitled event")[:MAX_TEXT],
        "date": _date(misp, report),
        "timestamp": _seconds(misp, report),
        "threat_level_id": _one_of(misp, "threat_level_id", ("1", "2", "3", "4"), "4"),
        "analysis": _one_of(misp, "analysis", ("0", "1", "2"), "0" if gathered.header else "2"),
        "published": misp.get("published") is True or text_of(misp, "published", 5) in ("1", "true"),
    }
    for name in ("publish_timestamp", "sighting_timestamp"):
        if seconds := _digits(text_of(misp, name, 20)):
            event[name] = seconds
    if extended := uuid_in(misp, "extends_uuid"):
        event["extends_uuid"] = extended
    if misp.get("disable_correlation"):
        event["disable_correlation"] = True
    _distribute(event, misp, losses, str(report.get("id")), inherits=False)
    if (creator := shared.identities.get(str(report.get("created_by_ref")))) is not None:
        event["Orgc"] = {"uuid": uuid_of(creator), "name": str(creator.get("name"))[:250]}
    event["Tag"] = tags_of(misp)
    return event


def _date(misp: Json, report: Json) -> str:
    moment = moment_in(misp, "date") or moment_of(str(report.get("published") or report.get("created") or "")[:40]) or 0
    return from_microseconds(moment).strftime("%Y-%m-%d")


def _one_of(misp: Json, name: str, allowed: tuple[str, ...], default: str) -> str:
    found = text_of(misp, name, 4)
    return found if found in allowed else default


def _distribute(made: Json, misp: Json, losses: Losses, identifier: str, *, inherits: bool = True) -> None:
    """Distribution as it was; a sharing group that nobody can look up any more becomes "your organisation only"."""
    found = text_of(misp, "distribution", 4)
    if found not in ("0", "1", "2", "3", "4") and not (inherits and found == "5"):
        return
    made["distribution"] = found
    if found != "4":
        return
    number = text_of(misp, "sharing_group_id", 20)
    if not number.isdigit() or number == "0":
        made["distribution"] = "0"
        losses.append((identifier, "its sharing group is not known here; it goes to your organisation only"))
        return
    made["sharing_group_id"] = number
    group = misp.get("SharingGroup")
    if isinstance(group, dict):
        names = ("uuid", "name", "releasability")
        made["SharingGroup"] = {key: str(group[key])[:250] for key in names if key in group}


def _attribute(uuid: str, obj: Json, misp: Json, losses: Losses) -> Json | None:
    """One attribute as it came, of a type and category that MISP knows."""
    kind, value = text_of(misp, "type", 100), misp.get("value")
    if not kind or not isinstance(value, (str, int, float)):
        losses.append((str(obj.get("id")), "its extension names no type or value"))
        return None
    return attribute(
        uuid,
        kind,
        str(value),
        misp,
        losses,
        identifier=str(obj.get("id")),
        timestamp=_seconds(misp, obj),
        deleted=obj.get("revoked") is True,
    )


def attribute(
    uuid: str,
    kind: str,
    value: str,
    misp: Json,
    losses: Losses,
    *,
    identifier: str,
    timestamp: str,
    deleted: bool,
) -> Json:
    """A MISP attribute. A type that MISP does not have becomes ``other``, an unknown category the usual one."""
    if kind not in KNOWN_TYPES:
        losses.append((identifier, f"MISP has no attribute type {kind[:40]!r}; it goes as 'other'"))
        misp = {**misp, "comment": f"{kind}: {text_of(misp, 'comment')}".strip(": ")}
        kind = "other"
    if kind == "datetime" and moment_of(value[:40]) is None:
        kind = "text"
    category = text_of(misp, "category", 60)
    usual, detects = KNOWN_TYPES[kind]
    flag = misp.get("to_ids")
    made: Json = {
        "uuid": uuid,
        "type": kind,
        "category": category if category in CATEGORIES else usual,
        "to_ids": flag if isinstance(flag, bool) else detects,
        "value": value,
        "timestamp": timestamp,
        "comment": text_of(misp, "comment"),
        "deleted": deleted,
        "disable_correlation": misp.get("disable_correlation") in (True, 1, "1"),
        "Tag": tags_of(misp),
    }
    _distribute(made, misp, losses, identifier)
    for name in ("first_seen", "last_seen"):
        if (text := text_of(misp, name, 40)) and moment_of(text) is not None:
            made[name] = text
    if relation := text_of(misp, "object_relation", 250):
        made["object_relation"] = relation
    return made


def _object(uuid: str, obj: Json, misp: Json, attributes: list[Json], gathered: Gathered, losses: Losses) -> Json:
    made: Json = {
        "uuid": uuid,
        "name": text_of(misp, "name", 250) or str(obj.get("name") or "object")[:250],
        "timestamp": _seconds(misp, obj),
        "comment": text_of(misp, "comment"),
        "deleted": obj.get("revoked") is True,
    }
    made["meta-category"] = text_of(misp, "meta-category", 100) or "misc"
    for name in ("description", "template_uuid", "template_version", "first_seen", "last_seen"):
        if text := text_of(misp, name):
            made[name] = text
    _distribute(made, misp, losses, str(obj.get("id")))
    made["Attribute"] = attributes
    references = [
        {
            "uuid": uuid_of(reference),
            "object_uuid": uuid,
            "referenced_uuid": uuid_of({"id": reference.get("target_ref")}),
            "relationship_type": text_of(said, "relationship_type", 250) or str(reference.get("relationship_type")),
            "comment": text_of(said, "comment"),
            "timestamp": _seconds(said, reference),
            "deleted": reference.get("revoked") is True,
        }
        for reference, said, source in gathered.references
        if source == uuid
    ]
    if references:
        made["ObjectReference"] = references
    return made


def _event_report(obj: Json, misp: Json) -> Json:
    made: Json = {
        "uuid": uuid_of(obj),
        "name": text_of(misp, "name", 250) or str(obj.get("abstract") or "Report")[:250],
        "content": str(obj.get("content")),
        "timestamp": _seconds(misp, obj),
        "deleted": obj.get("revoked") is True,
    }
    if (distribution := text_of(misp, "distribution", 4)) in ("0", "1", "2", "3", "5"):
        made["distribution"] = distribution
    return made


def _sightings_by_attribute(gathered: Gathered, shared: Shared) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for obj, misp, about in gathered.sightings:
        made: Json = {
            "uuid": uuid_of(obj),
            "type": text_of(misp, "type", 4) or "0",
            "source": text_of(misp, "source", 250),
            "date_sighting": _digits(text_of(misp, "date_sighting", 20)) or seconds_of(obj),
        }
        where = shared.identities.get(str(obj.get("created_by_ref")))
        if where is not None and about is not None:
            made["Organisation"] = {"uuid": uuid_of(where), "name": str(where.get("name"))[:250]}
        if about is not None:
            made["attribute_uuid"] = about
        found.setdefault(about or "", []).append(made)
    return found


def _add_galaxies(event: Json, header: Json, shared: Shared) -> None:
    """The galaxies that the tags of an event or attribute name, as far as their clusters are known."""
    listed = header.get("galaxies")
    names = [tag["name"] for tag in event.get("Tag", ())]
    names += [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    galaxies: dict[str, Json] = {}
    for name in dict.fromkeys(names):
        if (held := shared.clusters.get(name)) is not None:
            galaxy, cluster = held
            entry = galaxies.setdefault(str(galaxy.get("uuid") or galaxy.get("type")), {**galaxy, "GalaxyCluster": []})
            entry["GalaxyCluster"].append(cluster)
    event["Galaxy"] = list(galaxies.values())


def _mark(event: Json, gathered: Gathered, attributes: dict[str | None, list[tuple[int, Json]]], floor: Floor) -> None:
    """Tags for markings that neither tags nor distribution say, so that nothing gets wider on its way."""
    said = _told(event, None, floor)
    level = tlp_of_refs(_refs(gathered.report or {}))
    if level is not None and (said is None or level > said):
        event["Tag"] = [*event["Tag"], {"name": f"tlp:{level.label}"}]
        said = level
    for holder, listed in attributes.items():
        around = said
        if holder is not None and (lowest := floor(distribution_of(gathered.objects[holder][1]))) > Tlp.CLEAR:
            around = lowest if said is None else max(lowest, said)
        for _, made in listed:
            own = tlp_of_refs(_refs(gathered.attributes.get(made["uuid"], ({}, {}, None))[0]))
            told = _told(made, around, floor)
            if own is not None and (told is None or own > told):
                made["Tag"] = [*made["Tag"], {"name": f"tlp:{own.label}"}]


def _refs(obj: Json) -> list[str]:
    refs = obj.get("object_marking_refs")
    return [ref for ref in refs if isinstance(ref, str)] if isinstance(refs, list) else []


def _no_floor(distribution: str) -> Tlp:  # noqa: ARG001 - where nothing is distributed, nothing is kept narrow by it
    return Tlp.CLEAR


def _told(holder: Json, around: Tlp | None, floor: Floor) -> Tlp | None:
    """What tags and distribution of a part, and what is around it, say; None: nothing."""
    lowest = floor(distribution_of(holder))
    tagged = said_by(tuple(tag["name"] for tag in holder["Tag"])).tlp
    levels = (tagged, around, lowest if lowest > Tlp.CLEAR else None)
    return max((level for level in levels if level is not None), default=None)
