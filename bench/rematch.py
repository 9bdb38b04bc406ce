#!/usr/bin/env python3
"""New indicators against all history: seconds and CPU-seconds of a look-up in a large roll-up, made for the purpose.

    python bench/rematch.py --folder DIR [--rows 100000000] [--days 40] [--indicators 10000] [--seen 0.1] [--keep]

The roll-up is written through the lake's own writer, a day at a time: addresses (60 %), names (25 %), URLs (10 %) and
hashes (5 %) that a national day's telemetry holds, half of them met again on other days; then it is compacted. The
indicators are made so that ``--seen`` of them occur. Printed: one JSON document. Everything in DIR that this run made
is removed again unless ``--keep`` is given; with ``--keep`` a second run finds the lake and only measures.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from seawall.lake import Lake, compact
from seawall.match import MatchOptions, match, rollup_sightings
from seawall.model import ROLLUP_SCHEMA
from seawall.model.observation import IPV4_MAPPED_LOW
from seawall.settings import LakeSettings

DAY = 86_400_000_000
START = 20_500 * DAY  # 2026-02-16
BYTES_A_ROW = 110  # before and during compaction, with what it spills: measured
SECTORS = [f"sector-{number}" for number in range(12)]
TOP = ["com.tw", "gov.tw", "co.kr", "go.kr", "com", "net", "org", "example"]


def main() -> int:
    """Make the lake if it is not there, look up, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--indicators", type=int, default=10_000)
    parser.add_argument("--seen", type=float, default=0.1)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    folder = given.folder / "rematch-lake"
    free = shutil.disk_usage(given.folder).free
    if not folder.exists() and free < given.rows * BYTES_A_ROW:
        parser.error(f"{given.folder} has {free >> 30} GiB free; this takes {given.rows * BYTES_A_ROW >> 30} GiB")
    lake = Lake.open(folder, LakeSettings())
    try:
        json.dump(run(lake, given), sys.stdout, indent=1)
        print()
    finally:
        if not given.keep:
            shutil.rmtree(folder)
    return 0


def run(lake: Lake, given: argparse.Namespace) -> dict[str, object]:
    """All figures."""
    figures: dict[str, object] = {}
    with lake.reading() as session:
        made = bool(session.rolled_days()) or session.generation > 0
    if not made:
        cost(figures, "write", lambda: fill(lake, given.rows, given.days))
        figures["bytes_written"] = size(lake)
        match(lake, keys_of([]))  # so that every indicator below is a new one
        cost(figures, "compact", lambda: compact(lake))
    figures["bytes"] = size(lake)
    with lake.reading() as session:
        counted = session.sql(f"SELECT count(*) AS n FROM {session.rollup()} AS r")
        figures["rollup_rows"] = counted["n"][0].as_py()
    table = keys_of(indicators(given.indicators, given.seen, given.rows // given.days, given.days))
    with lake.reading() as session:
        cost(figures, "warm_up", lambda: session.sql(f"SELECT max(last) FROM {session.rollup()} AS r"))
        seen = cost(figures, "sightings_by_rollup", lambda: rollup_sightings(session, table))
        again = cost(figures, "sightings_by_rollup_again", lambda: rollup_sightings(session, table))
    report = cost(figures, "match", lambda: match(lake, table, MatchOptions()))
    figures["sightings"] = len(seen)
    figures["indicators_seen"] = len(set(seen["indicator"].to_pylist()))
    figures["match_sightings"] = report.sightings
    figures["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    figures["equal"] = seen.equals(again) and report.sightings == len(seen)
    return figures


def fill(lake: Lake, rows: int, days: int) -> None:
    """``rows`` roll-up rows over ``days`` days, in portions of at most half a million."""
    daily = rows // days
    for day in range(days):
        for start in range(0, daily, 500_000):
            numbers = np.arange(start, min(start + 500_000, daily))
            with lake.writing() as writer:
                writer.append_rollup(rows_of(day, numbers, daily))


def rows_of(day: int, numbers: np.ndarray, daily: int) -> pa.Table:
    """Roll-up rows of a day; half of its values stand in other days too."""
    chance = np.random.default_rng(day * 1_000_003 + int(numbers[0]))
    value = identity(day, numbers, daily)
    kind = numbers % 20
    address = kind < 12
    scattered = mix(value)
    spelt = zip(address.tolist(), value.tolist(), scattered.tolist(), kind.tolist(), strict=True)
    texts = [None if plain else text(number, mixed, which) for plain, number, mixed, which in spelt]
    first = START + day * DAY + chance.integers(0, DAY // 2, len(numbers))
    columns: dict[str, Any] = {
        "type": np.array(["ipv4", "domain", "url", "sha256"])[type_of(kind)],
        "value": pa.array(texts, pa.string()),
        "high": pa.array(np.zeros(len(numbers), np.int64), mask=~address),
        "low": pa.array(IPV4_MAPPED_LOW | scattered & 0xFFFF_FFFF, mask=~address),
        "role": np.array(["remote", "own"])[(chance.random(len(numbers)) < 0.3).astype(int)],
        "basis": np.array(["none", "alert"])[(chance.random(len(numbers)) < 0.2).astype(int)],
        "day": np.full(len(numbers), START // DAY + day),
        "side": np.array(["TW", "KR"])[chance.integers(0, 2, len(numbers))],
        "sector": np.array(SECTORS)[chance.integers(0, 12, len(numbers))],
        "first": first,
        "last": first + chance.integers(0, DAY // 2, len(numbers)) * (chance.random(len(numbers)) < 0.4),
        "count": chance.geometric(0.5, len(numbers)),
        "sensor_bits": np.left_shift(1, chance.integers(0, 62, len(numbers))),
        "own_bits": np.left_shift(1, chance.integers(0, 62, len(numbers))),
    }
    return pa.table({field.name: pa.array(columns[field.name]).cast(field.type) for field in ROLLUP_SCHEMA})


def identity(day: int, numbers: np.ndarray, daily: int) -> np.ndarray:
    """Which value stands in each row: half hold a value that every third day has too, half one of their own."""
    return np.where(numbers % 40 < 20, numbers + (day % 3) * daily, numbers + (day + 3) * daily)


def type_of(kind: np.ndarray) -> np.ndarray:
    """0 to 3 for an address, name, URL or hash: 60, 25, 10 and 5 per cent."""
    return np.searchsorted(np.array([12, 17, 19]), kind, side="right")


def mix(value: np.ndarray) -> np.ndarray:
    """Numbers scattered over 62 bits, always alike."""
    spread = (value.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E37_79B9_7F4A_7C15)
    return ((spread ^ (spread >> np.uint64(29))) & np.uint64((1 << 62) - 1)).astype(np.int64)


def text(value: int, scattered: int, kind: int) -> str:
    """A name, URL or hash for a number and what ``mix`` makes of it."""
    if kind == 19:
        return f"{scattered:016x}" * 4
    name = f"h{value % 5}.n{scattered >> 8:x}.{TOP[scattered % len(TOP)]}"
    return name if kind < 17 else f"http://{name}/{value:x}/index.php"


def indicators(count: int, seen: float, daily: int, days: int) -> list[tuple[str, str]]:
    """Keys, a share of which occurs in the roll-up: exact values, parents of names, and a few ranges."""
    chance = np.random.default_rng(7)
    found: dict[tuple[str, str], None] = {}
    while len(found) < count:
        number = int(chance.integers(0, daily))
        value = int(identity(int(chance.integers(0, days)), np.array([number]), daily)[0])
        if chance.random() >= seen:
            value += 1 << 40
        kind = number % 20
        scattered = int(mix(np.array([value]))[0])
        if kind < 12:
            found["ipv4", ".".join(str(scattered >> shift & 255) for shift in (24, 16, 8, 0))] = None
        else:
            spelt = text(value, scattered, kind)
            parent = spelt.split(".", 1)[1] if kind < 17 and chance.random() < 0.5 else spelt
            found[("ipv4", "domain", "url", "sha256")[int(type_of(np.array([kind]))[0])], parent] = None
    ranges = [f"{number}.{number}.0.0/24" for number in range(1, 51)]
    return [*list(found)[: count - len(ranges)], *(("cidr", text) for text in ranges)]


def keys_of(values: list[tuple[str, str]]) -> pa.Table:
    """A key table as the store gives it."""
    size = len(values)
    return pa.table(
        {
            "number": pa.array(np.arange(1, size + 1), pa.int64()),
            "type": pa.array([kind for kind, _ in values], pa.string()),
            "value": pa.array([value for _, value in values], pa.string()),
            "indicator_id": pa.array([f"indicator-{number}" for number in range(size)], pa.string()),
            "campaign": pa.nulls(size, pa.string()),
            "valid_until": pa.nulls(size, pa.int64()),
        }
    )


def cost(into: dict[str, object], name: str, work: Callable[[], Any]) -> Any:
    """Do it, and note seconds and CPU-seconds (all threads)."""
    wall, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    result = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    into[f"{name}_seconds"] = round(time.monotonic() - wall, 2)
    into[f"{name}_cpu_seconds"] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)
    return result


def size(lake: Lake) -> int:
    """Bytes of the lake's files."""
    return sum(path.stat().st_size for path in (lake.folder / "rollup").iterdir())


if __name__ == "__main__":
    sys.exit(main())
