"""What the work rooms find and hand on: candidates, sightings in short, warnings."""

from __future__ import annotations

import msgspec

from seawall.model.marking import Pap, Tlp
from seawall.model.observable import ObservableType


class IndicatorKey(msgspec.Struct, frozen=True):
    """One match key of one indicator: what ``match`` compares with the lake."""

    number: int  # the store's integer for (type, value); stable
    type: ObservableType
    value: str  # canonical
    indicator_id: str  # STIX id
    campaign: str | None
    tlp: Tlp
    pap: Pap
    origin: str | None  # None: our own import; else the peer's code name
    valid_from: int | None = None
    valid_until: int | None = None


class SightingSummary(msgspec.Struct, frozen=True):
    """One value seen on one side: first, last, how often, in which sectors. Times in microseconds UTC."""

    type: ObservableType
    value: str
    side: str
    first_seen: int
    last_seen: int
    count: int
    sectors: tuple[str, ...]  # in order of arrival
    indicator_id: str | None  # None: an indicator-less candidate
    basis: tuple[str, ...]
    tlp: Tlp
    pap: Pap
    origin: str | None  # peer that told us; None: our own sensors
    excluded: frozenset[str] = frozenset()
    told_at: int | None = None  # when the peer first told us; None: nobody had to


class Candidate(msgspec.Struct, frozen=True):
    """An observable that may leave as a sighting: hostile basis at the remote end, and none of the exclusions."""

    type: ObservableType
    value: str
    side: str
    first_seen: int
    last_seen: int
    count: int
    sectors: tuple[str, ...]
    basis: tuple[str, ...]
    sensors: int  # distinct sensors, saturating at 62


class Warning(msgspec.Struct, frozen=True):
    """A value that matters to both sides, who saw it first, and how long the other side has or had."""

    value: str
    type: ObservableType
    first_side: str
    first_seen: int
    other_side: str | None
    other_first_seen: int | None
    told_at: int | None  # when the other side was told; None: not yet
    raw_lead_seconds: float | None
    usable_lead_seconds: float | None
    sectors: tuple[str, ...]  # in order of arrival
    confidence: int  # 0-100
    indicator_ids: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    tlp: Tlp = Tlp.AMBER  # the strictest of what it was made from (rule 2)
    pap: Pap = Pap.AMBER
    origins: frozenset[str] = frozenset()  # peers whose knowledge stands in it
