"""What would chance alone show? A busier sensor sees first more often; lead counts only beyond that.

**permute**: vantage labels are permuted within day and type. Of the records of one type on one day let p be the share
that stands there. A value with n records on both sides, the first on a day with p1 and the other side's first on a day
with p2, would under permuted labels, given that both sides keep at least one, be first there with

    P = p1 (1 - p2^(n-1)) / (p1 (1 - p2^(n-1)) + (1 - p1) (1 - (1 - p2)^(n-1)))

which is 1/2 for two records on days with equal volumes, and p for many records. Its distance in time stays; who was
first is drawn anew, so one draw costs one random number a value, where moving every label costs a sort. The records of
a value's own campaign are left out of p1 and p2 (a campaign must not explain itself by its own volume). A day on which
fewer than ``LEAST_STRATUM`` values of the type were first met tells no volume: all such days of a type are one stratum.
Where fewer than that are left without the campaign, p is that of the type's whole history, of everything, or a half.

**thin**: the busier side's records are thinned to the other's volume: each stays with probability r, so a value's first
moment is that of the first record that stays (its records taken as evenly spread between first and last), or none. Of
what is left each value is as likely to be first there as here.

Values of one campaign come together, so where campaigns are known they are drawn together: a campaign of 500 values is
one piece of evidence, not 500.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
import numpy as np
import numpy.typing as npt

from seawall.warn.lead.columns import DAY, Codes, Flags
from seawall.warn.lead.intervals import Floats

LEAST_STRATUM = 20
"""Values first met on one side or the other: the share of fewer says too little about volumes (Wilson's interval of 10
of 20 reaches from 0.30 to 0.70), and on a day with one value alone nothing could be permuted at all."""
MOST_RECORDS = 100.0
"""Records of one value on one side that count: one noisy brute-forcer is not the volume of a sensor."""
DRAWS = 999
"""The least p-value is then one in a thousand."""
LEAST_DRAWS = 99
BUDGET = 100_000_000
"""Values times draws: about ten seconds. With more values there are fewer draws, never below ``LEAST_DRAWS``; a share
of a million values needs few, because it hardly varies."""


class Null(StrEnum):
    """How chance is drawn."""

    PERMUTE = "permute"
    THIN = "thin"


class Volumes(msgspec.Struct, frozen=True):
    """Records on both sides, entry by entry: day, type, side (1: there), campaign (-1: none) and how many."""

    day: Codes
    type: Codes
    there: Flags
    campaign: Codes
    records: Floats


class Drawn(msgspec.Struct, frozen=True):
    """What chance showed: one row a draw, one column a group. Leads in the unit given, positive: first there."""

    shares: Floats  # of values first there
    medians: Floats  # of signed leads
    observed_share: Floats  # by group; of ``thin`` the mean over draws of what is left
    observed_median: Floats


def draws_for(values: int) -> int:
    """How many draws so many values are worth."""
    return max(LEAST_DRAWS, min(DRAWS, BUDGET // max(values, 1)))


def chance_first(
    volumes: Volumes, there: Floats, here: Floats, type: Codes, campaign: Codes, records: Floats
) -> Floats:
    """P of the module's text for each value: its moments (microseconds), type, campaign, and records on both sides."""
    share = _Shares(volumes)
    first, second = np.minimum(there, here), np.maximum(there, here)
    p1, p2 = (share.of((moment // DAY).astype(np.int64), type, campaign) for moment in (first, second))
    rest = np.clip(records, 2.0, 2 * MOST_RECORDS) - 1
    stays_there, stays_here = p1 * (1 - p2**rest), (1 - p1) * (1 - (1 - p2) ** rest)
    return stays_there / (stays_there + stays_here)


def permuted(
    lead: Floats, chance: Floats, group: Codes, cluster: Codes, *, seed: int, draws: int, groups: int
) -> Drawn:
    """Draw who was first: ``lead`` (signed), ``chance`` of being first there, ``group`` (0 ... groups - 1) and
    ``cluster`` (-1: drawn alone) of each value, which may stand in several groups and then has several entries."""
    order = np.lexsort((np.abs(lead), group))
    size = np.abs(lead[order])
    chance, cluster, of = chance[order], cluster[order], group[order]
    bounds = np.searchsorted(of, np.arange(groups + 1))
    random = np.random.default_rng([seed, len(lead), draws])
    shares, medians = np.empty((draws, groups)), np.empty((draws, groups))
    alone = cluster < 0
    clusters = int(cluster.max()) + 1 if len(cluster) and not alone.all() else 0
    for place in range(draws):
        fate = random.random(len(size))
        if clusters:
            fate = np.where(alone, fate, random.random(clusters)[cluster])
        shares[place], medians[place] = signed_shares(fate < chance, size, bounds)
    seen_share, seen_median = signed_shares((lead > 0)[order], size, bounds)
    return Drawn(shares, medians, seen_share, seen_median)


def p_values(observed: Floats, drawn: Floats) -> Floats:
    """P(chance shows at least this), for each group: (1 + as large ones) / (1 + all), of standardised values.

    Standardised by its own group's mean and spread, every group's draws speak for all (Storey, Tibshirani 2003 pool
    null statistics so): with many groups p can be small without many draws. A group that chance cannot move has p 1.
    """
    if not drawn.size:
        return np.ones(len(observed))
    mean, spread = drawn.mean(axis=0), drawn.std(axis=0)
    moves = spread > 0
    scale = np.where(moves, spread, 1.0)
    pool = np.sort(((drawn - mean) / scale)[:, moves], axis=None)
    standard = (observed - mean) / scale
    slack = 1e-9  # equal values must count as equal after standardising
    larger = len(pool) - np.searchsorted(pool, standard - slack, side="left")
    found: Floats = (1 + larger) / (1 + len(pool))
    return np.where(moves, found, 1.0)


class _Shares:
    """Shares of records that stand there, by stratum, without a campaign's own."""

    def __init__(self, volumes: Volumes) -> None:
        self._types = int(volumes.type.max()) + 1 if len(volumes.type) else 1
        days, size = np.unique(volumes.day * self._types + volumes.type, return_counts=True)
        self._dense = days[size >= LEAST_STRATUM]
        self._tables = (
            _Table(np.zeros(len(volumes.type), np.int64), volumes),
            _Table(volumes.type, volumes),
            _Table(self._stratum(volumes.day, volumes.type), volumes),
        )

    def of(self, day: Codes, type: Codes, campaign: Codes) -> Floats:
        keys = (np.zeros(len(day), np.int64), type, self._stratum(day, type))
        share: Floats = np.full(len(day), 0.5)
        for table, key in zip(self._tables, keys, strict=True):
            there, records, values = table.without(key, campaign)
            enough = values >= LEAST_STRATUM
            share = np.where(enough, there / np.where(enough, records, 1.0), share)
        return share

    def _stratum(self, day: Codes, type: Codes) -> Codes:
        """Day and type; of days with few values the type alone, as a number below 0."""
        key = day * self._types + type
        return np.where(_find(self._dense, key)[1], key, -1 - type)


class _Table:
    """Records there, all records, and values, by one key, and by that key and a campaign."""

    def __init__(self, key: Codes, volumes: Volumes) -> None:
        weights = (np.where(volumes.there, volumes.records, 0.0), volumes.records, np.ones(len(key)))
        self._keys, place = np.unique(key, return_inverse=True)
        self._sums = [np.bincount(place, weight, minlength=len(self._keys)) for weight in weights]
        own = volumes.campaign >= 0
        self._width = int(volumes.campaign.max()) + 2 if len(key) else 1
        self._pairs, pair = np.unique(place[own] * self._width + volumes.campaign[own], return_inverse=True)
        self._own = [np.bincount(pair, weight[own], minlength=len(self._pairs)) for weight in weights]

    def without(self, key: Codes, campaign: Codes) -> list[Floats]:
        """The three sums under each key, less those of the campaign. Unknown keys have none."""
        place, known = _find(self._keys, key)
        pair, same = _find(self._pairs, place * self._width + campaign)
        same &= known & (campaign >= 0)
        found = []
        for sums, own in zip(self._sums, self._own, strict=True):
            whole = np.where(known, sums[place], 0.0) if len(sums) else np.zeros(len(key))
            found.append(whole - np.where(same, own[pair], 0.0) if len(own) else whole)
        return found


def _find(names: Codes, wanted: Codes) -> tuple[Codes, Flags]:
    place = np.minimum(np.searchsorted(names, wanted), max(len(names) - 1, 0))
    return place, (names[place] == wanted if len(names) else np.zeros(len(wanted), np.bool_))


def signed_shares(first: npt.NDArray[np.bool_], size: Floats, bounds: Codes) -> tuple[Floats, Floats]:
    """Share of ``first`` and the median of signed sizes in each group; ``size`` rises within groups."""
    counts = np.diff(bounds)
    running = np.concatenate(([0], np.cumsum(first)))
    yes = running[bounds[1:]] - running[bounds[:-1]]
    no = counts - yes
    yes_at, no_at = np.flatnonzero(first), np.flatnonzero(~first)
    yes_from, no_from = running[bounds[:-1]], bounds[:-1] - running[bounds[:-1]]

    def nth(rank: Codes) -> Floats:
        # in rising order stand the negatives, largest first, then the positives
        below = rank < no
        place = np.where(below, no_from + no - 1 - rank, yes_from + rank - no)
        found = np.zeros(len(rank))
        held = counts > 0
        found[held & below] = -size[no_at[place[held & below]]]
        found[held & ~below] = size[yes_at[place[held & ~below]]]
        return found

    middle = np.maximum(counts - 1, 0)
    return (yes + 0.5) / (counts + 1), (nth(middle // 2) + nth(np.maximum(counts // 2, 0))) / 2
