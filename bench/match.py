#!/usr/bin/env python3
"""What matching costs: CPU-seconds of one whole match, of a run with nothing new, and of new indicators on history.

    python bench/match.py LOAD [--lake FOLDER]

LOAD holds ``eve/*.json``, ``sensors.csv`` and ``indicators.csv`` (id, type, value, campaign) as the reference generator
writes them. The lake is filled once (ingest is not measured here) and kept when ``--lake`` names a folder. The
reference load of two economies must give exactly the totals of ``REFERENCE``; the last line says whether it did.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from seawall.ingest import IngestOptions, ingest
from seawall.lake import Lake
from seawall.match import (
    MatchOptions,
    MatchReport,
    candidate_table,
    match,
    overlap_table,
    rollup_sightings,
    sighting_table,
)
from seawall.model import Observable
from seawall.reference.sensors import SensorTable
from seawall.reference.suffixes import registered_domain
from seawall.warn import warning_table

REFERENCE = {
    "events": 4_020_000,
    "hits": 999_761,
    "matched_events": 913_411,
    "indicators_hit": 409_993,
    "aggregates": 939_575,
    "both_indicators": 106_431,
    "both_campaigns": 2_000,
    "median_lag_seconds": 18_120.988645,
}
"""Reached alike by DuckDB, Polars, Spark and Sail on the generator's default seed."""

NEW_INDICATORS = 10_000


class NoLists:
    """Screens without reference data: measured is the rule, not the lists."""

    def is_own(self, observable: Observable, /) -> bool:
        """Nothing is ours beside the address ranges that ingest knows."""
        return observable.value.startswith("10.")

    def listed(self, observable: Observable, /) -> str | None:
        """No list holds anything."""
        return None if observable.value else "empty"

    def registered_domain(self, name: str, /) -> str | None:
        """By the public suffix list."""
        return registered_domain(name)


def main() -> int:
    """Fill, match, print one JSON document; 1 when the reference totals are missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", type=Path)
    parser.add_argument("--lake", type=Path)
    parser.add_argument("--findings", action="store_true", help="measure sightings, candidates and warnings as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        lake = Lake.open(given.lake or Path(scratch) / "lake")
        fill(lake, given.load, Path(scratch))
        keys = read_keys(given.load / "indicators.csv")
        document = measure(lake, keys, findings=given.findings)
    json.dump(document, sys.stdout, indent=1)
    print()
    return 0 if document["exact"] else 1


def fill(lake: Lake, load: Path, scratch: Path) -> None:
    """Ingest the logs, unless the lake holds events already."""
    with lake.reading() as session:
        if session.parts():
            return
    options = IngestOptions(
        quarantine=scratch / "quarantine", node_side="A", sensors=SensorTable.from_csv(load / "sensors.csv")
    )
    ingest([load / "eve"], lake, options)


def read_keys(path: Path) -> pa.Table:
    """The generator's indicators as a key table; numbers from 1."""
    read = pyarrow.csv.read_csv(path)
    nothing = pa.nulls(len(read), pa.int64())
    return pa.table(
        {
            "number": pa.compute.add(read["id"], 1),
            "type": read["type"],
            "value": read["value"],
            "indicator_id": pa.compute.binary_join_element_wise("indicator-", read["id"].cast(pa.string()), "-"),
            "campaign": read["campaign"].cast(pa.string()),
            "valid_until": nothing,
        }
    )


@contextmanager
def cost(into: dict[str, object], name: str) -> Iterator[None]:
    """CPU-seconds (user and system, all threads) of the block."""
    before = _cpu()
    yield
    into[name] = round(_cpu() - before, 2)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(lake: Lake, keys: pa.Table, *, findings: bool) -> dict[str, object]:
    """Rebuild everything, run again, then meet 10,000 indicators as if they were new."""
    figures: dict[str, object] = {}
    with cost(figures, "match_cpu_seconds"):
        report = match(lake, keys, MatchOptions(rebuild=True))
    with cost(figures, "nothing_new_cpu_seconds"):
        again = match(lake, keys)
    with lake.reading() as session, cost(figures, "new_indicators_on_rollup_cpu_seconds"):
        figures["new_indicators_seen"] = len(rollup_sightings(session, keys.slice(0, NEW_INDICATORS)))
        figures["rollup_rows"] = session.sql(f"SELECT count(*) AS n FROM {session.rollup(0)} AS r")["n"][0].as_py()
    if findings:
        with lake.reading() as session:
            with cost(figures, "sightings_cpu_seconds"):
                figures["sightings"] = len(sighting_table(session, keys))
            with cost(figures, "candidates_cpu_seconds"):
                figures["candidates"] = len(candidate_table(session, NoLists()))
            with cost(figures, "overlap_and_warnings_cpu_seconds"):
                figures["warnings"] = len(warning_table(session, overlap_table(session, NoLists())))
    totals = totals_of(report)
    figures |= totals
    figures["events_per_cpu_second"] = round(report.events / float(str(figures["match_cpu_seconds"])))
    figures["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    figures["exact"] = totals == REFERENCE and again.new.hits == 0
    return figures


def totals_of(report: MatchReport) -> dict[str, object]:
    """The report's totals under the names of ``REFERENCE``."""
    both = report.both_sides
    return {
        **{
            name: getattr(report, name) for name in ("events", "hits", "matched_events", "indicators_hit", "aggregates")
        },
        "both_indicators": both.indicators if both else 0,
        "both_campaigns": both.campaigns if both else 0,
        "median_lag_seconds": both.median_lag_seconds if both else None,
    }


if __name__ == "__main__":
    sys.exit(main())
