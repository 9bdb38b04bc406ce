#!/usr/bin/env python3
"""A back-fill, day after day: what ingest costs and what the lake grows to, and what compaction makes of it.

    python -m bench growth --folder DIR [--days 100] [--scale 1.0] [--worlds N] [--compact-every N]
                           [--least-free-gib 5] [--most-minutes M]

One node takes in simulated days (``flow.simulator``; scale 1.0 is a national day of 4.02 million events), each with a
world of its own, which is the worst case for a roll-up, and each in a process of its own. ``--worlds N`` makes N days
and has them come round under later dates, for making a day costs as much as taking it in. One line a day: events,
CPU-seconds and peak memory of its ingest, and the lake's files, megabytes, rows and roll-up rows afterwards. With
``--compact-every`` the lake is compacted after every N days; at the end it always is, with a line before and after. The
run ends early, and says so, when the disk has less than ``--least-free-gib`` left or ``--most-minutes`` have passed.
What it made in DIR is removed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.score import seawall

from seawall.flow.simulator import BEGINS, DAY_MICROSECONDS, write_day
from seawall.lake.manifest import OBSERVATIONS, ROLLUP, load

PIECE_BYTES = 1 << 24  # of a log, whose dates are written anew
LOCAL_DAYS = (2, 1, 0, -1)  # from a day's beginning in UTC: the dates that its logs may name, latest first
COLUMNS = ("day", "events", "cpu_s", "peak_mb", "files", "lake_mb", "rows", "rollup_rows", "rollup_files")


def main() -> int:
    """Fill, print the curve, compact, clean up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--worlds", type=int, default=0, help="days that are made; 0: all of them")
    parser.add_argument("--compact-every", type=int, default=0)
    parser.add_argument("--least-free-gib", type=float, default=5)
    parser.add_argument("--most-minutes", type=float, default=float("inf"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="growth-", dir=given.folder) as work:
        fill(Path(work), given)
    return 0


def fill(work: Path, given: argparse.Namespace) -> None:
    """All days into one node."""
    node = work / "node"
    seawall(node, "init", "--name", "growth", "--economy", "TW", "--lang", "en")
    print("\t".join(COLUMNS), flush=True)
    events = 0
    cpu = 0.0
    began = time.monotonic()
    for day in range(given.days):
        if time.monotonic() - began > given.most_minutes * 60:
            print(f"stopped before day {day}: {given.most_minutes:g} minutes have passed", flush=True)
            break
        if shutil.disk_usage(work).free < given.least_free_gib * (1 << 30):
            print(f"stopped before day {day}: less than {given.least_free_gib:g} GiB are free", flush=True)
            break
        logs = day_of(work, day, given.scale, given.worlds)
        if day == 0:
            seawall(node, "sensors", "import", logs / "sensors.csv")
            seawall(node, "assets", "import", logs / "assets.csv")
        report = seawall(node, "ingest", logs / "tw", logs / "kr")
        shutil.rmtree(logs)
        events += number(report["stored"])
        cpu += float(str(report["cpu_seconds"]))
        line(f"{day}", node, number(report["stored"]), report)
        if given.compact_every and (day + 1) % given.compact_every == 0:
            compact(node)
    line("before", node, events, None)
    compact(node)
    line("after", node, events, None)
    if cpu:
        print(f"{events} events in {cpu:.1f} CPU-seconds: {events / cpu:.0f} a CPU-second", flush=True)


def day_of(work: Path, day: int, scale: float, worlds: int) -> Path:
    """A folder with the logs of one day, ``day`` days after the simulator's own, sensors and assets."""
    folder = work / "day"
    if not worlds:
        write_day(folder, scale=scale, seed=day + 1, begins=BEGINS + day * DAY_MICROSECONDS)
        return folder
    made = day % worlds
    world = work / f"world-{made}"
    if not world.exists():
        write_day(world, scale=scale, seed=made + 1, begins=BEGINS + made * DAY_MICROSECONDS)
    for path in sorted(world.rglob("*")):
        copy = folder / path.relative_to(world)
        if path.is_dir():
            copy.mkdir(parents=True)
        elif path.suffix == ".json" and path.parent.name == "logs":
            redate(path, copy, made, day)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return folder


def redate(path: Path, copy: Path, made: int, day: int) -> None:
    """The log of the day ``made`` as one of ``day``: every date in it moves on."""
    begins = datetime.fromtimestamp(BEGINS / 1e6, UTC)
    dates = [
        tuple((begins + timedelta(days=which + offset)).strftime('"%Y-%m-%dT').encode() for which in (made, day))
        for offset in LOCAL_DAYS
    ]
    with path.open("rb") as old, copy.open("wb") as new:
        while piece := old.read(PIECE_BYTES):
            piece += old.readline()
            for before, after in dates:
                piece = piece.replace(before, after)
            new.write(piece)


def compact(node: Path) -> None:
    """One compaction, and its line."""
    report = seawall(node, "run", "compact")
    line("compact", node, 0, report)


def line(name: str, node: Path, events: int, report: dict[str, object] | None) -> None:
    """The lake as it is now, after a step that ``report`` tells about."""
    lake = node / "lake"
    parts = load(lake).parts
    used = sum(path.stat().st_size for path in lake.rglob("*") if path.is_file())
    print(
        name,
        events,
        f"{float(str(report['cpu_seconds'])):.1f}" if report else "-",
        number(report["peak_memory_bytes"]) >> 20 if report else "-",
        len(parts),
        used >> 20,
        sum(part.rows for part in parts if part.kind == OBSERVATIONS),
        sum(part.rows for part in parts if part.kind == ROLLUP),
        sum(part.kind == ROLLUP for part in parts),
        sep="\t",
        flush=True,
    )


def number(value: object) -> int:
    """A whole number of a report."""
    return int(str(value))


if __name__ == "__main__":
    sys.exit(main())
