"""Pairs -> leads by group: who was first, by how much, how much of that was usable, and what chance alone would show.

Steps: (1) what is no sighting is taken out and counted; (2) wrong clocks are estimated and their sides tested no
further; (3) shares, medians and curves by group; (4) the null model, on moments that the tested side cannot make up:
"there first" is tested on the moments at which we had its evidence (``proved_there``), "here first" on what it says;
(5) p-values of all groups are read together.
"""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa

from seawall.warn.lead.chance import Tested, against_chance
from seawall.warn.lead.clocks import estimate_skew
from seawall.warn.lead.columns import SECOND, Columns, Flags, columns
from seawall.warn.lead.grouping import Grouping, grouped
from seawall.warn.lead.intervals import Floats, wilson
from seawall.warn.lead.measures import Measured, measure
from seawall.warn.lead.multiple import benjamini_hochberg
from seawall.warn.lead.nulls import Null
from seawall.warn.lead.report import LEAST_BOTH, By, Clock, LeadGroup, LeadReport, State
from seawall.warn.lead.screens import REASONS, counts, screened

SEED = 7
"""Any: an analysis told twice is the same twice."""
EVERYTHING = 0.9
"""A side that says it saw more than nine of ten first, the whole interval above that, without proof of it."""


class LeadOptions(msgspec.Struct, frozen=True):
    """How leads are analysed."""

    by: By = By.PEER
    null: Null = Null.PERMUTE
    seed: int = SEED
    one_lake: bool = False  # the parties are sides of our own lake: their moments are our sensors'
    until: int | None = None  # we watched until then (microseconds UTC), or until our last record among the pairs


def analyse(pairs: pa.Table, options: LeadOptions | None = None) -> LeadReport:
    """The report over a table of PAIR_SCHEMA. ``By.OBSERVABLE`` is told as the whole: values stand in ``pairs``."""
    options = options or LeadOptions()
    at = columns(pairs)
    if not options.one_lake:  # what a peer counts and what we count are not the same thing: one record a value
        unknown = np.full(len(at), np.nan)
        at = msgspec.structs.replace(at, there_count=unknown, here_count=unknown)
    out = screened(pairs, at)
    stays: Flags = out == ""
    watched = [float(options.until)] if options.until is not None else []
    until = max([*watched, *_last(np.fmax(at.here_last, at.here))], default=None)
    clocks = _clocks(at, stays, options.seed)
    off = {clock.party for clock in clocks}
    trusted = stays & ~np.isin(at.party, [place for place, name in enumerate(at.parties) if name in off])
    claimants = _claimants(at, stays, one_lake=options.one_lake)
    reports: list[tuple[LeadGroup, ...]] = []
    draws = 0
    for by in dict.fromkeys((By.ALL, By.ALL if options.by is By.OBSERVABLE else options.by)):
        groups = grouped(pairs, at, by)
        measured = measure(at, groups.only(stays), until)
        tested = against_chance(at, groups.only(trusted), options.null, options.seed, by_campaign=by is By.CAMPAIGN)
        draws = max(draws, tested.draws)
        taken = _taken(groups, out)
        flags = _flags(at, groups.only(stays), measured, off, claimants, taken, one_lake=options.one_lake)
        reports.append(_groups(groups, measured, tested, flags, taken))
    return LeadReport(
        by=options.by, null=options.null.value, draws=draws, seed=options.seed, whole=reports[0][0],
        groups=reports[1] if len(reports) > 1 else (),
        clocks=clocks, parties=at.parties, until=None if until is None else int(until),
    )  # fmt: skip


def _groups(
    groups: Grouping, measured: Measured, tested: Tested, flags: list[tuple[str, ...]], taken: list[dict[str, int]]
) -> tuple[LeadGroup, ...]:
    """Steps 3 to 5 as the report tells them, the largest groups first."""
    enough = (tested.tested >= LEAST_BOTH) & (measured.both >= LEAST_BOTH)
    q_there, q_here = _together(tested.p_there, enough), _together(tested.p_here, enough)
    found = []
    for place, name in enumerate(groups.names):
        chance = tested.of(place) | {"q_there": q_there[place], "q_here": q_here[place]} if enough[place] else {}
        told = measured.of(place) | chance
        found.append(
            LeadGroup(
                group=name,
                state=_state(measured, place),
                tested=int(tested.tested[place]),
                flags=flags[place],
                taken_out=taken[place],
                **told,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.both, -one.only_there, one.group)))


def _state(measured: Measured, place: int) -> State:
    both, there, here = (int(one[place]) for one in (measured.both, measured.only_there, measured.only_here))
    if both >= LEAST_BOTH:
        return State.MEASURED
    if both:
        return State.NOT_ENOUGH
    if there and here:
        return State.NOT_ENOUGH
    return State.ONE_SIDED if there or here else State.EMPTY


def _clocks(at: Columns, stays: Flags, seed: int) -> tuple[Clock, ...]:
    """Step 2: the sides whose clocks are off."""
    found = []
    for place, name in enumerate(at.parties):
        rows = stays & (at.party == place)
        skew = estimate_skew(at.there[rows], at.here[rows], seed=seed)
        if skew is not None and skew.flagged:
            ends = skew.interval.low / SECOND, skew.interval.high / SECOND
            found.append(Clock(name, skew.ahead / SECOND, *ends, skew.gathered, skew.shared))
    return tuple(found)


def _claimants(at: Columns, stays: Flags, *, one_lake: bool) -> dict[int, str]:
    """Parties whose word goes beyond their proof, and which flag says so."""
    found: dict[int, str] = {}
    for place in range(0 if one_lake else len(at.parties)):
        rows = stays & (at.party == place) & ~np.isnan(at.there) & ~np.isnan(at.here)
        total, says = int(rows.sum()), int((rows & (at.there < at.here)).sum())
        proves = int((rows & (at.there < at.here) & (at.proved < at.here)).sum())
        if total < LEAST_BOTH:
            continue
        says_at_least, proves_at_most = wilson(says, total).low, wilson(proves, total).high
        if says_at_least > proves_at_most:
            found[place] = "claims-everything-first" if says_at_least > EVERYTHING else "claims-not-proved"
    return found


def _flags(
    at: Columns, groups: Grouping, measured: Measured, off: set[str], claimants: dict[int, str],
    taken: list[dict[str, int]], *, one_lake: bool,
) -> list[tuple[str, ...]]:  # fmt: skip
    wrong = np.isin(at.party, [place for place, name in enumerate(at.parties) if name in off])
    named = {
        "clock-skew": groups.counts(wrong & at.both) > 0,
        "claims-not-proved": _of(groups, at, claimants, "claims-not-proved"),
        "claims-everything-first": _of(groups, at, claimants, "claims-everything-first"),
        "moments-not-told": groups.counts(at.both & np.isnan(at.there)) > 0,
        "told-too-late": ~np.bool_(one_lake) & (measured.first_there >= LEAST_BOTH) & (measured.told_in_time == 0),
        "assumed-delay": np.full(len(groups.names), one_lake) & (measured.both > 0),
        "few-left": np.array(
            [sum(taken[place].values()) > int(measured.both[place]) for place in range(len(groups.names))], np.bool_
        )
        & (measured.both > 0),
    }
    return [tuple(name for name, on in named.items() if on[place]) for place in range(len(groups.names))]


def _of(groups: Grouping, at: Columns, claimants: dict[int, str], flag: str) -> Flags:
    parties = [place for place, name in claimants.items() if name == flag]
    return groups.counts(np.isin(at.party, parties) & at.both) > 0


def _taken(groups: Grouping, out: np.ndarray) -> list[dict[str, int]]:
    """Values taken out of each group that both sides met or one did, by reason."""
    by_reason = {name: groups.counts(out == name) for name in counts(out)}
    return [
        {name: int(by_reason[name][place]) for name in REASONS if name in by_reason and by_reason[name][place]}
        for place in range(len(groups.names))
    ]


def _together(p_values: Floats, enough: Flags) -> list[float | None]:
    """q-values of the groups with enough data; the others are not tested, so they weigh on nobody."""
    q_values = iter(benjamini_hochberg([float(one) for one in p_values[enough]]))
    return [next(q_values) if one else None for one in enough]


def _last(moments: Floats) -> list[float]:
    return [] if np.isnan(moments).all() else [float(np.nanmax(moments))]
