"""Is one side's clock wrong? A constant error moves all its moments by the same amount, and makes a false lead.

Where an attacker reaches both sides at once (mass mailings, scans, one tool pointed at both), the first sightings there
and here differ by seconds to minutes in either direction, around nothing. With a wrong clock these differences gather
around its error instead. So: the densest half-hour of all differences is found, its share is compared with what the
neighbourhood around it would lead one to expect, and the error is the median inside it (the mode, estimated robustly;
Parzen 1962 for the window, Robertson, Cryer 1974 for narrowing it). A true lead is spread over hours and days.

The estimate is told and flagged. Nothing is corrected: who sets a clock right is a person.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from seawall.warn.lead.columns import SECOND
from seawall.warn.lead.intervals import Floats, Interval, bootstrap_median

LEAST_SHARED = 20
"""Values met on both sides: fewer differences make no peak."""
WINDOW = 120 * SECOND
"""Half a peak's width: first sightings of one event by two sides differ by polling, batching and retries, which lie
below two minutes for everything that ``ingest`` reads."""
LEAST_SHARE = 0.2
"""Of all differences that gather within one peak, and
"""
TIMES_AROUND = 8.0
"""how many times more than the hour around it leads to expect."""
LEAST_SKEW = 120 * SECOND
"""Smaller errors change no lead that people act on; ``match.clocks`` takes five minutes for one sensor."""
MOST_SKEW = 26 * 3_600 * SECOND
"""The widest time-zone mistake (UTC+14 read as UTC-12); beyond, a peak is no clock's."""


class Skew(msgspec.Struct, frozen=True):
    """How far ahead of ours the other clock probably is, in microseconds; ``flagged``: it is off."""

    ahead: float
    interval: Interval
    gathered: int  # differences inside the peak
    shared: int  # of how many
    flagged: bool


def estimate_skew(there: npt.ArrayLike, here: npt.ArrayLike, *, seed: int) -> Skew | None:
    """From moments (microseconds) at which the same values were first met there and here; None without a clear peak.

    ``ahead`` is positive when the other clock shows a later time than ours does. A peak around zero speaks for two
    right clocks; it is returned with ``flagged`` false.
    """
    ahead = np.asarray(there, np.float64) - np.asarray(here, np.float64)
    ahead = np.sort(ahead[np.isfinite(ahead)])
    if len(ahead) < LEAST_SHARED:
        return None
    inside = _densest(ahead)
    middle = float(np.median(ahead[inside]))
    gathered = int(inside.sum())
    around = int(np.sum(np.abs(ahead - middle) <= 15 * WINDOW)) - gathered
    expected = around / 14  # the 28 windows beside it, of which two make one peak's width
    if gathered < LEAST_SHARE * len(ahead) or gathered < TIMES_AROUND * max(expected, 1.0):
        return None
    interval = bootstrap_median(ahead[inside], seed=seed)
    off = LEAST_SKEW <= abs(middle) <= MOST_SKEW and (interval.low > 0) == (interval.high > 0)
    return Skew(middle, interval, gathered, len(ahead), off)


def _densest(ordered: Floats) -> npt.NDArray[np.bool_]:
    """Which of the ordered values lie in the window of two ``WINDOW`` that holds the most."""
    ends = np.searchsorted(ordered, ordered + 2 * WINDOW, side="right")
    start = int(np.argmax(ends - np.arange(len(ordered))))
    inside = np.zeros(len(ordered), np.bool_)
    inside[start : int(ends[start])] = True
    return inside
