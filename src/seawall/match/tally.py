"""Sightings counted up hit by hit, for lines that are not in the lake yet, on top of what the lake's hits say."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
import pyarrow as pa

from seawall.match.clocks import SENSOR_OFFSETS, register_offsets
from seawall.match.interface import LakeSession
from seawall.match.live import KeyFacts
from seawall.match.run import HITS
from seawall.match.sightings import BASES, INDICATOR_BIT, seen_by_sector
from seawall.model import ObservableType, SightingSummary

_BIT = {name: 1 << place for place, name in enumerate(BASES)}
Key = tuple[int, str]
"""Indicator number and side."""


class Seen(msgspec.Struct):
    """What was seen of one indicator on one side."""

    first: int
    last: int
    count: int
    hostile: int
    bases: int  # bits, as BASES
    sectors: dict[str, int]  # with the first moment in each
    sensors: set[str | None]

    def add(self, other: Seen) -> None:
        """Put another one to this."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.count += other.count
        self.hostile += other.hostile
        self.bases |= other.bases
        for sector, first in other.sectors.items():
            self.sectors[sector] = min(first, self.sectors.get(sector, first))
        self.sensors |= other.sensors

    def copy(self) -> Seen:
        """An independent one."""
        return Seen(self.first, self.last, self.count, self.hostile, self.bases, dict(self.sectors), set(self.sensors))


class Tally(dict[Key, Seen]):
    """Sightings by indicator and side."""

    def hit(self, number: int, side: str, time: int, sector: str, sensor: str | None, basis: str) -> None:
        """Count one event."""
        seen = self.get((number, side))
        bit = _BIT[basis]
        hostile = int(basis != "none")
        if seen is None:
            self[(number, side)] = Seen(time, time, 1, hostile, bit, {sector: time}, {sensor})
            return
        seen.first, seen.last = min(seen.first, time), max(seen.last, time)
        seen.count += 1
        seen.hostile += hostile
        seen.bases |= bit
        seen.sectors[sector] = min(time, seen.sectors.get(sector, time))
        seen.sensors.add(sensor)

    def take(self, hits: pa.Table, clocks: Clocks) -> None:
        """Count the rows of a table of hits (``live.hits_of``)."""
        names = ("indicator", "side", "time", "sector", "sensor", "basis")
        for number, side, time, sector, sensor, basis in zip(*(hits[name].to_pylist() for name in names), strict=True):
            self.hit(number, side, clocks.right(side, sensor, time), sector, sensor, basis)


class Clocks:
    """How far sensors' clocks are wrong (``match.clocks``)."""

    def __init__(self, session: LakeSession) -> None:
        register_offsets(session)
        rows = session.sql(f"SELECT side, sensor, skew FROM {SENSOR_OFFSETS}").to_pylist()
        self._skews = {(row["side"], row["sensor"]): int(row["skew"]) for row in rows}

    def right(self, side: str, sensor: str | None, time: int) -> int:
        """``time`` by a right clock, in microseconds UTC."""
        return time - self._skews.get((side, sensor), 0) if self._skews else time


class HeldSightings:
    """What the lake's hits say of every indicator, as of one snapshot; read once, asked for single indicators."""

    def __init__(self, session: LakeSession) -> None:
        self.clocks = Clocks(session)
        hits = session.derived(HITS)
        self._table = pa.table({})
        self._numbers = np.zeros(0, dtype=np.int64)
        if hits is not None:
            query = f"SELECT * FROM ({seen_by_sector(hits)}) ORDER BY indicator, side, first, sector"
            self._table = session.sql(query)
            self._numbers = np.asarray(self._table["indicator"])

    def of(self, number: int) -> dict[str, Seen]:
        """What was seen of one indicator, by side."""
        first, last = np.searchsorted(self._numbers, [number, number + 1]).tolist()
        found: dict[str, Seen] = {}
        for row in self._table.slice(first, last - first).to_pylist() if last > first else ():
            seen = Seen(
                row["first"], row["last"], row["count"], row["hostile"], row["bases"],
                {row["sector"]: row["first"]}, set(row["sensors"] or ()),
            )  # fmt: skip
            if row["side"] in found:
                found[row["side"]].add(seen)
            else:
                found[row["side"]] = seen
        return found


def summary(facts: KeyFacts, side: str, seen: Seen) -> SightingSummary:
    """A sighting as ``sighting_table`` would tell it."""
    bits = seen.bases | (INDICATOR_BIT if facts.origin is None else 0)
    return SightingSummary(
        type=ObservableType(facts.type),
        value=facts.value,
        side=side,
        first_seen=seen.first,
        last_seen=seen.last,
        count=seen.count,
        sectors=tuple(sorted(seen.sectors, key=lambda sector: (seen.sectors[sector], sector))),
        indicator_id=facts.indicator_id,
        basis=tuple(name for name in BASES if bits & _BIT[name]),
        tlp=facts.tlp,
        pap=facts.pap,
        origin=None,
    )


def finding(facts: KeyFacts, side: str, seen: Seen) -> dict[str, object]:
    """A row of FINDING_SCHEMA; nothing is measured yet."""
    told = summary(facts, side, seen)
    return {
        "type": facts.type,
        "value": facts.value,
        "side": side,
        "first_seen": seen.first,
        "last_seen": seen.last,
        "count": seen.count,
        "hostile": seen.hostile,
        "sectors": list(told.sectors),
        "basis": list(told.basis),
        "sensors": len(seen.sensors - {None}),
        "indicator_id": facts.indicator_id,
        "campaign": facts.campaign,
        "tlp": int(facts.tlp),
        "pap": int(facts.pap),
    }


def joined(parts: Iterable[Seen]) -> Seen | None:
    """Several as one; None for none."""
    made: Seen | None = None
    for part in parts:
        if made is None:
            made = part.copy()
        else:
            made.add(part)
    return made
