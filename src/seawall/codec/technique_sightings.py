"""A way of working as STIX 2.1, without any value: an attack pattern that names techniques in order, and a sighting.

STIX has no object for a sequence of techniques that was seen. Ours is an ``attack-pattern`` whose external references
name the ATT&CK techniques in their order (section 4.1: references to the catalogue's entries), with the tools as its
aliases, and a ``sighting`` of it (5.2) with the sectors in our evidence extension. Tools of others read both plainly.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from seawall.codec.sharing import MAX_SECTORS
from seawall.model import Pap, Tlp
from seawall.model.campaign import TechniqueSighting
from seawall.model.stix.ids import derived_id
from seawall.model.stix.known_extensions import EVIDENCE_EXTENSION
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp
from seawall.model.unreadable import UNREADABLE

TECHNIQUE = re.compile(r"(T|AML\.T)[0-9]{4}(\.[0-9]{3})?")
MAX_SEQUENCE = 60
"""Techniques in one sequence: the longest public incident descriptions name about fifty."""
MAX_TOOLS, MAX_NOTE, MAX_TOOL = 20, 2_000, 100
CATALOGUE = "mitre-attack"
LABEL = "technique-sequence"


def sequence_id(identity: str, side: str, sequence: tuple[str, ...], tools: tuple[str, ...]) -> str:
    """The id of the attack pattern: equal for an equal word of ours."""
    return derived_id("attack-pattern", identity, side, *sequence, "", *tools)


def objects_of(seen: TechniqueSighting, *, identity: str, at: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The attack pattern and the sighting of it, told at ``at`` (microseconds UTC). ``seen.id`` is the sighting's."""
    moment = timestamp(at)
    marked = {"labels": [f"PAP:{Pap(seen.pap).label.upper()}", LABEL], "object_marking_refs": [TLP2_IDS[Tlp(seen.tlp)]]}
    pattern = {
        "type": "attack-pattern",
        "spec_version": "2.1",
        "id": sequence_id(identity, seen.side, seen.sequence, seen.tools),
        "created_by_ref": identity,
        "created": moment,
        "modified": moment,
        "name": " > ".join(seen.sequence),
        "external_references": [{"source_name": CATALOGUE, "external_id": one} for one in seen.sequence],
        **({"aliases": list(seen.tools)} if seen.tools else {}),
        **({"description": seen.note} if seen.note else {}),
        **marked,
    }
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": seen.id,
        "created_by_ref": identity,
        "created": moment,
        "modified": moment,
        "first_seen": timestamp(seen.first_seen),
        "last_seen": timestamp(seen.last_seen),
        "count": 1,
        "sighting_of_ref": pattern["id"],
        "extensions": {
            EVIDENCE_EXTENSION: {
                "extension_type": "property-extension",
                "first_seen_microseconds": seen.first_seen,
                "sectors": list(seen.sectors),
            }
        },
        **marked,
    }
    return pattern, sighting


class _Reference(msgspec.Struct):
    source_name: str = ""
    external_id: str = ""


class Pattern(msgspec.Struct, frozen=True):
    """The part of an attack pattern that is compared."""

    name: str = ""
    description: str = ""
    aliases: list[str] = []
    external_references: list[_Reference] = []

    @property
    def sequence(self) -> tuple[str, ...]:
        """The techniques that it names, in order, each once."""
        named = (one.external_id for one in self.external_references)
        return tuple(dict.fromkeys(one for one in named if TECHNIQUE.fullmatch(one)))[:MAX_SEQUENCE]


class Told(msgspec.Struct, frozen=True):
    """The part of a sighting that is compared."""

    id: str
    sighting_of_ref: str
    created: str = ""
    first_seen: str = ""
    last_seen: str = ""
    count: int = 1
    created_by_ref: str = ""
    where_sighted_refs: list[str] = []
    extensions: dict[str, msgspec.Raw] = {}

    @property
    def sectors(self) -> tuple[str, ...]:
        """As the sender told them."""
        try:
            told = msgspec.json.decode(self.extensions.get(EVIDENCE_EXTENSION, b"{}"), type=_Evidence)
        except UNREADABLE:
            return ()
        return tuple(told.sectors[:MAX_SECTORS])


class _Evidence(msgspec.Struct):
    sectors: list[str] = []
