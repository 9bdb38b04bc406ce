"""Retention: whole UTC days past a bound leave the lake. What was derived from them, such as hits, stays as history."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from seawall.lake.compaction import Size, size, split
from seawall.lake.files import DAY_MICROSECONDS
from seawall.lake.interface import LakeWriter, OnWait
from seawall.lake.lake import Lake
from seawall.lake.manifest import OBSERVATIONS, ROLLUP, Manifest, Part
from seawall.lake.merging import day_of

Removed = Callable[[LakeWriter, int], None]
"""Called inside the commit with the number of observations that leave: what counts on them must hear of it."""


class RetainReport(msgspec.Struct, frozen=True):
    """The lake before and after, and the days of which observations or roll-up rows left."""

    before: Size
    after: Size
    days_removed: int


def retain(
    lake: Lake,
    now: int,
    keep_days: int = 0,
    keep_rollup_days: int = 0,
    *,
    removed: Removed | None = None,
    on_wait: OnWait | None = None,
) -> RetainReport:
    """Keep the day of ``now`` (microseconds UTC) and the ``keep_days - 1`` before it; later days always stay.

    0 keeps everything. The roll-up stays at least as long as the observations, because matching finds them by it.
    Raises what ``Lake.writing`` does.
    """
    before = size(lake)
    first = _first(now, keep_days)
    first_rolled = _first(now, max(keep_rollup_days, keep_days)) if keep_days and keep_rollup_days else None
    if any(part.day is None and _reaches(part, first) for part in lake.manifest().of(ROLLUP)):
        split(lake, on_wait)
    days: set[int] = set()
    if any(_past(lake.manifest(), first, first_rolled)):
        with lake.merging(on_wait) as writer:
            parts, rolled = _past(lake.manifest(), first, first_rolled)
            if parts and removed is not None:
                removed(writer, sum(part.rows for part in parts))
            writer.put([], instead_of=[*parts, *rolled])
            days = {day for part in [*parts, *rolled] if (day := day_of(part)) is not None}
        lake.tidy(on_wait)
    return RetainReport(before, size(lake), len(days))


def _first(now: int, keep: int) -> int | None:
    return now // DAY_MICROSECONDS - keep + 1 if keep else None


def _past(manifest: Manifest, first: int | None, first_rolled: int | None) -> tuple[list[Part], list[Part]]:
    """The files of observations and of the roll-up that lie wholly before their first day to keep."""
    return _before(manifest.of(OBSERVATIONS), first), _before(manifest.of(ROLLUP), first_rolled)


def _before(parts: Sequence[Part], first: int | None) -> list[Part]:
    days = ((part, day_of(part)) for part in parts)
    return [part for part, day in days if first is not None and day is not None and day < first]


def _reaches(part: Part, first: int | None) -> bool:
    return first is not None and part.first // DAY_MICROSECONDS < first
