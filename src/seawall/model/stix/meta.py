"""Meta objects (part 7) and the bundle (part 8)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from seawall.model.stix.kinds import Identifier, Json, Kind, Timestamp
from seawall.model.stix.objects import ExternalReferences, Musts, StixObject, VersionedObject


class MarkingDefinition(StixObject, frozen=True, kw_only=True, omit_defaults=True, tag="marking-definition"):
    """7.2.1: what a reader may do with marked data. Never changes, so it has no ``modified``."""

    spec_version: Annotated[str, Kind("spec-version")]
    created: Timestamp
    name: str | None = None
    definition_type: str | None = None
    definition: Json | None = None
    created_by_ref: Identifier | None = None
    external_references: ExternalReferences | None = None
    group: ClassVar[str] = "SMO"
    modified: ClassVar[None] = None
    musts: ClassVar[Musts] = Musts(together=(("definition", "definition_type"),))


class LanguageContent(VersionedObject, frozen=True, kw_only=True, omit_defaults=True, tag="language-content"):
    """7.1: translations of another object's text."""

    object_ref: Annotated[str, Kind("identifier", barred=("bundle", "language-content"))]
    contents: Annotated[Json, Kind("translations")]
    object_modified: Timestamp | None = None
    group: ClassVar[str] = "SMO"


class ExtensionDefinition(VersionedObject, frozen=True, kw_only=True, omit_defaults=True, tag="extension-definition"):
    """7.3: what an extension adds and where its schema is."""

    name: str
    schema: str
    version: str
    extension_types: list[Annotated[str, Kind("enumeration", vocabulary="extension-type-enum")]]
    description: str | None = None
    extension_properties: list[str] | None = None
    group: ClassVar[str] = "SMO"


class Bundle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="bundle"):
    """8: objects travelling together; not itself an object. ``more`` keeps custom properties."""

    id: Identifier
    objects: list[Json] | None = None
    more: dict[str, Any] = {}

    @property
    def type(self) -> str:
        """Always ``bundle``."""
        return "bundle"
