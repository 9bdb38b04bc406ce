"""SROs (part 5): how objects relate, and that something was seen."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from seawall.model.stix.kinds import CoreRef, Kind, Timestamp
from seawall.model.stix.objects import Musts, VersionedObject


class Relationship(VersionedObject, frozen=True, kw_only=True, omit_defaults=True, tag="relationship"):
    """5.1: one object's relation to another."""

    relationship_type: Annotated[str, Kind("relationship-type")]
    source_ref: CoreRef
    target_ref: CoreRef
    description: str | None = None
    start_time: Timestamp | None = None
    stop_time: Timestamp | None = None
    group: ClassVar[str] = "SRO"
    musts: ClassVar[Musts] = Musts(later=(("stop_time", "start_time"),))


class Sighting(VersionedObject, frozen=True, kw_only=True, omit_defaults=True, tag="sighting"):
    """5.2: something was seen: an indicator matched, a malware was found."""

    sighting_of_ref: CoreRef
    description: str | None = None
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    count: Annotated[int, msgspec.Meta(ge=0, le=999_999_999)] | None = None
    observed_data_refs: list[Annotated[str, Kind("identifier", targets=("observed-data",))]] | None = None
    where_sighted_refs: list[Annotated[str, Kind("identifier", targets=("identity", "location"))]] | None = None
    summary: bool | None = None
    group: ClassVar[str] = "SRO"
    musts: ClassVar[Musts] = Musts(not_earlier=(("last_seen", "first_seen"),))
