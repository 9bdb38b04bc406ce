"""How sure a share or a median is: Wilson's interval, and a seeded bootstrap of the median.

Wilson, "Probable inference, the law of succession, and statistical inference" (JASA 22, 1927): n trials, s of them
successes, p = s / n, and z the normal quantile of the wanted confidence,

    (p + z^2 / 2n  -+  z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

It stays inside 0 to 1 and means something at 0 of n and n of n, where p -+ z sqrt(p (1 - p) / n) has no width.
"""

from __future__ import annotations

import math
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

Z_95 = 1.959964
"""Two-sided 95 %."""
DRAWS = 2000
"""Resamples of a bootstrap: the ends of a 95 % interval then rest on 50 draws on either side (Efron, Tibshirani 1993
call 1,000 to 2,000 enough for percentile intervals)."""

Floats = npt.NDArray[np.float64]


class Interval(msgspec.Struct, frozen=True):
    """Between ``low`` and ``high`` with the confidence it was asked for, in the unit of what was estimated."""

    low: float
    high: float


def wilson(successes: int, trials: int, z: float = Z_95) -> Interval:
    """Wilson's interval of a share. No trials at all say nothing: 0 to 1.

    Raises ValueError unless 0 <= successes <= trials and z > 0.
    """
    if not 0 <= successes <= trials or z <= 0:
        raise ValueError("successes lie between 0 and trials, and z is above 0")
    if trials == 0:
        return Interval(0.0, 1.0)
    share, square = successes / trials, z * z
    middle = share + square / (2 * trials)
    width = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    whole = 1 + square / trials
    low = 0.0 if successes == 0 else (middle - width) / whole
    high = 1.0 if successes == trials else (middle + width) / whole
    return Interval(max(0.0, low), min(1.0, high))


def bootstrap_median(values: npt.ArrayLike, *, seed: int, draws: int = DRAWS, confidence: float = 0.95) -> Interval:
    """The percentile bootstrap of the median (Efron 1979): the middle ``confidence`` of the medians of resamples.

    The same seed and values give the same interval. Time does not grow with the number of values beyond one sort (see
    ``_places``). Raises ValueError for no values, for one that is no number, and for fewer than 1 draw.
    """
    ordered = np.sort(np.asarray(values, np.float64).ravel())
    if not len(ordered) or not bool(np.isfinite(ordered).all()) or draws < 1 or not 0 < confidence < 1:
        raise ValueError("a median needs finite values, a bootstrap draws, and confidence lies between 0 and 1")
    lower, upper = _places(len(ordered), seed, draws)
    medians = (ordered[lower] + ordered[upper]) / 2
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return Interval(float(low), float(high))


@lru_cache(maxsize=256)
def _places(count: int, seed: int, draws: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Which two of ``count`` ordered values the median of each resample lies between (the same twice: it is that one).

    A resample draws ``count`` places with replacement; its k-th smallest place is distributed as ceil(count * U) with
    U the k-th smallest of ``count`` uniform numbers, which is Beta(k, count - k + 1), and the one above it is
    U + (1 - U) Beta(1, count - k). So one resample costs two draws instead of ``count``, exactly and not nearly.
    """
    random = np.random.default_rng([seed, count, draws])
    middle = (count + 1) // 2
    low = random.beta(middle, count - middle + 1, draws)
    high = low if count % 2 else low + (1 - low) * random.beta(1, count - middle, draws)
    last = count - 1
    return (
        np.minimum((low * count).astype(np.int64), last),
        np.minimum((high * count).astype(np.int64), last),
    )
