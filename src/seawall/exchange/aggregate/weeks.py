"""ISO 8601 weeks (Monday to Sunday, UTC) as whole numbers, and periods of several.

>>> str(read_period("2026-W12"))
'2026-W12'
>>> read_period("2026-W10..2026-W13").weeks
4
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import msgspec

from seawall.model import Fault, to_microseconds

FIRST_MONDAY = date(1969, 12, 29)  # of the ISO week that 1970-01-01 lies in: week 0
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


class Period(msgspec.Struct, frozen=True, order=True):
    """Whole weeks one after the other; ``first`` counts from the week of 1970-01-01."""

    first: int
    weeks: int

    def __str__(self) -> str:
        begin, end = week_name(self.first), week_name(self.first + self.weeks - 1)
        return begin if self.weeks == 1 else f"{begin}..{end}"

    @property
    def days(self) -> tuple[int, int]:
        """The first day and the day behind the last, since 1970-01-01."""
        return self.first * 7 - 3, (self.first + self.weeks) * 7 - 3

    @property
    def ends(self) -> int:
        """The moment behind the last week, microseconds UTC."""
        end = FIRST_MONDAY + timedelta(weeks=self.first + self.weeks)
        return to_microseconds(datetime(end.year, end.month, end.day, tzinfo=UTC))

    def overlaps(self, other: Period) -> bool:
        """Whether both have a week in common."""
        return self.first < other.first + other.weeks and other.first < self.first + self.weeks


def week_name(week: int) -> str:
    """``2026-W12``."""
    year, number, _ = (FIRST_MONDAY + timedelta(weeks=week)).isocalendar()
    return f"{year:04d}-W{number:02d}"


def read_period(text: str) -> Period:
    """A week, or two with ``..`` between them. Raises Fault E-EXCHANGE-850 for anything else."""
    parts = text.strip().upper().split("..")
    if len(parts) <= 2:
        found = [_week(part) for part in parts]
        if None not in found:
            first, last = found[0], found[-1]
            if first is not None and last is not None and first <= last:
                return Period(first, last - first + 1)
    raise Fault(
        "E-EXCHANGE-850",
        "{given} is no period; write a week such as 2026-W12, or two such as 2026-W10..2026-W13.",
        given=ascii(text[:40]),
    )


def _week(text: str) -> int | None:
    match = _WEEK.fullmatch(text)
    if match is None:
        return None
    try:
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
    except ValueError:
        return None
    return (monday - FIRST_MONDAY).days // 7 if FIRST_MONDAY <= monday < date(9_000, 1, 1) else None
