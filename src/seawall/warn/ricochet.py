"""Ricochet: where a campaign goes next, how often, how soon, and where chains begin.

A *chain* is one campaign's places in the order of their first hits; a place is a sector, a side, or both. From each
place the next ones are those of the next step of the chain (first hits within ``SAME_STEP`` are one step: who of them
came first, nobody can say).

Censoring: what has not happened yet may still happen. Shares and delays count only campaigns whose hit on the first
place lies at least ``bound`` before the end of what was observed, whether anything followed or not; leaving out only
those that nothing followed would make every share too large. How many go on at all is a Kaplan-Meier estimate over all.

Chance: in a chain of k places put in any order, a given place follows a given other with 1/k. A transition that happens
no more often than that says only that both places are hit a lot, so the expected count stands beside each count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from seawall.warn.lead import Interval, bootstrap_median, kaplan_meier, wilson

MIN_CAMPAIGNS = 8
"""Campaigns through a place below which no share is told: at 0 of 8 the 95 % interval still ends at a third."""
MIN_DELAYS = 5
"""Transitions below which no delay is told."""
SAME_STEP = 60_000_000  # microseconds: clocks of sensors differ by seconds
WARN_WITHIN = 0.1
"""A warning that comes after this share of the observed delays has passed is late for the rest: the first tenth."""
MAX_PLACES = 200
"""Places in one table; more are left out, those hit least first: a table of pairs has their square."""
HOUR = 3_600_000_000
_SEED = 20_261_122


class Hit(NamedTuple):
    """A campaign's first hit on one place (microseconds UTC)."""

    place: str
    at: int


class Transition(msgspec.Struct, frozen=True):
    """From one place to one of the next. Shares are None below ``MIN_CAMPAIGNS``, delays below ``MIN_DELAYS``."""

    origin: str
    target: str
    count: int
    campaigns: int  # through the first place, observed for the whole bound
    expected: float  # by chance, see above
    share: float | None = None
    interval: Interval | None = None
    median_hours: float | None = None
    median_interval: Interval | None = None
    warn_within_hours: float | None = None
    short_of: str | None = None  # what is missing: campaigns or delays


class PlaceFigures(msgspec.Struct, frozen=True):
    """One place: how often it was first, and how many campaigns went on from it."""

    place: str
    campaigns: int  # that hit it
    first: int  # chains of two places or more that began there
    chains: int  # chains of two places or more that it stands in
    expected_first: float
    share_first: float | None = None
    first_interval: Interval | None = None
    goes_on: float | None = None  # P(another place within the bound)
    goes_on_interval: Interval | None = None


class Ricochet(msgspec.Struct, frozen=True):
    """The whole picture."""

    campaigns: int
    chains: int  # campaigns with two places or more
    bound_hours: float
    observed_until: int
    transitions: tuple[Transition, ...]
    places: tuple[PlaceFigures, ...]  # most often first (of all that began anywhere) on top
    places_left_out: int = 0


class _Chain(NamedTuple):
    """The steps of one campaign, each with its moment and its places."""

    moments: tuple[int, ...]
    steps: tuple[frozenset[str], ...]

    @property
    def places(self) -> frozenset[str]:
        return frozenset().union(*self.steps)


class _Wait(NamedTuple):
    """From one place of one campaign: when, until what step, and whether the wait was observed to its end."""

    origin: str
    after: int | None  # microseconds until the next step; None: none was seen
    targets: frozenset[str]
    watched: int  # microseconds from the hit to the end of what was observed


def ricochet(chains: Iterable[Sequence[Hit]], *, bound: int, observed_until: int) -> Ricochet:
    """The picture of all campaigns. ``bound``: how long a next hit is waited for; both in microseconds.

    Hits in any order, several of one place (the first counts). Raises ValueError for a bound below 1.
    """
    if bound < 1:
        raise ValueError("a next hit is waited for at least one microsecond")
    given = [list(hits) for hits in chains]
    met = Counter(place for hits in given for place in {hit.place for hit in hits})
    kept = {place for place, _ in sorted(met.items(), key=lambda one: (-one[1], one[0]))[:MAX_PLACES]}
    ordered = [chain for hits in given if (chain := _chain([hit for hit in hits if hit.place in kept])).steps]
    several = [chain for chain in ordered if len(chain.places) > 1]
    waits: dict[str, list[_Wait]] = defaultdict(list)
    for chain in ordered:
        for wait in _waits(chain, observed_until):
            waits[wait.origin].append(wait)
    found = [one for place in sorted(kept) for one in _transitions(place, waits[place], several, bound)]
    return Ricochet(
        campaigns=len(ordered),
        chains=len(several),
        bound_hours=bound / HOUR,
        observed_until=observed_until,
        transitions=tuple(sorted(found, key=lambda one: (-one.count, one.origin, one.target))),
        places=_places(kept, ordered, several, waits, bound),
        places_left_out=len(met) - len(kept),
    )


def _chain(hits: Iterable[Hit]) -> _Chain:
    first: dict[str, int] = {}
    for place, at in hits:
        first[place] = min(first.get(place, at), at)
    moments: list[int] = []
    steps: list[set[str]] = []
    for place, at in sorted(first.items(), key=lambda one: (one[1], one[0])):
        if steps and at - moments[-1] <= SAME_STEP:
            steps[-1].add(place)
        else:
            moments.append(at)
            steps.append({place})
    return _Chain(tuple(moments), tuple(map(frozenset, steps)))


def _waits(chain: _Chain, observed_until: int) -> Iterable[_Wait]:
    for number, (moment, step) in enumerate(zip(chain.moments, chain.steps, strict=True)):
        follows = number + 1 < len(chain.steps)
        after = chain.moments[number + 1] - moment if follows else None
        targets = chain.steps[number + 1] if follows else frozenset()
        for place in sorted(step):
            yield _Wait(place, after, targets, max(0, observed_until - moment))


def _transitions(origin: str, waits: Sequence[_Wait], several: Sequence[_Chain], bound: int) -> Iterable[Transition]:
    watched = [wait for wait in waits if wait.watched >= bound]
    delays: dict[str, list[int]] = defaultdict(list)
    for wait in watched:
        if wait.after is not None and wait.after <= bound:
            for target in wait.targets:
                delays[target].append(wait.after)
    expected: dict[str, float] = defaultdict(float)
    for chain in several:
        if origin in (places := chain.places):
            for target in places - {origin}:
                expected[target] += 1 / len(places)
    for target, found in delays.items():
        yield _transition(origin, target, sorted(found), len(watched), expected[target])


def _transition(origin: str, target: str, delays: list[int], campaigns: int, expected: float) -> Transition:
    count = len(delays)
    plain = Transition(origin, target, count, campaigns, round(expected, 2))
    if campaigns < MIN_CAMPAIGNS:
        return msgspec.structs.replace(plain, short_of="campaigns")
    plain = msgspec.structs.replace(plain, share=count / campaigns, interval=wilson(count, campaigns))
    if count < MIN_DELAYS:
        return msgspec.structs.replace(plain, short_of="delays")
    hours = np.array(delays, np.float64) / HOUR
    return msgspec.structs.replace(
        plain,
        median_hours=float(np.median(hours)),
        median_interval=bootstrap_median(hours, seed=_SEED),
        warn_within_hours=float(np.quantile(hours, WARN_WITHIN)),
    )


def _places(
    kept: Iterable[str],
    ordered: Sequence[_Chain],
    several: Sequence[_Chain],
    waits: dict[str, list[_Wait]],
    bound: int,
) -> tuple[PlaceFigures, ...]:
    found = []
    for place in kept:
        through = [chain for chain in several if place in chain.places]
        first = sum(place in chain.steps[0] for chain in through)
        # who comes first by chance: one of k
        expected = sum(1 / len(chain.places) for chain in through)
        figures = PlaceFigures(
            place, sum(place in chain.places for chain in ordered), first, len(through), round(expected, 2)
        )
        if len(through) >= MIN_CAMPAIGNS:
            figures = msgspec.structs.replace(
                figures, share_first=first / len(through), first_interval=wilson(first, len(through))
            )
        found.append(_with_curve(figures, waits[place], bound))
    return tuple(sorted(found, key=lambda one: (-one.first, -one.chains, one.place)))


def _with_curve(figures: PlaceFigures, waits: Sequence[_Wait], bound: int) -> PlaceFigures:
    if len(waits) < MIN_CAMPAIGNS:
        return figures
    durations = [(wait.watched if wait.after is None else wait.after) / HOUR for wait in waits]
    curve = kaplan_meier(durations, [wait.after is not None for wait in waits])
    within = curve.within(bound / HOUR)
    return msgspec.structs.replace(figures, goes_on=within.share, goes_on_interval=within.interval)
