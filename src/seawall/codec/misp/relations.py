"""References between the parts of an event, and sightings of its attributes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seawall.codec.misp.draft import Draft
from seawall.codec.misp.extension import REFERENCE_FIELDS, SIGHTING_FIELDS, extension, kept
from seawall.codec.misp.marking import Said, is_deleted
from seawall.codec.misp.organisations import take_organisation
from seawall.codec.misp.reading import Json, parts, text_of, uuid_from, uuid_in

_UNSAID = Said()
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
FALSE_POSITIVE, EXPIRATION = "1", "2"  # a sighting's type; 0 is an ordinary one


def relationship_word(text: str) -> str:
    """A relationship type as STIX spells it (5.1): lower case letters, digits, hyphens."""
    return _NOT_A_WORD.sub("-", text.lower()).strip("-")[:250] or "related-to"


def take_references(draft: Draft, part: Json) -> None:
    """``ObjectReference``: relationships between what carries the two ends; an end elsewhere stays a loss."""
    uuid = uuid_in(part)
    source = draft.where.get(uuid or "")
    for reference in parts(part, "ObjectReference"):
        target = draft.where.get(uuid_in(reference, "referenced_uuid") or "")
        if source is None or target is None:
            draft.losses.add("misp:ObjectReference", f"from {str(part.get('uuid'))[:64]} to "
                             f"{str(reference.get('referenced_uuid'))[:64]}: an end is not in the event")  # fmt: skip
            continue
        misp = kept(reference, REFERENCE_FIELDS, draft.losses, "reference")
        own = uuid_in(reference) or uuid_from("reference", source, target, text_of(reference, "relationship_type"))
        obj = draft.frame(
            "relationship", own, reference, draft.level(_UNSAID, draft.levels[source], draft.levels[target])
        )
        if is_deleted(reference):
            obj["revoked"] = True
        obj |= {
            "relationship_type": relationship_word(text_of(reference, "relationship_type", 250)),
            "source_ref": source,
            "target_ref": target,
            "extensions": extension("reference", draft.uuid, misp, uuid),
        }
        if comment := text_of(reference, "comment", 4096):
            obj["description"] = comment
        if (fault := draft.keep(obj)) is not None:
            draft.losses.add("misp:ObjectReference", f"{own}: {fault[:150]}")


def take_sightings(draft: Draft, holders: Iterable[Json]) -> None:
    """Seen: a sighting. False positive: an opinion that disagrees. Expired: a note that says so."""
    for holder in holders:
        for sighting in parts(holder, "Sighting"):
            uuid = uuid_in(sighting, "attribute_uuid") or uuid_in(holder)
            about = draft.where.get(uuid or "", draft.report_id if holder is draft.event else None)
            if about is None or (fault := _take_sighting(draft, sighting, about, uuid)) is not None:
                reason = "its attribute is not in the event" if about is None else fault
                draft.losses.add("misp:Sighting", f"{str(sighting.get('uuid'))[:64]}: {reason}")


def _take_sighting(draft: Draft, sighting: Json, about: str, attribute_uuid: str | None) -> str | None:
    misp = kept(sighting, SIGHTING_FIELDS, draft.losses, "sighting")
    kind = text_of(sighting, "type", 4) or "0"
    uuid = uuid_in(sighting) or uuid_from("sighting", about, kind, text_of(sighting, "date_sighting", 40),
                                          text_of(sighting, "source", 250))  # fmt: skip
    type = {FALSE_POSITIVE: "opinion", EXPIRATION: "note"}.get(kind, "sighting")
    obj = draft.frame(type, uuid, sighting, draft.level(_UNSAID, draft.levels[about]))
    organisation = sighting.get("Organisation")
    where = take_organisation(draft, organisation)
    obj["extensions"] = extension("sighting", draft.uuid, misp, attribute_uuid)
    if where is not None:
        obj["created_by_ref"] = where
    if type == "sighting":
        obj |= {"sighting_of_ref": about, "count": 1, "first_seen": obj["modified"], "last_seen": obj["modified"]}
        if where is not None:
            obj["where_sighted_refs"] = [where]
    elif type == "opinion":
        obj |= {"opinion": "strongly-disagree", "object_refs": [about], "explanation": "Reported as a false positive."}
    else:
        obj |= {"content": "Reported as expired.", "object_refs": [about]}
    return draft.keep(obj)
