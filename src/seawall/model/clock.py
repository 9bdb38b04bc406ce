"""Time as a value that is passed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], int]
"""Returns the present moment in microseconds since 1970-01-01T00:00:00Z."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> int:
    """The machine's clock, in microseconds UTC."""
    return time.time_ns() // 1000


def from_microseconds(moment: int) -> datetime:
    """A timezone-aware datetime, exact to the microsecond."""
    return EPOCH + timedelta(microseconds=moment)


def to_microseconds(moment: datetime) -> int:
    """Microseconds UTC of an aware datetime, exact."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def rfc3339(moment: int) -> str:
    """``2026-03-14T03:12:00.000000Z``: RFC 3339 UTC with six digits, as all JSON output writes times."""
    return from_microseconds(moment).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
