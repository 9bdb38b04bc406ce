"""The property types of STIX 2.1 part 2, as annotations that ``codec.stix`` compiles into its checks.

A property declared ``Timestamp`` is a plain ``str`` for everyone who reads it; the annotation only says what the
specification demands of it. Values are kept exactly as they came: a timestamp is not reformatted, a reference is not
resolved, a nested object stays the dictionary it was.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Json = dict[str, Any]


class Kind(msgspec.Struct, frozen=True):
    """What the specification demands of a value beyond its JSON type."""

    name: str
    targets: tuple[str, ...] = ()  # references: object types that they may name; empty: any
    barred: tuple[str, ...] = ()  # references: object types that they must not name
    vocabulary: str = ""  # open vocabularies and enumerations: name in vocabularies.py


class Shape(msgspec.Struct, frozen=True):
    """A nested object with declared properties (``shape`` is one of our structs)."""

    shape: type[msgspec.Struct]


Timestamp = Annotated[str, Kind("timestamp")]  # 2.13
Moment = Annotated[str, Kind("moment")]  # created and modified: at least milliseconds (3.2)
Identifier = Annotated[str, Kind("identifier")]  # 2.9
Hex = Annotated[str, Kind("hex")]  # 2.8
Binary = Annotated[str, Kind("binary")]  # 2.1
Url = Annotated[str, Kind("url")]  # RFC 3986
Hashes = Annotated[Json, Kind("hashes")]  # 2.7
Dictionary = Annotated[Json, Kind("dictionary")]  # 2.3
Language = Annotated[str, Kind("language")]  # RFC 5646
MarkingRef = Annotated[str, Kind("identifier", targets=("marking-definition",))]
IdentityRef = Annotated[str, Kind("identifier", targets=("identity",))]
CoreRef = Annotated[  # what a relationship may join: SDOs and SCOs
    str, Kind("identifier", barred=("relationship", "sighting", "bundle", "marking-definition", "language-content"))
]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
