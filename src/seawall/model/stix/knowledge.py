"""SDOs about what was seen, said and decided (part 4): indicators, observations, reports, people and places."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from seawall.model.stix.kinds import Identifier, Json, Kind, Timestamp
from seawall.model.stix.objects import DomainObject, KillChainPhases, Musts


class CourseOfAction(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="course-of-action"):
    """4.3: what to do about an attack."""

    name: str
    description: str | None = None


class Grouping(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="grouping"):
    """4.4: objects that belong together."""

    context: Annotated[str, Kind("vocabulary", vocabulary="grouping-context-ov")]
    object_refs: list[Identifier]
    name: str | None = None
    description: str | None = None


class Identity(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="identity"):
    """4.5: people, organisations, systems, or classes of them."""

    name: str
    description: str | None = None
    roles: list[str] | None = None
    identity_class: Annotated[str, Kind("vocabulary", vocabulary="identity-class-ov")] | None = None
    sectors: list[Annotated[str, Kind("vocabulary", vocabulary="industry-sector-ov")]] | None = None
    contact_information: str | None = None


class Incident(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="incident"):
    """4.6: a stub in STIX 2.1; everything else comes by extension."""

    name: str
    description: str | None = None


class Indicator(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="indicator"):
    """4.7: a pattern that finds suspicious activity."""

    pattern: str
    pattern_type: Annotated[str, Kind("vocabulary", vocabulary="pattern-type-ov")]
    valid_from: Timestamp
    name: str | None = None
    description: str | None = None
    indicator_types: list[Annotated[str, Kind("vocabulary", vocabulary="indicator-type-ov")]] | None = None
    pattern_version: str | None = None
    valid_until: Timestamp | None = None
    kill_chain_phases: KillChainPhases | None = None
    musts: ClassVar[Musts] = Musts(later=(("valid_until", "valid_from"),))


class Location(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="location"):
    """4.10: a place."""

    name: str | None = None
    description: str | None = None
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    precision: float | None = None
    region: Annotated[str, Kind("vocabulary", vocabulary="region-ov")] | None = None
    country: str | None = None
    administrative_area: str | None = None
    city: str | None = None
    street_address: str | None = None
    postal_code: str | None = None
    musts: ClassVar[Musts] = Musts(
        any_of=("region", "country", "latitude"),
        together=(("latitude", "longitude"),),
        needs=(("precision", "latitude"),),
    )


class Note(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="note"):
    """4.13: text about other objects."""

    content: str
    object_refs: list[Identifier]
    abstract: str | None = None
    authors: list[str] | None = None


class ObservedData(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="observed-data"):
    """4.14: what was seen, when and how often."""

    first_observed: Timestamp
    last_observed: Timestamp
    number_observed: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)]
    objects: Annotated[Json, Kind("observed-objects")] | None = None  # deprecated
    object_refs: list[Annotated[str, Kind("observed-ref")]] | None = None
    musts: ClassVar[Musts] = Musts(
        exactly_one=("objects", "object_refs"), not_earlier=(("last_observed", "first_observed"),)
    )


class Opinion(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="opinion"):
    """4.15: agreement or disagreement with other objects."""

    opinion: Annotated[str, Kind("enumeration", vocabulary="opinion-enum")]
    object_refs: list[Identifier]
    explanation: str | None = None
    authors: list[str] | None = None


class Report(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="report"):
    """4.16: a published collection of intelligence on one topic."""

    name: str
    published: Timestamp
    object_refs: list[Identifier]
    description: str | None = None
    report_types: list[Annotated[str, Kind("vocabulary", vocabulary="report-type-ov")]] | None = None
