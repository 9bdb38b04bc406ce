"""Sightings as STIX 2.1 between nodes: an indicator for the value, and a sighting of it with what stands behind it.

The sighting carries sectors, bases and the number of sensors in a property extension of ours, because STIX 2.1
section 5.2 has no place for them; everybody else's tools read the plain sighting.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.codec.pattern import match_keys, pattern_for, simple_keys
from seawall.model import Observable, Pap, SightingSummary, Tlp
from seawall.model.stix.ids import derived_id
from seawall.model.stix.known_extensions import EVIDENCE_EXTENSION
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp
from seawall.model.unreadable import UNREADABLE

MAX_COUNT = 999_999_999  # STIX 2.1 section 5.2: count is an integer between 0 and 999,999,999
MAX_SECTORS = 100  # of one received sighting; national schemes have about twenty
_ENCODER = msgspec.json.Encoder(order="sorted")


def candidate_indicator(value: Observable, *, identity: str, created: int, tlp: Tlp, pap: Pap) -> dict[str, Any]:
    """The indicator that a candidate's sighting refers to; ``created`` in microseconds UTC.

    Its id derives from our identity and the value, so two communities never speak about each other's object.
    """
    moment = timestamp(created)
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": candidate_id(identity, value),
        "created_by_ref": identity,
        "created": moment,
        "modified": moment,
        "name": f"{value.type.value} with hostile activity",
        "indicator_types": ["anomalous-activity"],
        "pattern": pattern_for(value),
        "pattern_type": "stix",
        "valid_from": moment,
        "labels": [f"PAP:{pap.label.upper()}"],
        "object_marking_refs": [TLP2_IDS[tlp]],
    }


def sighting_id(identity: str, indicator_id: str, value: Observable, side: str) -> str:
    """The id under which ``identity`` tells its sighting of a value on one side, the same each time it is told."""
    return derived_id("sighting", identity, indicator_id, value.type.value, value.value, side)


def candidate_id(identity: str, value: Observable) -> str:
    """The id of the indicator that stands for a candidate of ``identity``."""
    return derived_id("indicator", identity, value.type.value, value.value)


def sighting_of(
    seen: SightingSummary, *, indicator_id: str, identity: str, sensors: int, modified: int
) -> dict[str, Any]:
    """A sighting by our sensors. ``created`` is the first observation, ``modified`` (microseconds UTC) says when we
    told it so."""
    created = timestamp(seen.first_seen)
    return {
        "type": "sighting",
        "spec_version": "2.1",
        "id": sighting_id(identity, indicator_id, Observable(seen.type, seen.value), seen.side),
        "created_by_ref": identity,
        "created": created,
        "modified": max(created, timestamp(modified)),
        "first_seen": created,
        "last_seen": timestamp(seen.last_seen),
        "count": min(seen.count, MAX_COUNT),
        "sighting_of_ref": indicator_id,
        "labels": [f"PAP:{seen.pap.label.upper()}"],
        "object_marking_refs": [TLP2_IDS[seen.tlp]],
        "extensions": {
            EVIDENCE_EXTENSION: {
                "extension_type": "property-extension",
                "first_seen_microseconds": seen.first_seen,
                "sectors": list(seen.sectors),
                "bases": list(seen.basis),
                "sensors": sensors,
            }
        },
    }


def withdrawn_sighting(body: bytes, modified: int) -> dict[str, Any]:
    """The next version of a sighting that we no longer stand by: count 0, no evidence. It may be told again later."""
    obj: dict[str, Any] = msgspec.json.decode(body)
    obj["modified"] = max(obj["modified"], timestamp(modified))
    obj["count"] = 0
    obj["extensions"] = {EVIDENCE_EXTENSION: {"extension_type": "property-extension", "withdrawn": True}}
    return obj


def encode(obj: dict[str, Any]) -> bytes:
    """Canonical JSON: sorted keys, no spaces."""
    return _ENCODER.encode(obj)


class _Evidence(msgspec.Struct):
    first_seen_microseconds: int | None = None
    sectors: list[str] = []
    bases: list[str] = []
    sensors: int = 0


class _Evident(msgspec.Struct):
    extensions: dict[str, msgspec.Raw] = {}


def sensors_and_bases(body: bytes) -> tuple[int, frozenset[str]]:
    """How many sensors, and which bases, a sighting says stand behind it; (0, nothing) when it does not."""
    try:
        extensions = msgspec.json.decode(body, type=_Evident).extensions
        told = msgspec.json.decode(extensions.get(EVIDENCE_EXTENSION, b"{}"), type=_Evidence)
    except UNREADABLE:
        return 0, frozenset()
    return told.sensors, frozenset(told.bases)


class ReceivedSighting(msgspec.Struct, frozen=True):
    """A sighting as it came, before its indicator is known. Times as RFC 3339 text."""

    id: str
    sighting_of_ref: str
    created: str
    modified: str
    first_seen: str | None = None
    last_seen: str | None = None
    count: int = 1
    extensions: dict[str, msgspec.Raw] = {}

    @property
    def withdrawn(self) -> bool:
        """Whether the sender no longer stands by it (count 0)."""
        return self.count == 0

    def evidence(self) -> tuple[int | None, tuple[str, ...], tuple[str, ...]]:
        """(first seen in exact microseconds UTC, sectors, bases) as the sender told them; empty when it did not."""
        try:
            told = msgspec.json.decode(self.extensions.get(EVIDENCE_EXTENSION, b"{}"), type=_Evidence)
        except UNREADABLE:
            return None, (), ()
        return told.first_seen_microseconds, tuple(told.sectors[:MAX_SECTORS]), tuple(told.bases[:MAX_SECTORS])


def read_sighting(body: bytes) -> ReceivedSighting:
    """Read one sighting. Raises msgspec.ValidationError when it is none."""
    return msgspec.json.decode(body, type=ReceivedSighting)


class _Versioned(msgspec.Struct):
    modified: str = ""
    created: str = ""


def version_of(body: bytes) -> str:
    """The version: ``modified``, else ``created``, else empty. Raises msgspec.MsgspecError for what is no object."""
    found = msgspec.json.decode(body, type=_Versioned)
    return found.modified or found.created


class _Pattern(msgspec.Struct):
    pattern: str = ""
    pattern_type: str = "stix"


def indicator_values(body: bytes) -> list[Observable]:
    """The values that an indicator's pattern names plainly; empty for other patterns."""
    read = msgspec.json.decode(body, type=_Pattern)
    if read.pattern_type != "stix":
        return []
    return simple_keys(read.pattern) or []


def keys_of(body: bytes) -> list[Observable]:
    """What an indicator is held by: the values it names plainly, else its pattern as a whole."""
    read = msgspec.json.decode(body, type=_Pattern)
    return match_keys(read.pattern) if read.pattern_type == "stix" else []


__all__ = [
    "EVIDENCE_EXTENSION",
    "ReceivedSighting",
    "candidate_id",
    "candidate_indicator",
    "encode",
    "indicator_values",
    "keys_of",
    "read_sighting",
    "sighting_id",
    "sighting_of",
    "version_of",
    "withdrawn_sighting",
]
