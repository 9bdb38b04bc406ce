"""Kinds of information that laws tell apart when it is shared, as data with source, validity and a verified flag."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

PACKAGED = Path(__file__).parent / "data" / "sharing_kinds.json"


class SharingKind(msgspec.Struct, frozen=True):
    """One kind; objects carry ``label`` (``tw-share:4``) among their STIX labels."""

    label: str
    name: str
    name_zh_hant: str
    name_ko: str
    economy: str = ""
    source: str = ""
    verified: bool = False  # False: nobody compared it with the official text
    valid_from: str = ""
    valid_to: str | None = None
    counterparts: dict[str, str] = {}  # economy -> what stands for it there, or why nothing does


class _Scheme(msgspec.Struct, frozen=True):
    economy: str
    source: str
    verified: bool
    valid_from: str
    valid_to: str | None
    counterparts: dict[str, str]
    kinds: tuple[SharingKind, ...]


class _File(msgspec.Struct, frozen=True):
    schemes: tuple[_Scheme, ...]


@cache
def sharing_kinds() -> tuple[SharingKind, ...]:
    """Every kind of every scheme that came with the package, each with its scheme's source and validity."""
    told = msgspec.json.decode(PACKAGED.read_bytes(), type=_File)
    return tuple(
        msgspec.structs.replace(
            kind,
            economy=scheme.economy,
            source=scheme.source,
            verified=scheme.verified,
            valid_from=scheme.valid_from,
            valid_to=scheme.valid_to,
            counterparts=scheme.counterparts,
        )
        for scheme in told.schemes
        for kind in scheme.kinds
    )
