"""IndicatorEntry: one value that somebody calls hostile, as ``intel`` hands it to the store and gets it back."""

from __future__ import annotations

import msgspec

from seawall.model.marking import Pap, Tlp
from seawall.model.observable import ObservableType


class IndicatorEntry(msgspec.Struct, frozen=True, gc=False):
    """One match key with its STIX 2.1 indicator. Times in microseconds UTC.

    The key of the store is ``(type, value)``: the same value from another source is the same entry with two sources
    and the stricter marking. A STIX indicator whose pattern names several values gives several entries with the same
    ``indicator_id`` and ``body``.
    """

    type: ObservableType
    value: str  # canonical (codec.values)
    indicator_id: str  # STIX id, "indicator--..."
    campaign: str | None
    description: str | None
    confidence: int | None  # 0-100, STIX scale; None: not said
    tlp: Tlp
    pap: Pap
    valid_from: int | None
    valid_until: int | None
    origin: str | None  # None: our own import; else the peer's code name
    external_id: str | None  # the source's own name for it (a CSV's ``id`` column)
    sources: tuple[str, ...]
    body: bytes  # STIX 2.1 JSON, UTF-8
