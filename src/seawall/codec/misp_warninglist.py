"""MISP warninglists: lists of values that are not hostile, or too common to act on. Reference data, not indicators."""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.model import Fault
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why

MAX_BYTES = 256 << 20  # the largest public list has some 20 MB
MAX_NAME = 200


class Warninglist(msgspec.Struct, frozen=True):
    """One list as published; ``raw`` are the bytes it was read from."""

    name: str
    version: str
    description: str
    kind: str  # cidr, hostname, string, substring or regex
    matching_attributes: tuple[str, ...]  # MISP attribute types that it applies to
    entries: tuple[str, ...]
    raw: bytes


class _Document(msgspec.Struct, rename={"kind": "type", "entries": "list"}):
    name: str
    entries: list[str]
    kind: Literal["cidr", "hostname", "string", "substring", "regex"] = "string"
    version: int | str = 0
    description: str = ""
    matching_attributes: list[str] = []


_decoder = msgspec.json.Decoder(_Document)


def parse_warninglist(data: bytes) -> Warninglist:
    """Read one list. Raises Fault E-MISP-010 when it is no warninglist."""
    reason: object = "it is larger than any warninglist"
    try:
        found = _decoder.decode(data.removeprefix(b"\xef\xbb\xbf")) if len(data) <= MAX_BYTES else None
    except UNREADABLE as error:
        found, reason = None, why(error)
    if found is None:
        raise Fault("E-MISP-010", "The document is not a MISP warninglist: {reason}.", reason=reason)
    return Warninglist(
        name=found.name[:MAX_NAME],
        version=str(found.version),
        description=found.description,
        kind=found.kind,
        matching_attributes=tuple(found.matching_attributes),
        entries=tuple(found.entries),
        raw=data,
    )
