"""Did our legitimate traffic fall? A rank test on counts per interval, free of any assumption how they are spread.

Counts before and after are compared by Mann and Whitney's U (1947), one-sided, exact. Under "nothing changed" it calls
a drop with probability ``FALSE_ALARM`` at most, whatever the traffic's distribution, as long as intervals can be
exchanged; counts that follow the clock are therefore divided by the same interval's usual count first (``seasonal``).
A drop must also be large: a tiny one that is certain costs nobody anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from statistics import median

import msgspec

FALSE_ALARM = 0.001
"""Of one test. A block is tested at most four times (``flow/rollback.py``): 0.4 % in all (union bound)."""

LEAST_FALL = 0.3
"""Share of the usual traffic that must be missing: below that, people and chance move it daily."""

LEAST_BEFORE, LEAST_AFTER = 20, 3
"""Intervals: C(23, 3) = 1,771 orders, so the least p-value, 0.0006, lies below ``FALSE_ALARM``."""


class Drop(msgspec.Struct, frozen=True):
    """What the comparison says. ``p`` and ``fall`` are None when there are too few intervals to say anything."""

    dropped: bool
    p: float | None
    fall: float | None  # 0..1: the share of the usual traffic that is missing
    before: int  # intervals
    after: int

    @property
    def enough(self) -> bool:
        """Whether there was enough data for an answer."""
        return self.p is not None


def compare(before: Sequence[float], after: Sequence[float]) -> Drop:
    """Whether ``after`` lies below ``before``."""
    n, m = len(before), len(after)
    if n < LEAST_BEFORE or m < LEAST_AFTER or 1 / comb(n + m, m) > FALSE_ALARM or median(before) <= 0:
        return Drop(dropped=False, p=None, fall=None, before=n, after=m)
    from scipy.stats import mannwhitneyu  # only this command needs it

    p = float(mannwhitneyu(after, before, alternative="less", method="exact").pvalue)
    fall = 1 - median(after) / median(before)
    return Drop(dropped=p <= FALSE_ALARM and fall >= LEAST_FALL, p=p, fall=max(0.0, fall), before=n, after=m)


def seasonal(counts: Sequence[float], earlier: Sequence[Sequence[float | None]]) -> list[float]:
    """Counts divided by the median of the same intervals of earlier days; unchanged when fewer than three days tell.

    ``earlier``: one sequence a day, as long as ``counts``; None where that day has no telemetry.
    """
    usual: list[float | None] = []
    for place in range(len(counts)):
        known = [day[place] for day in earlier]
        there = [value for value in known if value is not None]
        usual.append(median(there) if len(there) >= 3 else None)
    if any(value is None or value <= 0 for value in usual):
        return list(counts)
    return [count / value for count, value in zip(counts, usual, strict=True) if value]
