"""What every STIX 2.1 object has: the base structs (part 3.2) and the nested types that all of them use."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from seawall.model.stix.kinds import Hashes, Identifier, Json, Kind, Language, MarkingRef, Moment, Shape, Url


class Musts(msgspec.Struct, frozen=True):
    """The rules of one object type that join several properties."""

    any_of: tuple[str, ...] = ()  # at least one of these is present
    together: tuple[tuple[str, ...], ...] = ()  # all or none
    exactly_one: tuple[str, ...] = ()
    later: tuple[tuple[str, str], ...] = ()  # (a, b): a is later than b
    not_earlier: tuple[tuple[str, str], ...] = ()  # (a, b): a is later than or equal to b
    needs: tuple[tuple[str, str], ...] = ()  # (a, b): with a, b is there too


class ExternalReference(msgspec.Struct, frozen=True, kw_only=True):
    """2.5: a pointer to something outside STIX."""

    source_name: str
    description: str | None = None
    url: Url | None = None
    hashes: Hashes | None = None
    external_id: str | None = None


class KillChainPhase(msgspec.Struct, frozen=True, kw_only=True):
    """2.11: a phase of a kill chain."""

    kill_chain_name: str
    phase_name: str


class GranularMarking(msgspec.Struct, frozen=True, kw_only=True):
    """7.2.3: a marking, or a language, of some properties of an object."""

    selectors: list[Annotated[str, Kind("selector")]]
    marking_ref: MarkingRef | None = None
    lang: Language | None = None
    musts: ClassVar[Musts] = Musts(any_of=("marking_ref", "lang"))


ExternalReferences = list[Annotated[Json, Shape(ExternalReference)]]
KillChainPhases = list[Annotated[Json, Shape(KillChainPhase)]]
GranularMarkings = list[Annotated[Json, Shape(GranularMarking)]]


class StixObject(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="x-object"
):
    """Anything with a type and an id. ``more`` keeps every property that the specification does not know.

    ``gc=False``: JSON is a tree, so no object can be part of a cycle, and bulk reading is a fifth faster.
    """

    id: Annotated[str, Kind("own-identifier")]
    spec_version: Annotated[str, Kind("spec-version")] | None = None
    extensions: Annotated[Json, Kind("extensions")] | None = None
    object_marking_refs: list[MarkingRef] | None = None
    granular_markings: GranularMarkings | None = None
    more: dict[str, Any] = {}
    group: ClassVar[str] = "SDO"  # SDO, SRO, SCO or SMO (part 1.6)
    musts: ClassVar[Musts] = Musts()

    @property
    def type(self) -> str:
        """The object's type, as the standard spells it."""
        return str(self.__struct_config__.tag)


class VersionedObject(StixObject, frozen=True, kw_only=True, omit_defaults=True, tag="x-versioned"):
    """SDOs, SROs and the meta objects that have versions: the common properties of table 3.1."""

    spec_version: Annotated[str, Kind("spec-version")]
    created: Moment
    modified: Moment
    created_by_ref: Annotated[str, Kind("identifier")] | None = None
    revoked: bool | None = None
    labels: list[str] | None = None
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    lang: Language | None = None
    external_references: ExternalReferences | None = None


class DomainObject(VersionedObject, frozen=True, kw_only=True, omit_defaults=True, tag="x-domain"):
    """A STIX Domain Object (part 4)."""

    group: ClassVar[str] = "SDO"


class ObservableObject(StixObject, frozen=True, kw_only=True, omit_defaults=True, tag="x-observable"):
    """A STIX Cyber-observable Object (part 6): no versions; its id may follow from its content."""

    defanged: bool | None = None
    group: ClassVar[str] = "SCO"
    id_from: ClassVar[tuple[str, ...]] = ()  # id contributing properties (2.9)
    created: ClassVar[None] = None
    modified: ClassVar[None] = None
    created_by_ref: ClassVar[None] = None


class CustomObject(StixObject, frozen=True, kw_only=True, omit_defaults=True, tag="x-custom"):
    """An object of a type that the specification does not know; all but the common properties are in ``more``."""

    custom_type: str
    created: Moment | None = None
    modified: Moment | None = None
    created_by_ref: Identifier | None = None
    revoked: bool | None = None
    labels: list[str] | None = None
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    lang: Language | None = None
    external_references: ExternalReferences | None = None
    defanged: bool | None = None

    @property
    def type(self) -> str:
        """The object's type, as its producer spells it."""
        return self.custom_type
