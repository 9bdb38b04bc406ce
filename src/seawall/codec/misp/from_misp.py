"""A MISP event becomes STIX 2.1: a report, and an object for every part of the event.

1. the organisation (identity); 2. galaxy clusters; 3. attributes; 4. objects (grouping) with their attributes;
5. references between them (relationship); 6. sightings; 7. event reports (note); 8. the report that lists them all.
Ids carry MISP's UUIDs, so both directions and every re-import agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seawall.codec.indicators import Loss, Rejected
from seawall.codec.losses import merge
from seawall.codec.misp.attributes import Place, share_group, take_attribute
from seawall.codec.misp.composites import composite_of
from seawall.codec.misp.draft import Draft, FromMisp
from seawall.codec.misp.extension import EVENT_FIELDS, OBJECT_FIELDS, REPORT_FIELDS, carried, extension, kept
from seawall.codec.misp.galaxies import take_clusters
from seawall.codec.misp.marking import Said, distribution_of, floor_of, is_deleted
from seawall.codec.misp.organisations import take_organisation
from seawall.codec.misp.reading import MAX_VALUE, Json, events_in, moment_in, parts, text_of, uuid_from, uuid_in
from seawall.codec.misp.relations import take_references, take_sightings
from seawall.codec.stix.check import check
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp

_UNSAID = Said()
_TAKEN = frozenset({"Attribute", "Object", "Galaxy", "Tag", "Org", "Orgc", "SharingGroup", "EventReport", "Sighting"})


def event_to_stix(event: dict[str, Any], *, tlp: Tlp = Tlp.AMBER_STRICT) -> FromMisp:
    """The STIX 2.1 objects of one event (the content of ``Event``). ``tlp`` marks what carries no TLP tag.

    Never raises for what the event contains: parts that cannot be used are ``rejected``, what STIX cannot carry is in
    ``losses``.
    """
    draft = Draft(event, tlp)
    draft.creator = take_organisation(draft, event.get("Orgc")) or take_organisation(draft, event.get("Org"))
    misp = kept(event, EVENT_FIELDS, draft.losses, "event")
    if draft.tags:
        misp["Tag"] = draft.tags
    take_clusters(draft, event, misp, {tag["name"] for tag in draft.tags})
    share_group(draft, event, misp, distribution_of(event))
    for attribute in parts(event, "Attribute"):
        take_attribute(draft, attribute)
    holders = parts(event, "Attribute")
    for part in parts(event, "Object"):
        _take_object(draft, part)
        holders = holders + parts(part, "Attribute")
    for part in parts(event, "Object"):
        take_references(draft, part)
    take_sightings(draft, holders)
    take_sightings(draft, [event])
    for part in parts(event, "EventReport"):
        _take_event_report(draft, part)
    _take_report(draft, misp)
    _note_losses(draft)
    return FromMisp(draft.objects, draft.rejected, draft.losses.report())


def parse_misp(data: bytes, *, tlp: Tlp = Tlp.AMBER_STRICT) -> FromMisp:
    """Every event of a MISP JSON document, whatever it is wrapped in. An object that several events bring is kept once.

    Raises Fault E-MISP-001 when it is no JSON, E-MISP-002 when it holds no event.
    """
    return joined(event_to_stix(event, tlp=tlp) for event in events_in(data))


def joined(found: Iterable[FromMisp]) -> FromMisp:
    """Several events' objects as one, each id once: the later version, or the first of two from the same moment.

    A part that two events claim under one UUID stays with the first; the other is rejected.
    """
    objects: dict[str, dict[str, Any]] = {}
    rejected: list[Rejected] = []
    losses: list[list[Loss]] = []
    events = 0
    for one in found:
        for index, obj in enumerate(one.objects):
            held = objects.get(obj["id"])
            if held is not None and _event_of(held) != _event_of(obj):
                rejected.append(Rejected(index, obj["id"], "another event of the document has a part with its UUID"))
            elif held is None or held.get("modified", "") < obj.get("modified", ""):
                objects[obj["id"]] = obj
        events += one.events
        rejected += one.rejected
        losses.append(one.losses)
    return FromMisp(list(objects.values()), rejected, merge(losses), events)


def _event_of(obj: dict[str, Any]) -> object:
    return (carried(obj) or {}).get("event_uuid")


def _take_object(draft: Draft, part: Json) -> None:
    """A MISP object: its attributes, and the grouping that holds them together."""
    uuid = uuid_in(part) or uuid_from(draft.uuid, "object", repr(part)[:100_000])
    if uuid in draft.where:
        draft.position += 1
        draft.reject(part, "another attribute or object of the event has the same UUID")
        return
    name = text_of(part, "name", 250) or "object"
    distribution = distribution_of(part)
    place = Place(uuid, floor_of(distribution), is_deleted(part))
    members = [take_attribute(draft, attribute, place) for attribute in parts(part, "Attribute")]
    seen = _take_composite(draft, part, name, uuid, place, [member for member in members if member is not None])
    misp = kept(part, OBJECT_FIELDS, draft.losses, "object")
    misp["name"] = name
    share_group(draft, part, misp, distribution)
    obj = draft.frame("grouping", uuid, part, draft.level(_UNSAID, place.floor))
    if labels := draft.labels([], _UNSAID):
        obj["labels"] = labels
    if place.deleted:
        obj["revoked"] = True
    obj |= {
        "name": name,
        "context": "unspecified",
        "object_refs": [*seen, *(member for member in members if member is not None)] or [draft.report_id],
        "extensions": extension("object", draft.uuid, misp),
    }
    if comment := text_of(part, "comment", 4096):
        obj["description"] = comment
    if (fault := draft.keep(obj)) is not None:
        draft.position += 1
        draft.reject(part, fault[:300])
    else:
        draft.where[uuid] = obj["id"]


def _take_composite(draft: Draft, part: Json, name: str, uuid: str, place: Place, members: list[str]) -> list[str]:
    """The whole object as one observable, as strictly marked as the strictest of its attributes; its id, if any."""
    if place.deleted:
        return []
    said: dict[str, list[tuple[str, str]]] = {}
    for attribute in parts(part, "Attribute"):
        relation, kind, value = (text_of(attribute, key, MAX_VALUE) for key in ("object_relation", "type", "value"))
        if relation and value and not is_deleted(attribute):
            said.setdefault(relation, []).append((kind, value))
    made = composite_of(name, uuid, said)
    level = max([draft.level(_UNSAID, place.floor), *(draft.levels[member] for member in members)])
    for sco in made:
        sco["object_marking_refs"] = [TLP2_IDS[level]]
    if not made or any(not check(sco).valid for sco in made):
        return []
    for sco in made:
        draft.keep(sco, listed=False)
    return [made[0]["id"]]


def _take_event_report(draft: Draft, part: Json) -> None:
    """A report written inside the event: a note about it."""
    content = text_of(part, "content", 1 << 20)
    if not content:
        draft.losses.add("misp:EventReport", f"{text_of(part, 'name', 80)!r} has no content")
        return
    misp = kept(part, REPORT_FIELDS, draft.losses, "report")
    distribution = distribution_of(part)
    share_group(draft, part, misp, distribution)
    uuid = uuid_in(part) or uuid_from(draft.uuid, "report", text_of(part, "name"), content)
    obj = draft.frame("note", uuid, part, draft.level(_UNSAID, floor_of(distribution)))
    if labels := draft.labels([], _UNSAID):
        obj["labels"] = labels
    if is_deleted(part):
        obj["revoked"] = True
    obj |= {"content": content, "object_refs": [draft.report_id], "extensions": extension("report", draft.uuid, misp)}
    if name := text_of(part, "name", 250):
        obj["abstract"] = name
    if (fault := draft.keep(obj)) is not None:
        draft.position += 1
        draft.reject(part, fault[:300])


def _take_report(draft: Draft, misp: Json) -> None:
    """The event itself."""
    obj = draft.frame("report", draft.uuid, draft.event, draft.level(_UNSAID))
    if labels := draft.labels([tag["name"] for tag in draft.tags], draft.said):
        obj["labels"] = labels
    if draft.said.confidence is not None:
        obj["confidence"] = draft.said.confidence
    if not draft.refs:
        _keep_emptiness(draft)
    published = moment_in(draft.event, "publish_timestamp", "timestamp", "date")
    obj |= {
        "name": draft.title or "Untitled event",
        "report_types": ["threat-report"],
        "published": timestamp(published) if published is not None else draft.modified,
        "object_refs": list(dict.fromkeys(draft.refs)),
        "extensions": extension("event", draft.uuid, misp),
    }
    if (fault := draft.keep(obj, listed=False)) is not None:
        draft.reject(draft.event, fault[:300])


def _keep_emptiness(draft: Draft) -> None:
    """A report must refer to something: of an event that holds nothing usable, to a note that says so."""
    obj = draft.frame("note", uuid_from(draft.uuid, "empty"), draft.event, draft.level(_UNSAID))
    obj |= {"content": "The MISP event holds nothing that could be carried over.", "object_refs": [draft.report_id]}
    draft.keep(obj)


def _note_losses(draft: Draft) -> None:
    """What no event keeps on its way to another organisation, and what this reader does not know."""
    event, losses = draft.event, draft.losses
    for name, reason in _NOT_CARRIED.items():
        for _ in parts(event, name):
            losses.add(f"misp:{name}", f"event {draft.uuid}: {reason}")
    if event.get("event_creator_email"):
        losses.add("misp:event_creator_email", f"event {draft.uuid}: who typed it in is not passed on")
    holder, creator = event.get("Org"), event.get("Orgc")
    if isinstance(holder, dict) and isinstance(creator, dict) and holder.get("uuid") != creator.get("uuid"):
        losses.add("misp:Org", f"event {draft.uuid}: which server's copy this was; whoever takes it puts its own name")
    if any(event.get(name) for name in ("id", "org_id", "orgc_id")):
        losses.add("misp:server-numbers", f"event {draft.uuid}: row numbers of one server")
    for name in event:
        if name[:1].isupper() and name not in _TAKEN and name not in _NOT_CARRIED:
            losses.add(f"misp:event:{name[:40]}", f"event {draft.uuid}")


_NOT_CARRIED = {
    "ShadowAttribute": "a proposal is not part of the event until somebody accepts it",
    "RelatedEvent": "correlations belong to the server that found them",
    "CryptographicKey": "the signature of a protected event does not survive conversion",
    "Note": "an analyst's note is not carried",
    "Opinion": "an analyst's opinion is not carried",
    "Relationship": "an analyst's relationship is not carried",
}
