"""A whole day in files: the order in which a world becomes logs and a truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seawall.flow.simulator.background import Scene, background, sensors_of
from seawall.flow.simulator.campaigns import Campaign, plan
from seawall.flow.simulator.eve import Writer
from seawall.flow.simulator.own import SIDES, Ground, write_assets, write_sensors
from seawall.flow.simulator.parameters import PARAMETERS, Parameters
from seawall.flow.simulator.record import Recorder, canonical_address
from seawall.flow.simulator.rows import Rows
from seawall.flow.simulator.truth import Trap, Truth, write_truth
from seawall.flow.simulator.visits import campaign_rows, innocent_rows
from seawall.flow.simulator.world import World, build_world
from seawall.model import Fault, ObservableType, rfc3339

BEGINS = 1_773_590_400_000_000  # 2026-03-15T16:00:00Z: Monday 16 March begins in Taipei
DAY_MICROSECONDS = 86_400_000_000
UTC_OFFSET_HOURS = {"TW": 8, "KR": 9}
SMALLEST_SCALE, LARGEST_SCALE = 0.001, 100.0
SLICES_MOST = 1_440


@dataclass(frozen=True)
class Slice:
    """One log file of one side. Times in microseconds UTC, by true time; skewed sensors write others."""

    side: str
    path: Path
    begins: int
    ends: int
    events: int


@dataclass(frozen=True)
class Day:
    """What was written. ``folder/<side>/`` holds what a node may see, ``folder/truth/`` what it may not."""

    folder: Path
    slices: tuple[Slice, ...]
    truth: Truth
    truth_folder: Path

    def of(self, side: str) -> tuple[Slice, ...]:
        """The side's slices in order."""
        return tuple(part for part in self.slices if part.side == side)

    @property
    def events(self) -> int:
        """Events of both sides."""
        return sum(part.events for part in self.slices)


def counts(scale: float, parameters: Parameters = PARAMETERS) -> dict[str, int]:
    """Events of each side at ``scale``, rounded exactly."""
    return {"TW": round(parameters.events_tw * scale), "KR": round(parameters.events_kr * scale)}


def require_feasible(scale: float, slices: int) -> None:
    """Raise Fault E-SIM-001 for a scale or slice count out of range."""
    if not SMALLEST_SCALE <= scale <= LARGEST_SCALE or not 1 <= slices <= SLICES_MOST:
        raise Fault(
            "E-SIM-001",
            "Cannot simulate scale {scale} in {slices} slices; use {least} to {most} and 1 to {parts} slices.",
            scale=scale,
            slices=slices,
            least=SMALLEST_SCALE,
            most=LARGEST_SCALE,
            parts=SLICES_MOST,
        )


def write_day(
    folder: Path,
    *,
    scale: float,
    seed: int,
    slices: int = 24,
    campaigns: bool = True,
    parameters: Parameters = PARAMETERS,
    begins: int = BEGINS,
) -> Day:
    """Write one day of both sides' EVE logs, their sensors and assets, and the truth.

    ``folder/<tw|kr>/logs/eve-NN.json`` one file a slice, ``folder/<tw|kr>/{sensors,assets}.csv``, both sides' in
    ``folder/{sensors,assets}.csv``, the truth in ``folder/truth/``. The same arguments give the same bytes.
    ``campaigns=False`` leaves only the adversities. Raises Fault E-SIM-001 for a scale or slice count out of range.
    """
    require_feasible(scale, slices)
    # 1. the ground and the world
    ground = Ground.lay_out(parameters)
    world = build_world(parameters, ground, scale, seed)
    total = counts(scale, parameters)
    ends = begins + DAY_MICROSECONDS
    # 2. what is not everyday life, for the whole day
    planned = plan(parameters, ground, world, seed, sum(total.values()), begins) if campaigns else []
    hostile = [campaign_rows(parameters, world, campaign, seed, ends) for campaign in planned]
    rare = innocent_rows(parameters, ground, world, planned, seed, begins, ends)
    # 3. the truth about it
    writer = Writer(ground, world)
    truth = _truth(ground, world, writer, planned, hostile, total, seed, scale, begins)
    write_truth(folder / "truth", truth)
    # 4. the logs, slice by slice
    written: list[Slice] = []
    special = Rows.join([*hostile, rare])
    digits = max(2, len(str(slices - 1)))
    for side in SIDES:
        side_tables(folder, ground, side)
        sensors = sensors_of(ground, side)
        mine = special.take(np.isin(special.sensor, sensors))
        shape = (parameters, world, side, sensors, seed)
        for part, rows in enumerate(side_rows(mine, shape, total[side], slices, begins)):
            path = folder / side.lower() / "logs" / f"eve-{part:0{digits}d}.json"
            with path.open("w", encoding="utf-8", newline="") as file:
                file.write("".join(writer.lines(rows)))
            first, last = (begins + DAY_MICROSECONDS * (part + edge) // slices for edge in (0, 1))
            written.append(Slice(side, path, first, last, len(rows)))
    write_sensors(folder / "sensors.csv", ground.sensors)
    write_assets(folder / "assets.csv", ground, SIDES)
    return Day(folder, tuple(written), truth, folder / "truth")


def side_tables(folder: Path, ground: Ground, side: str) -> None:
    """Make the side's folder with its sensors and assets."""
    (folder / side.lower() / "logs").mkdir(parents=True, exist_ok=True)
    write_sensors(folder / side.lower() / "sensors.csv", ground.of(side))
    write_assets(folder / side.lower() / "assets.csv", ground, (side,))


def side_rows(
    special: Rows,
    shape: tuple[Parameters, World, str, np.ndarray[tuple[int], np.dtype[np.int64]], int],
    total: int,
    slices: int,
    begins: int,
) -> Iterator[Rows]:
    """Each slice's rows in order of true time; together exactly ``total``."""
    parameters, world, side, sensors, seed = shape
    edges = [begins + DAY_MICROSECONDS * part // slices for part in range(slices + 1)]
    place = np.searchsorted(np.array(edges[1:-1], dtype=np.int64), special.time, side="right")
    six = world.ipv6()
    there = np.bincount(place, minlength=slices)
    ordinary = apportion(max(0, total - len(special)), _daylight(parameters, side, slices))
    for part in range(slices):
        rng = np.random.default_rng([seed, 6, SIDES.index(side), part])
        scene = Scene(parameters, world, side, sensors, edges[part], edges[part + 1], six, rng)
        rows = background(scene, int(ordinary[part]))
        if there[part]:
            rows = Rows.join([rows, special.take(place == part)])
        yield rows.take(np.argsort(rows.time, kind="stable"))


def _daylight(parameters: Parameters, side: str, slices: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Weights of the slices: least at 04:00, most at 16:00 local time. Slices begin at 16:00 UTC."""
    local = (16 + UTC_OFFSET_HOURS[side] + (np.arange(slices) + 0.5) * 24 / slices) % 24
    floor = parameters.night_floor
    weights: np.ndarray[tuple[int], np.dtype[np.float64]] = (
        floor + (1 - floor) * (1 - np.cos((local - 4) * np.pi / 12)) / 2
    )
    return weights


def apportion(total: int, weights: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int]:
    """``total`` in whole parts by ``weights``: largest remainder, nothing lost."""
    exact = total * weights / weights.sum()
    whole = np.floor(exact).astype(np.int64)
    short = total - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:short]] += 1
    parts: list[int] = whole.tolist()
    return parts


def _truth(
    ground: Ground,
    world: World,
    writer: Writer,
    planned: list[Campaign],
    hostile: list[Rows],
    total: dict[str, int],
    seed: int,
    scale: float,
    begins: int,
) -> Truth:
    recorder = Recorder(ground, world, writer)
    for campaign, rows in zip(planned, hostile, strict=True):
        recorder.add(campaign, rows)
    skew = {sensor.name: sensor.skew_seconds for sensor in ground.sensors if sensor.skew_seconds}
    about = {"events": total, "clock_skew_seconds": skew, "seed": seed, "scale": scale, "begins": rfc3339(begins)}
    return recorder.truth(planned, list(traps(world)), **about)


def traps(world: World) -> Iterator[Trap]:
    """What must not be warned, by adversity. Ordinary values beyond the most popular are not listed."""
    tables, pools = world.tables, world.pools
    for adversity, pool in (
        ("mass-scanner", "scanners"),
        ("nat-or-vpn", "nat_vpn"),
        ("shared-cdn", "cdn_addresses"),
        ("vendor-update", "vendor_addresses"),
    ):
        for number in pools[pool].tolist():
            yield Trap(*canonical_address(tables.addresses[number]), adversity)
    names = [("shared-cdn", pools["cdn_names"]), ("vendor-update", pools["vendor_names"])]
    names += [("tripping-site", pools["tripping_names"]), ("popular-site", world.sites.name[:100])]
    names += [("generated-name", pools[f"generated_{family}"]) for family in ("TW", "KR", "both")]
    for adversity, numbers in names:
        for number in numbers.tolist():
            yield Trap(ObservableType.DOMAIN, tables.names[number], adversity)
    for number in pools["vendor_files"].tolist():
        yield Trap(ObservableType.SHA256, tables.files[number], "vendor-update")
