"""Legal bases on which an item may be kept, as data with source, validity and a verified flag."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

PACKAGED = Path(__file__).parent / "data" / "legal_bases.json"


class LegalBasis(msgspec.Struct, frozen=True):
    """One basis; ``days`` None: it states no period, so a person has to."""

    id: str
    economy: str  # empty: anywhere
    title: str
    source: str
    verified: bool  # False: nobody compared it with the official text
    valid_from: str
    valid_to: str | None
    days: int | None
    note: str


class _File(msgspec.Struct, frozen=True):
    bases: tuple[LegalBasis, ...]


@cache
def legal_bases() -> tuple[LegalBasis, ...]:
    """Every basis that came with the package."""
    return msgspec.json.decode(PACKAGED.read_bytes(), type=_File).bases
