"""Epochs: the 90 days for which two nodes keep one set of masks, tokens and initial guesses.

They are counted from 1970-01-01T00:00:00Z, so both sides of a pair agree without asking each other.

>>> epoch_of(1_795_305_600_000_000).number
230
"""

from __future__ import annotations

import msgspec

EPOCH_DAYS = 90
"""Shorter ones renew the masks more often, and with them every peer's initial guesses."""
DAY = 86_400 * 1_000_000  # microseconds


class Epoch(msgspec.Struct, frozen=True, order=True):
    """One epoch; ``start`` is its first moment and ``end`` the first one behind it, in microseconds UTC."""

    number: int
    start: int
    end: int


def epoch_of(moment: int) -> Epoch:
    """The epoch in which a moment (microseconds UTC) lies."""
    return epoch_number(moment // (EPOCH_DAYS * DAY))


def epoch_number(number: int) -> Epoch:
    """The epoch of that number."""
    return Epoch(number, number * EPOCH_DAYS * DAY, (number + 1) * EPOCH_DAYS * DAY)


def day_of(moment: int) -> int:
    """The UTC day of a moment, in days since 1970-01-01."""
    return moment // DAY
