"""Counts, medians and curves of each group, without any model of chance."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from seawall.warn.lead.columns import DAY, SECOND, Codes, Columns
from seawall.warn.lead.grouping import Grouping
from seawall.warn.lead.intervals import Floats, bootstrap_median, wilson
from seawall.warn.lead.report import LEAST_BOTH, WithinDays
from seawall.warn.lead.survival import kaplan_meier

WITHIN_DAYS = (1, 7, 30)
SEED = 7
SMALL_DRAWS, MANY_GROUPS = 500, 1_000
"""With so many groups each median is resampled less often: nobody compares ten thousand intervals to the digit."""


class Measured(msgspec.Struct, frozen=True):
    """One entry a group."""

    both: Codes
    only_there: Codes
    only_here: Codes
    first_there: Codes
    first_here: Codes
    proved_first: Codes
    told_in_time: Codes
    told_them_in_time: Codes
    medians: tuple[dict[str, Any], ...]  # fields of LeadGroup; empty below LEAST_BOTH
    within: tuple[tuple[WithinDays, ...], ...]

    def of(self, place: int) -> dict[str, Any]:
        """One group's fields of LeadGroup."""
        names = ("both", "only_there", "only_here", "first_there", "first_here", "told_in_time", "told_them_in_time")
        found: dict[str, Any] = {name: int(getattr(self, name)[place]) for name in names}
        found |= {"proved_first_there": int(self.proved_first[place]), "within": self.within[place]}
        first, decided = found["first_there"], found["first_there"] + found["first_here"]
        if decided:
            share = wilson(first, decided)
            found |= {"share_first_there": first / decided, "share_low": share.low, "share_high": share.high}
        return found | self.medians[place]


def measure(at: Columns, groups: Grouping, until: float | None) -> Measured:
    """Of the entries of ``groups``; ``until`` is the last moment (microseconds) at which we watched."""
    there = said(at)
    first_there, first_here = at.both & (there < at.here), at.both & (at.here < there)
    both = groups.counts(at.both)
    return Measured(
        both=both,
        only_there=groups.counts(at.seen_there & np.isnan(at.here)),
        only_here=groups.counts(~at.seen_there & ~np.isnan(at.here)),
        first_there=groups.counts(first_there),
        first_here=groups.counts(first_here),
        proved_first=groups.counts(first_there & (at.proved < at.here)),
        told_in_time=groups.counts(first_there & (at.told_us < at.here)),
        told_them_in_time=groups.counts(first_here & (at.told_them < there)),
        medians=_medians(at, there, groups, both),
        within=_within(at, there, groups, until),
    )


def said(at: Columns) -> Floats:
    """When a value was first seen there: as told, else when it was proved to be held there."""
    return np.where(np.isnan(at.there), at.proved, at.there)


def _medians(at: Columns, there: Floats, groups: Grouping, both: Codes) -> tuple[dict[str, Any], ...]:
    lead = (at.here - there) / SECOND
    # told late, or not at all: no time was left, and that counts
    usable = np.where(lead > 0, np.maximum(np.nan_to_num((at.here - at.told_us) / SECOND), 0.0), np.nan)
    theirs = np.where(lead < 0, np.maximum(np.nan_to_num((there - at.told_them) / SECOND), 0.0), np.nan)
    delay = np.where(np.isnan(at.there), np.nan, (at.told_us - at.there) / SECOND)
    bounds = groups.bounds()
    draws = SMALL_DRAWS if len(groups.names) > MANY_GROUPS else 2000
    found: list[dict[str, Any]] = []
    for place in range(len(groups.names)):
        if both[place] < LEAST_BOTH:
            found.append({})
            continue
        rows = groups.row[bounds[place] : bounds[place + 1]]
        found.append(
            {
                **_median(lead[rows], "raw_lead_seconds", "raw", draws),
                **_median(usable[rows], "usable_lead_seconds", "usable", draws),
                **_median(theirs[rows], "their_usable_lead_seconds", None, draws),
                **_median(delay[rows], "sharing_delay_seconds", None, draws),
            }
        )
    return tuple(found)


def _median(values: Floats, name: str, ends: str | None, draws: int) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    if not len(known):
        return {}
    found: dict[str, Any] = {name: float(np.median(known))}
    if ends is not None:
        interval = bootstrap_median(known, seed=SEED, draws=draws)
        found |= {f"{ends}_low": interval.low, f"{ends}_high": interval.high}
    return found


def _within(at: Columns, there: Floats, groups: Grouping, until: float | None) -> tuple[tuple[WithinDays, ...], ...]:
    """P(seen here within d days): what we met before it was seen there was never waited for, and is left out."""
    if until is None:
        return tuple(() for _ in groups.names)
    waited = np.where(np.isnan(at.here), until, at.here) - there
    fits = ~np.isnan(waited) & (waited >= 0)
    entries = groups.only(fits)
    bounds = entries.bounds()
    found: list[tuple[WithinDays, ...]] = []
    for place in range(len(groups.names)):
        rows = entries.row[bounds[place] : bounds[place + 1]]
        if not len(rows):
            found.append(())
            continue
        curve = kaplan_meier(waited[rows] / DAY, ~np.isnan(at.here[rows]))
        found.append(tuple(_told(days, curve.within(float(days))) for days in WITHIN_DAYS))
    return tuple(found)


def _told(days: int, within: Any) -> WithinDays:
    interval = within.interval
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return WithinDays(days, within.share, low, high, within.at_risk)
