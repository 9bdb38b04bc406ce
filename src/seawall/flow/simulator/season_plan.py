"""Many days of attackers who go from sector to sector and from side to side, with means that betray their owner.

A campaign is a chain of stages. Each stage is one piece of work against one sector of one side; the next one follows
``NEXT`` and ``DELAY_HOURS``. These two tables are this simulator's hidden law, made up so that somebody can try to
find them again: they say nothing about the world.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np

from seawall.flow.simulator.campaigns import HOUR, SECOND, Campaign, Rig
from seawall.flow.simulator.own import SIDES, Ground
from seawall.flow.simulator.parameters import KIND_SHARES, SECTORS, Parameters
from seawall.flow.simulator.words import hexadecimal, words
from seawall.flow.simulator.world import World

DAY = 24 * HOUR
NEXT: dict[str, tuple[str, str]] = {
    "education": ("government", "semiconductors"),
    "health": ("finance", "government"),
    "communications": ("government", "defence"),
    "government": ("defence", "energy"),
    "transport": ("semiconductors", "energy"),
    "semiconductors": ("transport", "defence"),
    "finance": ("communications", "health"),
    "energy": ("water", "government"),
    "water": ("energy", "health"),
    "defence": ("government", "semiconductors"),
}
"""From a sector to the likeliest two that follow, in that order."""
DELAY_HOURS = {"education": 30.0, "health": 18.0, "communications": 8.0, "government": 24.0, "transport": 36.0}
OTHER_DELAY_HOURS = 16.0
"""Median hours until the next stage, by the sector that was hit; spread log-normally."""
ENTRY = {"education": 0.30, "health": 0.18, "communications": 0.14, "transport": 0.12}
"""Where campaigns begin; the rest is spread evenly: the weakest links."""


class SeasonParameters(msgspec.Struct, frozen=True):
    """The numbers of a season, each with its reason."""

    campaigns: int = 60  # over a month: the order of what a national report counts as separate operations
    one_sided: float = 0.20  # never cross over
    likeliest: float = 0.50  # of transitions go to the first of NEXT
    second: float = 0.25  # to the second; the rest anywhere
    change_side: float = 0.45  # of transitions of campaigns that cross over
    stages_most: int = 6
    goes_on: float = 0.72  # after each stage: a chain of three and a half on average
    rows_of_stage: int = 16  # lines: one to three visits
    delay_spread: float = 0.6  # sigma of the logarithm of the delay
    keeps_means: float = 0.75  # of an attacker's means from stage to stage, as on the single day
    same_network: float = 0.6  # new servers from the network that the actor rents already
    same_stem: float = 0.6  # new names from the stem that the actor uses already
    feed_values: int = 40  # a public list, of which both sides take the same edition at the same hour
    feed_met: float = 0.3  # of its values are met by chance on both sides
    liar_claims: float = 1.0  # of what any side met on a day the lying peer says the day after to have met, earlier
    liar_days: int = 10  # so much earlier
    liar_poison: int = 40  # innocent sites a day that it calls hostile besides


SEASON = SeasonParameters()


@dataclass(frozen=True)
class Stage:
    """One piece of work: where, when, with what."""

    side: str
    sector: str
    at: int  # microseconds UTC
    targets: tuple[int, ...]  # sensors
    rigs: tuple[Rig, ...]


@dataclass(frozen=True)
class Chain:
    """One campaign of the season: its stages in order of time, and on which sides signatures know its tools."""

    id: str
    kind: str
    stages: tuple[Stage, ...]
    detected: dict[str, bool]

    def part(self, number: int, rows: int) -> Campaign:
        """Stage ``number`` as a campaign of its own, for the maker of rows."""
        stage = self.stages[number]
        side = stage.side
        return Campaign(
            self.id,
            self.kind,
            (side,),
            {side: stage.at},
            {side: stage.targets},
            {side: self.detected[side]},
            {side: stage.rigs},
            rows,
        )

    def whole(self) -> Campaign:
        """All stages as one campaign, for the record: first start and all targets of each side."""
        starts: dict[str, int] = {}
        targets: dict[str, tuple[int, ...]] = {}
        for stage in self.stages:
            starts.setdefault(stage.side, stage.at)
            targets[stage.side] = targets.get(stage.side, ()) + stage.targets
        detected = {side: self.detected[side] for side in starts}
        return Campaign(self.id, self.kind, tuple(starts), starts, targets, detected, {}, 0)


@dataclass
class _Actor:
    """What an attacker keeps from rig to rig."""

    network: str  # the first three octets that he rents in
    stem: str
    ja3: int


def plan_season(
    parameters: Parameters, season: SeasonParameters, ground: Ground, world: World, seed: int, begins: int, days: int
) -> list[Chain]:
    """The chains of ``days`` days from ``begins``; later stages than that are cut off, as a month's end does."""
    rng = np.random.default_rng([seed, 12])
    kinds = [kind for kind, _ in KIND_SHARES]
    shares = np.array([share for _, share in KIND_SHARES])
    chains = []
    for number in range(season.campaigns):
        kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
        start = begins + int(rng.uniform(0.02, 0.9) * days * DAY)
        crosses = bool(rng.random() >= season.one_sided)
        stages = _stages(season, ground, world, rng, start, begins + days * DAY, crosses)
        chains.append(Chain(f"C{number + 1:03d}", kind, stages, _detected(parameters, rng)))
    return chains


def _detected(parameters: Parameters, rng: np.random.Generator) -> dict[str, bool]:
    draw = rng.random()
    both, first = parameters.detected_both, parameters.detected_both + parameters.detected_first
    second = first + parameters.detected_second
    return {SIDES[0]: draw < first, SIDES[1]: draw < both or first <= draw < second}


def _stages(
    season: SeasonParameters,
    ground: Ground,
    world: World,
    rng: np.random.Generator,
    start: int,
    ends: int,
    crosses: bool,
) -> tuple[Stage, ...]:
    side = SIDES[0] if rng.random() < 0.55 else SIDES[1]
    sector = _drawn(rng, {name: ENTRY.get(name, (1 - sum(ENTRY.values())) / 6) for name in SECTORS})
    actor = _Actor(_network(rng), "".join(words(rng, 1)), world.tables.add("ja3", hexadecimal(rng, 1, 16)[0]))
    rigs = tuple(_rig(season, world, rng, actor) for _ in range(2))
    stages: list[Stage] = []
    at = start
    while at < ends - HOUR and len(stages) < season.stages_most:
        sensors = [sensor.number for sensor in ground.of(side) if sensor.sector == sector]
        targets = tuple(int(pick) for pick in rng.choice(sensors, min(2, len(sensors)), replace=False))
        stages.append(Stage(side, sector, at, targets, rigs))
        if len(stages) > 1 and rng.random() >= season.goes_on:
            break
        at += _delay(season, rng, sector)
        side = _other(side) if crosses and rng.random() < season.change_side else side
        sector = _next(season, rng, sector)
        rigs = tuple(_moved(season, world, rng, actor, rig) for rig in rigs)
    return tuple(stages)


def _delay(season: SeasonParameters, rng: np.random.Generator, sector: str) -> int:
    median = DELAY_HOURS.get(sector, OTHER_DELAY_HOURS)
    return int(median * np.exp(rng.normal(0, season.delay_spread)) * HOUR) + 60 * SECOND


def _next(season: SeasonParameters, rng: np.random.Generator, sector: str) -> str:
    draw, (first, second) = rng.random(), NEXT[sector]
    if draw < season.likeliest:
        return first
    if draw < season.likeliest + season.second:
        return second
    return SECTORS[int(rng.integers(0, len(SECTORS)))]


def _other(side: str) -> str:
    return SIDES[1 - SIDES.index(side)]


def _drawn(rng: np.random.Generator, weights: dict[str, float]) -> str:
    names = list(weights)
    shares = np.array(list(weights.values()))
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def _network(rng: np.random.Generator) -> str:
    return ".".join(map(str, (int(rng.integers(240, 254)), *rng.integers(0, 256, 2).tolist())))


def _address(season: SeasonParameters, world: World, rng: np.random.Generator, actor: _Actor) -> int:
    if rng.random() < season.same_network:
        return world.tables.add("addresses", f"{actor.network}.{int(rng.integers(1, 255))}")
    return world.fresh_address(rng)


def _rig(season: SeasonParameters, world: World, rng: np.random.Generator, actor: _Actor) -> Rig:
    tables = world.tables
    head = ("login", "cdn", "sync", "mail")[int(rng.integers(0, 4))]
    tail = words(rng, 1)[0]
    name = f"{actor.stem}-{tail}" if rng.random() < season.same_stem else "".join(words(rng, 2))
    return Rig(
        attacker=_address(season, world, rng, actor),
        domain=tables.add("names", f"{head}.{name}.test"),
        server=_address(season, world, rng, actor),
        path=tables.add("paths", f"/{words(rng, 1)[0]}/{words(rng, 1)[0]}.bin"),
        file=tables.add("files", hexadecimal(rng, 1, 32)[0]),
        ja3=actor.ja3,
        shared=False,
    )


def _moved(season: SeasonParameters, world: World, rng: np.random.Generator, actor: _Actor, rig: Rig) -> Rig:
    """The rig as used in the next stage: each part kept or replaced."""
    fresh = _rig(season, world, rng, actor)
    names = ("attacker", "domain", "server", "path", "file")
    changed = {name: getattr(fresh, name) for name in names if rng.random() >= season.keeps_means}
    return replace(rig, **changed)
