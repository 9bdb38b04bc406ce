"""A season in files: many days of both sides' logs, a public list that both take, a peer that lies, and the truth."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from seawall.flow.simulator.background import sensors_of
from seawall.flow.simulator.campaigns import HOUR
from seawall.flow.simulator.day import BEGINS, DAY_MICROSECONDS, Slice, counts, side_rows, side_tables, traps
from seawall.flow.simulator.eve import Writer
from seawall.flow.simulator.own import CLIENTS, HOSTS, SIDES, Ground
from seawall.flow.simulator.parameters import PARAMETERS, Parameters
from seawall.flow.simulator.record import Recorder, canonical_address
from seawall.flow.simulator.rows import Kind, Rows
from seawall.flow.simulator.season_liar import LIAR, Liar
from seawall.flow.simulator.season_plan import SEASON, Chain, SeasonParameters, plan_season
from seawall.flow.simulator.truth import StageTruth, Trap, Truth, write_truth
from seawall.flow.simulator.visits import campaign_rows
from seawall.flow.simulator.world import World, build_world
from seawall.model import Fault, ObservableType, rfc3339

DAYS_MOST = 120


@dataclass(frozen=True)
class Season:
    """What was written. ``folder/<side>/`` is what a node may see, ``liar/`` the logs that a lying third made up."""

    folder: Path
    begins: int  # microseconds UTC
    days: int
    slices: tuple[Slice, ...]
    feed: Path  # CSV that both sides import on the day of ``feed_at``
    feed_at: int
    truth: Truth

    def of(self, side: str) -> tuple[Slice, ...]:
        """The side's slices in order."""
        return tuple(part for part in self.slices if part.side == side)


def write_season(
    folder: Path,
    *,
    days: int,
    scale: float,
    seed: int,
    slices_a_day: int = 4,
    campaigns: bool = True,
    parameters: Parameters = PARAMETERS,
    season: SeasonParameters = SEASON,
    begins: int = BEGINS,
) -> Season:
    """Write ``days`` days of both sides' EVE logs at ``scale`` of a national day each, and everything else.

    The same arguments give the same bytes. Raises Fault E-SIM-002 for numbers out of range.
    """
    if not 1 <= days <= DAYS_MOST or not 0.0005 <= scale <= 1 or not 1 <= slices_a_day <= 24:
        raise Fault("E-SIM-002", "Cannot simulate {days} days at scale {scale}.", days=days, scale=scale)
    ground = Ground.lay_out(parameters)
    world = build_world(parameters, ground, scale * days, seed)
    chains = plan_season(parameters, season, ground, world, seed, begins, days) if campaigns else []
    ends = begins + days * DAY_MICROSECONDS
    hostile = [_rows_of(parameters, season, world, chain, seed, ends) for chain in chains]
    feed_at = begins + days * DAY_MICROSECONDS // 3
    feed = _feed_addresses(season, world, seed)
    met = _feed_met(season, feed, seed, feed_at, ends)
    writer = Writer(ground, world)
    daily = counts(scale, parameters)
    total = {side: count * days for side, count in daily.items()}
    truth = _truth(ground, world, writer, chains, hostile, feed, total, seed, scale, begins)
    write_truth(folder / "truth", truth)
    special = Rows.join([*hostile, met])
    span = (begins, days, slices_a_day)
    slices = _write_sides(folder, parameters, ground, world, writer, special, daily, seed, *span)
    if hostile:
        liar = Liar(parameters, ground, world, season, seed)
        liar.write(folder / LIAR, writer, Rows.join(hostile), begins, days)
    path = folder / "feed.csv"
    _write_feed(path, [canonical_address(world.tables.addresses[number]) for number in feed])
    return Season(folder, begins, days, tuple(slices), path, feed_at, truth)


def _rows_of(
    parameters: Parameters, season: SeasonParameters, world: World, chain: Chain, seed: int, ends: int
) -> Rows:
    """All stages' lines; every stage has its own chance."""
    parts = []
    for number in range(len(chain.stages)):
        stage_seed = seed + 1_000_003 * (number + 1)
        parts.append(campaign_rows(parameters, world, chain.part(number, season.rows_of_stage), stage_seed, ends))
    return Rows.join(parts)


def _feed_addresses(season: SeasonParameters, world: World, seed: int) -> list[int]:
    rng = np.random.default_rng([seed, 13])
    return [world.fresh_address(rng) for _ in range(season.feed_values)]


def _feed_met(season: SeasonParameters, feed: Sequence[int], seed: int, feed_at: int, ends: int) -> Rows:
    """Some values of the public list knock once on each side, long after everybody has read the list."""
    rng = np.random.default_rng([seed, 14])
    chosen = np.array([number for number in feed if rng.random() < season.feed_met], dtype=np.int64)
    client = np.concatenate([chosen, chosen])
    count = len(client)
    first_kr = PARAMETERS.sensors_tw
    sensors = np.where(np.arange(count) < count // 2, rng.integers(0, first_kr, count), first_kr)
    server = sensors * HOSTS + CLIENTS
    time = rng.integers(feed_at + 6 * HOUR, max(feed_at + 7 * HOUR, ends), count) if count else 0
    flow = rng.integers(10**14, 2 * 10**15, count) if count else 0
    return Rows.build(
        count, time=time, sensor=sensors, kind=int(Kind.FLOW), client=client, server=server, port=22, flow=flow
    )


def _truth(
    ground: Ground,
    world: World,
    writer: Writer,
    chains: Sequence[Chain],
    hostile: Sequence[Rows],
    feed: Sequence[int],
    total: dict[str, int],
    seed: int,
    scale: float,
    begins: int,
) -> Truth:
    recorder = Recorder(ground, world, writer)
    whole = [chain.whole() for chain in chains]
    for campaign, rows in zip(whole, hostile, strict=True):
        recorder.add(campaign, rows)
    listed = [Trap(*canonical_address(world.tables.addresses[number]), "shared-feed") for number in feed]
    skew = {sensor.name: sensor.skew_seconds for sensor in ground.sensors if sensor.skew_seconds}
    about = {"events": total, "clock_skew_seconds": skew, "seed": seed, "scale": scale, "begins": rfc3339(begins)}
    truth = recorder.truth(whole, [*listed, *traps(world)], **about)
    stages = {
        chain.id: tuple(StageTruth(stage.side, stage.sector, rfc3339(stage.at)) for stage in chain.stages)
        for chain in chains
    }
    staged = tuple(msgspec.structs.replace(one, stages=stages[one.id]) for one in truth.campaigns)
    return msgspec.structs.replace(truth, campaigns=staged)


def _write_sides(
    folder: Path,
    parameters: Parameters,
    ground: Ground,
    world: World,
    writer: Writer,
    special: Rows,
    total: dict[str, int],
    seed: int,
    begins: int,
    days: int,
    slices_a_day: int,
) -> list[Slice]:
    """One log file a slice and side, each with its share of ordinary life and what the season put into its hours."""
    written: list[Slice] = []
    length = DAY_MICROSECONDS // slices_a_day
    for side in SIDES:
        side_tables(folder, ground, side)
        sensors = sensors_of(ground, side)
        mine = special.take(np.isin(special.sensor, sensors))
        for day in range(days):
            first = begins + day * DAY_MICROSECONDS
            today = mine.take((mine.time >= first) & (mine.time < first + DAY_MICROSECONDS))
            shape = (parameters, world, side, sensors, seed + 7_919 * (day + 1))  # every day has its own chance
            for part, rows in enumerate(side_rows(today, shape, total[side], slices_a_day, first)):
                path = folder / side.lower() / "logs" / f"eve-{day:03d}-{part:02d}.json"
                path.write_text("".join(writer.lines(rows)), "utf-8", newline="")
                begin = first + part * length
                written.append(Slice(side, path, begin, begin + length, len(rows)))
    return written


def _write_feed(path: Path, values: Sequence[tuple[ObservableType, str]]) -> None:
    """The public list, as ``seawall intel import`` reads it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("type", "value", "description"))
        table.writerows((kind.value, value, "public list of the day") for kind, value in values)
