#!/usr/bin/env python3
"""The reference job on a Spark cluster of this machine: DuckDB ingests, master and two workers match; counts and cost.

    python bench/spark.py LOAD [--lake FOLDER]

LOAD holds ``eve/*.json``, ``sensors.csv`` and ``indicators.csv`` as the reference generator writes them. The lake is
filled once (``--lake`` keeps it), then matched three times from nothing: by the embedded path, by the portable path on
DuckDB, and by the portable path on the cluster. CPU-seconds of Spark are those of the driver and both executors, their
JVMs' start and compilation included. Everything is on one machine: this shows equal answers and their price, not speed
gained by more machines. Prints one JSON document; the status is 1 when a count differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench.match import REFERENCE, cost, fill, read_keys, totals_of  # noqa: E402

from seawall.lake import Lake  # noqa: E402
from seawall.match import MatchOptions, match  # noqa: E402
from seawall.match.portable import match_portably, rollup_totals  # noqa: E402
from seawall.settings import LakeSettings  # noqa: E402
from spark_cluster import spark_master  # noqa: E402

CLUSTER = {"spark.executor.memory": "2g", "spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "16"}


def main() -> int:
    """Fill, match three ways, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", type=Path)
    parser.add_argument("--lake", type=Path)
    given = parser.parse_args()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.lake or Path(scratch) / "lake").absolute()
        here = Lake.open(folder, LakeSettings())
        with cost(figures, "ingest_cpu_seconds"):
            fill(here, given.load, Path(scratch))
        keys, afresh = read_keys(given.load / "indicators.csv"), MatchOptions(rebuild=True)
        with cost(figures, "match_embedded_cpu_seconds"):
            embedded = match(here, keys, afresh)
        with cost(figures, "match_portable_on_duckdb_cpu_seconds"):
            portable = match_portably(here, here.computing, keys, afresh)
        with here.computing() as session:
            rolled_up = rollup_totals(session)
        figures |= folder_sizes(folder)
        with spark_master(Path(scratch) / "spark", CLUSTER, worker_memory="2g") as master:
            cluster = Lake.open(folder, LakeSettings(engine="spark", spark_master=master))
            started, before = time.monotonic(), cpu_of_children()
            with cluster.computing() as session:
                with cost(figures, "match_on_spark_python_cpu_seconds"):
                    spark = match_portably(cluster, lambda: nullcontext(session), keys, afresh)
                figures["match_on_spark_jvm_cpu_seconds"] = round(cpu_of_children() - before, 1)
                figures["match_on_spark_wall_seconds"] = round(time.monotonic() - started, 1)
                figures["rollup_equal"] = rollup_totals(session) == rolled_up
                figures["rollup_rows"] = rolled_up.rows
    totals = totals_of(spark)
    figures |= totals
    equal = totals == totals_of(embedded) == totals_of(portable)
    figures["equal_on_all_three"] = equal and bool(figures["rollup_equal"])
    figures["exactly_the_reference"] = totals == REFERENCE
    json.dump(figures, sys.stdout, indent=1)
    print()
    return 0 if figures["equal_on_all_three"] else 1


def cpu_of_children() -> float:
    """CPU-seconds so far of every process below this one, those that have ended included."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def folder_sizes(lake: Path) -> dict[str, object]:
    """Bytes at rest of each kind of file."""
    return {
        f"{kind}_bytes": sum(path.stat().st_size for path in (lake / kind).rglob("*") if path.is_file())
        for kind in ("observations", "rollup", "derived")
    }


if __name__ == "__main__":
    sys.exit(main())
