"""Markings that neither tags nor distribution of an event say, added as tags: nothing gets wider on its way."""

from __future__ import annotations

from collections.abc import Callable

from seawall.codec.misp.gathered import Gathered
from seawall.codec.misp.marking import distribution_of, said_by
from seawall.codec.misp.reading import Json
from seawall.model import Tlp
from seawall.model.stix.tlp import tlp_of_refs

Floor = Callable[[str], Tlp]


def mark(event: Json, gathered: Gathered, attributes: dict[str | None, list[tuple[int, Json]]], floor: Floor) -> None:
    """Tags for markings that neither tags nor distribution say, so that nothing gets wider on its way."""
    said = _told(event, None, floor)
    level = tlp_of_refs(marking_refs(gathered.report or {}))
    if level is not None and (said is None or level > said):
        event["Tag"] = [*event["Tag"], {"name": f"tlp:{level.label}"}]
        said = level
    for holder, listed in attributes.items():
        around = said
        if holder is not None and (lowest := floor(distribution_of(gathered.objects[holder][1]))) > Tlp.CLEAR:
            around = lowest if said is None else max(lowest, said)
        for _, made in listed:
            own = tlp_of_refs(marking_refs(gathered.attributes.get(made["uuid"], ({}, {}, None))[0]))
            told = _told(made, around, floor)
            if own is not None and (told is None or own > told):
                made["Tag"] = [*made["Tag"], {"name": f"tlp:{own.label}"}]


def marking_refs(obj: Json) -> list[str]:
    """An object's marking references, as far as they are texts."""
    refs = obj.get("object_marking_refs")
    return [ref for ref in refs if isinstance(ref, str)] if isinstance(refs, list) else []


def no_floor(_distribution: str) -> Tlp:
    """Where nothing is distributed, nothing is kept narrow by it."""
    return Tlp.CLEAR


def _told(holder: Json, around: Tlp | None, floor: Floor) -> Tlp | None:
    """What tags and distribution of a part, and what is around it, say; None: nothing."""
    lowest = floor(distribution_of(holder))
    tagged = said_by(tuple(tag["name"] for tag in holder["Tag"])).tlp
    levels = (tagged, around, lowest if lowest > Tlp.CLEAR else None)
    return max((level for level in levels if level is not None), default=None)
