"""When does what is seen there come here? What has not come yet is censored: it may still come.

Kaplan, Meier, "Nonparametric estimation from incomplete observations" (JASA 53, 1958): S(t), the share not seen yet
after t, is the product over the moments t_i <= t at which d_i of the n_i still waited for were seen of (1 - d_i / n_i).
Greenwood (1926): var S(t) = S(t)^2 sum d_i / (n_i (n_i - d_i)). The interval is that of log(-log S) (Kalbfleisch,
Prentice 1980), which stays between 0 and 1.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
import numpy.typing as npt

from seawall.warn.lead.intervals import Z_95, Floats, Interval, wilson


class Within(msgspec.Struct, frozen=True):
    """The share that was seen within some time: ``at_risk`` were still waited for then; None: nobody was so long."""

    share: float | None
    interval: Interval | None
    at_risk: int


class Curve(msgspec.Struct, frozen=True):
    """A Kaplan-Meier curve: arrays of one length, one entry for each distinct duration, in rising order."""

    times: Floats
    waiting: Floats  # S just after each time: the share not seen yet
    at_risk: npt.NDArray[np.int64]  # waited for just before each time
    seen: npt.NDArray[np.int64]  # seen at each time
    greenwood: Floats  # sum of d / (n (n - d)) up to each time; infinite where S is 0

    def within(self, time: float, z: float = Z_95) -> Within:
        """P(seen within ``time``), in the unit of the durations, and its interval.

        Nothing is said beyond the longest duration, unless everything was seen by then: nobody was watched so long.
        """
        risk = int(np.sum(self.at_risk[np.searchsorted(self.times, time) :][:1]))
        place = int(np.searchsorted(self.times, time, side="right")) - 1
        if not len(self.times) or (risk == 0 and self.waiting[-1] > 0):
            return Within(None, None, 0)
        share = float(self.waiting[max(0, place)])
        if place < 0 or share == 1.0:  # nothing varies, so Greenwood has no width: what none of n (all of n) say
            return Within(0.0, wilson(0, risk, z), risk)
        if share == 0.0:
            return Within(1.0, wilson(many := int(self.seen.sum()), many, z), risk)
        spread = z * math.sqrt(float(self.greenwood[place])) / abs(math.log(share))
        low, high = share ** math.exp(spread), share ** math.exp(-spread)
        return Within(1 - share, Interval(1 - high, 1 - low), risk)

    def median(self) -> float | None:
        """The first time by which at least half were seen; None when fewer were."""
        reached = np.flatnonzero(self.waiting <= 0.5)
        return float(self.times[reached[0]]) if len(reached) else None


def kaplan_meier(durations: npt.ArrayLike, observed: npt.ArrayLike) -> Curve:
    """The curve of ``durations`` (any unit, none below 0), each ending in being seen where ``observed`` is true.

    One not seen counts as waited for up to its duration, that moment included. Raises ValueError for arrays of
    different length, and for a duration that is below 0 or no number.
    """
    lasted = np.asarray(durations, np.float64).ravel()
    came = np.asarray(observed, np.bool_).ravel()
    if len(lasted) != len(came) or not bool((np.isfinite(lasted) & (lasted >= 0)).all()):
        raise ValueError("each duration is a number not below 0 and has one answer whether it was seen")
    times, place = np.unique(lasted, return_inverse=True)
    ended = np.bincount(place, minlength=len(times)).astype(np.int64)
    seen = np.bincount(place, weights=came, minlength=len(times)).astype(np.int64)
    at_risk = len(lasted) - np.concatenate(([0], np.cumsum(ended)[:-1])).astype(np.int64)[: len(times)]
    waiting = np.asarray(np.cumprod(1 - seen / at_risk), np.float64)
    with np.errstate(divide="ignore"):
        steps = np.where(seen > 0, seen / (at_risk * (at_risk - seen).astype(np.float64)), 0.0)
    return Curve(times, waiting, at_risk, seen, np.cumsum(steps))
