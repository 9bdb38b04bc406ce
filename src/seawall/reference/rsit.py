"""The Reference Security Incident Taxonomy: classes and types of incidents, as data with their version."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

PACKAGED = Path(__file__).parent / "data" / "rsit.json"


class RsitType(msgspec.Struct, frozen=True):
    """One type within its class; ``code`` (``class:type``) is what observations carry."""

    code: str
    class_label: str
    label: str


class Rsit(msgspec.Struct, frozen=True):
    """One version of the taxonomy."""

    version: int  # of the MISP machine-readable form
    source: str
    types: tuple[RsitType, ...]

    def get(self, code: str) -> RsitType | None:
        """The type of this code; None when this version has none."""
        return next((type for type in self.types if type.code == code), None)


@cache
def rsit() -> Rsit:
    """The version that came with the package."""
    return msgspec.json.decode(PACKAGED.read_bytes(), type=Rsit)
