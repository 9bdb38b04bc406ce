"""The null model applied to every group: on proved moments for "there first", on told ones for "here first"."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from seawall.warn.lead.columns import DAY, SECOND, Codes, Columns, Flags
from seawall.warn.lead.grouping import Grouping
from seawall.warn.lead.intervals import Floats
from seawall.warn.lead.measures import said
from seawall.warn.lead.nulls import MOST_RECORDS, Drawn, Null, Volumes, chance_first, draws_for, p_values, permuted
from seawall.warn.lead.thinning import thinned


class Tested(msgspec.Struct, frozen=True):
    """One entry a group; leads in seconds, on proved moments."""

    tested: Codes
    lead: Floats
    null_lead: Floats
    null_share: Floats
    null_low: Floats
    null_high: Floats
    p_there: Floats
    p_here: Floats
    draws: int

    def of(self, place: int) -> dict[str, Any]:
        """One group's fields of LeadGroup, without its q-values."""
        plain = {name: float(getattr(self, name)[place]) for name in ("null_share", "null_low", "null_high")}
        lead, by_chance = float(self.lead[place]), float(self.null_lead[place])
        tests = {"p_there": float(self.p_there[place]), "p_here": float(self.p_here[place])}
        return {**plain, **tests, "null_lead_seconds": by_chance, "lead_over_null_seconds": lead - by_chance}


def against_chance(
    at: Columns, groups: Grouping, null: Null, seed: int, *, by_campaign: bool, draws: int | None = None
) -> Tested:
    """Of the entries of ``groups``. Values of one campaign are drawn together, unless campaigns are the groups.

    ``draws``: None, as many as so many values are worth.
    """
    draws = draws_for(len(groups.row)) if draws is None else draws
    there_first = _drawn(at, at.proved, groups, null, (seed, draws), by_campaign=by_campaign)
    moments = said(at)
    same = bool(np.array_equal(at.proved, moments, equal_nan=True))
    here_first = there_first if same else _drawn(at, moments, groups, null, (seed, draws), by_campaign=by_campaign)
    shares = there_first.shares
    low, high = np.quantile(shares, [0.025, 0.975], axis=0) if len(shares) else np.zeros((2, len(groups.names)))
    return Tested(
        tested=groups.counts(_tested(at, at.proved)),
        lead=there_first.observed_median,
        null_lead=np.median(there_first.medians, axis=0),
        null_share=shares.mean(axis=0),
        null_low=low,
        null_high=high,
        p_there=p_values(there_first.observed_share, shares),
        p_here=p_values(-here_first.observed_share, -here_first.shares),
        draws=len(shares),
    )


def _tested(at: Columns, there: Floats) -> Flags:
    """Met on both sides, and one of them was first."""
    found: Flags = ~np.isnan(there) & ~np.isnan(at.here) & (there != at.here)
    return found


def _drawn(
    at: Columns, there: Floats, groups: Grouping, null: Null, random: tuple[int, int], *, by_campaign: bool
) -> Drawn:
    seed, draws = random
    entries = groups.only(_tested(at, there))
    row, group, count = entries.row, entries.group, len(groups.names)
    cluster = np.full(len(row), -1, np.int64) if by_campaign else at.campaign[row]
    if null is Null.THIN:
        inside = np.zeros(len(at), np.bool_)
        inside[groups.row] = True
        busier, ratio = _imbalance(at, inside)
        return thinned(
            (there[row] / SECOND, np.fmax(at.there_last, there)[row] / SECOND, at.there_count[row]),
            (at.here[row] / SECOND, np.fmax(at.here_last, at.here)[row] / SECOND, at.here_count[row]),
            busier[row], ratio[row], group, cluster, seed=seed, draws=draws, groups=count,
        )  # fmt: skip
    inside = np.zeros(len(at), np.bool_)
    inside[groups.row] = True
    chance = chance_first(
        _volumes(at, there, inside), there[row], at.here[row], at.type[row], at.campaign[row],
        _records(at.there_count)[row] + _records(at.here_count)[row],
    )  # fmt: skip
    lead = (at.here - there)[row] / SECOND
    return permuted(lead, chance, group, cluster, seed=seed, draws=draws, groups=count)


def _volumes(at: Columns, there: Floats, inside: Flags) -> Volumes:
    """Records of every value that stays, met on one side or both: one on the day on which that side first met it, the
    others half there and half on the day on which it last did."""
    parts = []
    for first, last, count, is_there in (
        (there, np.fmax(at.there_last, there), _records(at.there_count), True),
        (at.here, np.fmax(at.here_last, at.here), _records(at.here_count), False),
    ):
        met = inside & ~np.isnan(first)
        again = met & (count > 1)
        for rows, moments, records in ((met, first, (count + 1) / 2), (again, last, (count - 1) / 2)):
            parts.append(
                Volumes(
                    (moments[rows] // DAY).astype(np.int64), at.type[rows], np.full(int(rows.sum()), is_there),
                    at.campaign[rows], records[rows],
                )
            )  # fmt: skip
    names = ("day", "type", "there", "campaign", "records")
    return Volumes(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _imbalance(at: Columns, inside: Flags) -> tuple[Flags, Floats]:
    """For each row, whether its party is busier than we, and the quieter's volume over the busier's."""
    there = np.bincount(at.party[inside], _records(at.there_count)[inside] * at.seen_there[inside], len(at.parties))
    here = np.bincount(at.party[inside], _records(at.here_count)[inside] * ~np.isnan(at.here[inside]), len(at.parties))
    most = np.maximum(np.maximum(there, here), 1.0)
    return (there > here)[at.party], (np.minimum(there, here) / most)[at.party]


def _records(count: Floats) -> Floats:
    """Records of a value that count: at least one, at most so many (see ``MOST_RECORDS``)."""
    return np.clip(np.nan_to_num(count, nan=1.0), 1.0, MOST_RECORDS)
