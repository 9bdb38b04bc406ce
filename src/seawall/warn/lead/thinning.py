"""The busier side's records thinned to the other's volume (``nulls`` says how it is read)."""

from __future__ import annotations

import numpy as np

from seawall.warn.lead.columns import Codes, Flags
from seawall.warn.lead.intervals import Floats
from seawall.warn.lead.nulls import MOST_RECORDS, Drawn, signed_shares


def thinned(
    there: tuple[Floats, Floats, Floats],
    here: tuple[Floats, Floats, Floats],
    busier_there: Flags,
    ratio: Floats,
    group: Codes,
    cluster: Codes,
    *,
    seed: int,
    draws: int,
    groups: int,
) -> Drawn:
    """``there`` and ``here`` are first moment, last moment and records of each value met on both sides; ``ratio`` of
    the other side's volume to the busier's, by value; ``group`` and ``cluster`` as in ``nulls.permuted``.
    """
    random = np.random.default_rng([seed, len(group), draws])
    shares, medians = np.empty((draws, groups)), np.empty((draws, groups))
    left_shares, left_medians = np.empty((draws, groups)), np.empty((draws, groups))
    alone = cluster < 0
    clusters = int(cluster.max()) + 1 if len(cluster) and not alone.all() else 0
    for place in range(draws):
        moved_there = np.where(busier_there, _first_left(there, ratio, random), there[0])
        moved_here = np.where(busier_there, here[0], _first_left(here, ratio, random))
        lead = moved_here - moved_there
        kept = ~np.isnan(lead) & (lead != 0)
        of = group[kept]
        order = np.lexsort((np.abs(lead[kept]), of))
        size, bounds = np.abs(lead[kept][order]), np.searchsorted(of[order], np.arange(groups + 1))
        fate = random.random(len(of))
        if clusters:
            mine = cluster[kept]
            fate = np.where(mine < 0, fate, random.random(clusters)[mine])
        left_shares[place], left_medians[place] = signed_shares((lead[kept] > 0)[order], size, bounds)
        shares[place], medians[place] = signed_shares((fate < 0.5)[order], size, bounds)
    return Drawn(shares, medians, left_shares.mean(axis=0), np.median(left_medians, axis=0))


def _first_left(side: tuple[Floats, Floats, Floats], ratio: Floats, random: np.random.Generator) -> Floats:
    """The first moment of each value after thinning; NaN where nothing stays.

    How many records go before the first that stays is geometric.
    """
    first, last, records = side
    count = np.clip(np.nan_to_num(records, nan=1.0), 1.0, MOST_RECORDS)
    skipped = random.geometric(np.clip(ratio, 1e-6, 1.0)) - 1.0
    step = (last - first) / np.maximum(count - 1, 1.0)
    return np.where(skipped < count, first + skipped * step, np.nan)
