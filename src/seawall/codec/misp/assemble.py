"""The parts of one event put together as MISP's core format spells it; what makes no sense there is told as a loss."""

from __future__ import annotations

from seawall.codec.misp.gathered import Gathered, Shared
from seawall.codec.misp.marking import floor_of, tags_of
from seawall.codec.misp.pieces import Losses, attribute, digits_of, distribute, seconds_of, timestamp_of, uuid_of
from seawall.codec.misp.reading import MAX_TEXT, Json, moment_in, text_of, uuid_in
from seawall.codec.misp.remark import mark, no_floor
from seawall.codec.moments import moment_of
from seawall.model.clock import from_microseconds


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
    mark(event, gathered, attributes, floor_of if distribution else no_floor)
    event["Attribute"] = _in_order(attributes.get(None, []))
    references: dict[str | None, list[tuple[Json, Json]]] = {}
    for reference, said, source in gathered.references:
        references.setdefault(source, []).append((reference, said))
    event["Object"] = [
        _object(uuid, obj, misp, _in_order(attributes.get(uuid, [])), references.get(uuid, []), losses)
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
        "timestamp": timestamp_of(misp, report),
        "threat_level_id": _one_of(misp, "threat_level_id", ("1", "2", "3", "4"), "4"),
        "analysis": _one_of(misp, "analysis", ("0", "1", "2"), "0" if gathered.header else "2"),
        "published": misp.get("published") is True or text_of(misp, "published", 5) in ("1", "true"),
    }
    for name in ("publish_timestamp", "sighting_timestamp"):
        if seconds := digits_of(text_of(misp, name, 20)):
            event[name] = seconds
    if extended := uuid_in(misp, "extends_uuid"):
        event["extends_uuid"] = extended
    if misp.get("disable_correlation"):
        event["disable_correlation"] = True
    distribute(event, misp, losses, str(report.get("id")), inherits=False)
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
        timestamp=timestamp_of(misp, obj),
        deleted=obj.get("revoked") is True,
    )


def _object(
    uuid: str, obj: Json, misp: Json, attributes: list[Json], tied: list[tuple[Json, Json]], losses: Losses
) -> Json:
    made: Json = {
        "uuid": uuid,
        "name": text_of(misp, "name", 250) or str(obj.get("name") or "object")[:250],
        "timestamp": timestamp_of(misp, obj),
        "comment": text_of(misp, "comment"),
        "deleted": obj.get("revoked") is True,
    }
    made["meta-category"] = text_of(misp, "meta-category", 100) or "misc"
    for name in ("description", "template_uuid", "template_version", "first_seen", "last_seen"):
        if text := text_of(misp, name):
            made[name] = text
    distribute(made, misp, losses, str(obj.get("id")))
    made["Attribute"] = attributes
    references = [
        {
            "uuid": uuid_of(reference),
            "object_uuid": uuid,
            "referenced_uuid": uuid_of({"id": reference.get("target_ref")}),
            "relationship_type": text_of(said, "relationship_type", 250) or str(reference.get("relationship_type")),
            "comment": text_of(said, "comment"),
            "timestamp": timestamp_of(said, reference),
            "deleted": reference.get("revoked") is True,
        }
        for reference, said in tied
    ]
    if references:
        made["ObjectReference"] = references
    return made


def _event_report(obj: Json, misp: Json) -> Json:
    made: Json = {
        "uuid": uuid_of(obj),
        "name": text_of(misp, "name", 250) or str(obj.get("abstract") or "Report")[:250],
        "content": str(obj.get("content")),
        "timestamp": timestamp_of(misp, obj),
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
            "date_sighting": digits_of(text_of(misp, "date_sighting", 20)) or seconds_of(obj),
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
