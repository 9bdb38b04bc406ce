"""How fast knowledge of a value grows old, by its type: data with source, validity and a verified flag."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from seawall.model import ObservableType

PACKAGED = Path(__file__).parent / "data" / "half_lives.json"
DAY_SECONDS = 86_400


class HalfLife(msgspec.Struct, frozen=True):
    """One type's decay. ``decay_speed`` is the delta of the MISP polynomial: 1 is a straight line, above 1 falls fast
    at first and slowly later."""

    type: ObservableType
    half_life_days: float
    decay_speed: float
    source: str
    verified: bool  # False: chosen, not measured
    valid_from: str
    valid_to: str | None
    note: str

    @property
    def half_life_seconds(self) -> int:
        """Seconds after which half is left."""
        return round(self.half_life_days * DAY_SECONDS)

    @property
    def lifetime_seconds(self) -> int:
        """Seconds after which nothing is left: half-life x 2^speed, the ``tau`` of the polynomial."""
        return round(self.half_life_days * DAY_SECONDS * float(2.0**self.decay_speed))


class _File(msgspec.Struct, frozen=True):
    version: int
    half_lives: tuple[HalfLife, ...]


@cache
def half_lives() -> dict[ObservableType, HalfLife]:
    """Every type's row that came with the package and is in force."""
    rows = msgspec.json.decode(PACKAGED.read_bytes(), type=_File).half_lives
    return {row.type: row for row in rows if row.valid_to is None}


def half_life_of(type: ObservableType) -> HalfLife:
    """The row of one type; every type has one."""
    return half_lives()[type]
