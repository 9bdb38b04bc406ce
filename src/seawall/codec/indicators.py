"""IndicatorRow: one value of a list or report as a reader yields it, before it becomes a STIX indicator."""

from __future__ import annotations

import msgspec

from seawall.model import ObservableType, Tlp


class IndicatorRow(msgspec.Struct, frozen=True, gc=False):
    """One canonical value and what the input said about it. Times in microseconds UTC."""

    type: ObservableType
    value: str  # canonical (codec.values)
    line: int  # 1-based line of the input
    external_id: str | None = None
    campaign: str | None = None
    description: str | None = None
    confidence: int | None = None  # 0-100
    tlp: Tlp | None = None  # None: unmarked
    valid_from: int | None = None
    valid_until: int | None = None
    source: str | None = None  # None: the importer's


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """One part of the input that could not be used, and why. It is counted and shown, never dropped silently."""

    index: int  # position: line of a text or CSV (1-based), object of a bundle (0-based)
    id: str | None  # the STIX id or the offending value, shortened
    reason: str


class Loss(msgspec.Struct, frozen=True):
    """What a conversion could not carry over: counted by kind, with one example."""

    kind: str  # stable words, e.g. "stix20:pattern"
    count: int
    example: str
