"""A third node's made-up logs: it says to have met everything first, and calls innocent sites hostile.

It knows nothing that has not happened yet: what it claims to have met long ago, some side met the day before.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seawall.flow.simulator.background import Scene, build, sensors_of
from seawall.flow.simulator.day import DAY_MICROSECONDS
from seawall.flow.simulator.eve import Writer
from seawall.flow.simulator.own import HOSTS, RESOLVER, SIDES, Ground
from seawall.flow.simulator.parameters import Parameters
from seawall.flow.simulator.rows import ALERTS, Kind, Rows
from seawall.flow.simulator.season_plan import SeasonParameters
from seawall.flow.simulator.signatures import choose
from seawall.flow.simulator.world import World

LIAR, LIAR_SIDE = "liar", "XX"  # its folder; a code that ISO 3166-1 leaves to users


@dataclass(frozen=True)
class Liar:
    """Writes ``logs/eve-NNN.json``, one file a day, and ``sensors.csv``."""

    parameters: Parameters
    ground: Ground
    world: World
    season: SeasonParameters
    seed: int

    def write(self, folder: Path, writer: Writer, rows: Rows, begins: int, days: int) -> None:
        """``rows``: all that campaigns left, on either side; the season begins at ``begins`` (microseconds UTC)."""
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        alerts = rows.take(np.isin(rows.kind, [int(kind) for kind in ALERTS]))
        for day in range(days):
            first = begins + (day - 1) * DAY_MICROSECONDS
            told = self._of_day(alerts.take((alerts.time >= first) & (alerts.time < first + DAY_MICROSECONDS)), first)
            path = folder / "logs" / f"eve-{day:03d}.json"
            path.write_text("".join(writer.lines(told)), "utf-8", newline="")
        with (folder / "sensors.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("sensor", "side", "sector"))
            table.writerows((sensor.name, LIAR_SIDE, sensor.sector) for sensor in self.ground.sensors)

    def _of_day(self, met: Rows, first: int) -> Rows:
        rng = np.random.default_rng([self.seed, 15, first // DAY_MICROSECONDS])
        met = met.take(rng.random(len(met)) < self.season.liar_claims)
        back = self.season.liar_days * DAY_MICROSECONDS
        sensors = sensors_of(self.ground, SIDES[0])
        scene = Scene(self.parameters, self.world, SIDES[0], sensors, first - back, first, self.world.ipv6(), rng)
        told = Rows.join([replace(met, time=met.time - back), _innocent(scene, self.season.liar_poison)])
        return told.take(np.argsort(told.time, kind="stable"))


def _innocent(scene: Scene, count: int) -> Rows:
    """Alerts about sites that somebody visits, drawn without regard to how popular they are."""
    rng, sites = scene.rng, scene.world.sites
    visited = rng.integers(0, len(sites.name), count)
    sensor = scene.sensors[rng.integers(0, len(scene.sensors), count)]
    columns = scene.start(count, sensor=sensor, kind=int(Kind.ALERT_TLS), port=443)
    columns |= {"site": sites.name[visited], "server": sites.address[visited]}
    columns |= {"client": sensor * HOSTS + RESOLVER + 1, "signature": choose(rng, "beacon", count)}
    return build(count, columns)
