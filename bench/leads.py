#!/usr/bin/env python3
"""Time and memory of lead times, how far p-values can be trusted, and dated reports replayed as two sides.

    python bench/leads.py [--values 1000000] [--campaigns 10000] [--calibration 200] [--plot FILE.svg] [--reports DIR]

Three parts, one JSON document:

- ``scale``: two parties that met the same values, as Arrow tables of findings; pairs in DuckDB, then every statistic
  (shares, bootstrap, Kaplan-Meier, null model, false discovery rate) by campaign. Making the load is not counted.
- ``calibration``: p-values of data whose vantage labels were permuted within day and type; ``--plot`` draws their
  distribution, which is a straight line when they are right.
- ``reports``: with ``--reports`` a folder that holds ``iocs-volexity`` and ``iocs-unit42`` as dated CSV and STIX:
  publishers replayed as two sides by the day of publication. Publication dates are not sightings.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.leads_reports import replay_reports

from seawall.model.finding_table import FINDING_SCHEMA
from seawall.warn.lead import By, LeadOptions, Null, analyse, pairs_of_sides
from seawall.warn.lead.chance import against_chance
from seawall.warn.lead.columns import columns
from seawall.warn.lead.grouping import grouped

HOUR = 3_600_000_000
DAY = 24 * HOUR
BEGINS = 20_000 * DAY


class Session:
    """DuckDB as the lake's session gives it, with two threads."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(config={"threads": 2, "autoinstall_known_extensions": "false"})

    def register(self, name: str, table: pa.Table, /) -> None:
        """Make a table readable."""
        self._connection.register(name, table)

    def sql(self, query: str, parameters: Sequence[object] = (), /) -> pa.Table:
        """Run one statement."""
        relation: Any = self._connection.sql(query, params=list(parameters) or None)
        return pa.table({}) if relation is None else relation.to_arrow_table()


def findings(values: int, campaigns: int, seed: int) -> pa.Table:
    """Values that both sides met within 90 days, the second side six hours later on the whole."""
    random = np.random.default_rng(seed)
    begin = BEGINS + random.integers(0, 90 * DAY, values)
    campaign = random.integers(0, campaigns, values)
    parts = []
    for side, lead in (("KR", 0), ("TW", 6)):
        first = begin + ((lead + random.exponential(24, values)) * HOUR).astype(np.int64)
        count = random.integers(1, 20, values)
        given = {
            "type": pa.DictionaryArray.from_arrays(pa.array(np.arange(values) % 2), ["ipv4", "domain"]).cast(
                pa.string()
            ),
            "value": pa.array(np.char.add("v", np.arange(values).astype("U8"))),
            "side": pa.array(np.full(values, side)),
            "first_seen": pa.array(first),
            "last_seen": pa.array(first + count * HOUR),
            "count": pa.array(count),
            "hostile": pa.array(count),
            "sectors": pa.FixedSizeListArray.from_arrays(pa.array(np.full(values, "energy")), 1).cast(
                pa.list_(pa.string())
            ),
            "basis": pa.FixedSizeListArray.from_arrays(pa.array(np.full(values, "alert")), 1).cast(
                pa.list_(pa.string())
            ),
            "sensors": pa.array(np.ones(values, np.int64)),
            "campaign": pa.array(np.char.add("campaign--", campaign.astype("U8"))),
            "tlp": pa.array(np.full(values, 2, np.int32)),
            "pap": pa.array(np.full(values, 1, np.int32)),
        }
        parts.append(
            pa.table(
                {f.name: given.get(f.name, pa.nulls(values, f.type)) for f in FINDING_SCHEMA}, schema=FINDING_SCHEMA
            )
        )
    return pa.concat_tables(parts)


def scale(values: int, campaigns: int) -> dict[str, object]:
    """Seconds and memory of pairing and of analysing by campaign and as a whole."""
    load = findings(values, campaigns, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    marks = [_now()]
    pairs = pairs_of_sides(Session(), load, "TW")
    marks.append(_now())
    report = analyse(pairs, LeadOptions(by=By.CAMPAIGN, null=Null.PERMUTE, one_lake=True))
    marks.append(_now())
    steps = [{"seconds": b[0] - a[0], "cpu_seconds": b[1] - a[1]} for a, b in pairwise(marks)]
    leading = [one for one in report.groups if one.q_there is not None and one.q_there <= 0.05]
    return {
        "values": values,
        "campaigns": len(report.groups),
        "draws": report.draws,
        "pairing": {name: round(value, 2) for name, value in steps[0].items()},
        "analysis": {name: round(value, 2) for name, value in steps[1].items()},
        "load_memory_bytes": before * 1024,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "share_first_there": report.whole.share_first_there,
        "raw_lead_hours": (report.whole.raw_lead_seconds or 0) / 3600,
        "campaigns_beyond_chance": len(leading),
    }


def calibration(runs: int) -> dict[str, object]:
    """p-values of permuted labels: how far their distribution lies from a straight line, and how many are small."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [folder for folder in sys.path if folder != str(here)]  # it has a ``warn`` of its own
    sys.path.append(str(here.parent / "tests"))  # the tests' own scene
    from warn.lead.scenes import pairs as scene
    from warn.lead.scenes import permuted_within_days

    values = []
    for seed in range(runs):
        given = permuted_within_days(scene(300, seed=seed, lead_hours=12), seed + 10_000)
        at = columns(given)
        tested = against_chance(at, grouped(given, at, By.ALL), Null.PERMUTE, seed, by_campaign=False, draws=399)
        values.append(float(tested.p_there[0]))
    ordered = np.sort(values)
    distance = float(np.max(np.abs(ordered - (np.arange(1, runs + 1) - 0.5) / runs)) + 0.5 / runs)
    return {
        "runs": runs,
        "kolmogorov_distance": round(distance, 4),
        "distance_at_5_percent": round(1.358 / runs**0.5, 4),
        "below_0.05": round(float(np.mean(ordered < 0.05)), 4),
        "p_values": [round(float(one), 4) for one in ordered],
    }


def drawing(values: Sequence[float]) -> str:
    """The distribution of p-values as SVG: a staircase along the diagonal when they are right."""
    size, left = 400, 60
    steps = "".join(
        f"L{left + p * size:.1f} {size + 30 - (place + 1) / len(values) * size:.1f}" for place, p in enumerate(values)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size + 120}" height="{size + 90}" role="img" '
        'font-family="sans-serif" font-size="13"><title>p-values of permuted labels</title>'
        '<rect width="100%" height="100%" fill="#fff"/>'
        f'<path d="M{left} {size + 30}L{left + size} 30" stroke="#9aa5ad" stroke-dasharray="4 4"/>'
        f'<path d="M{left} {size + 30}{steps}" stroke="#1b5e8c" stroke-width="2" fill="none"/>'
        f'<path d="M{left} 30V{size + 30}H{left + size}" stroke="#333" fill="none"/>'
        f'<text x="{left}" y="20">share of {len(values)} runs with at most this p (dashed: uniform)</text>'
        f'<text x="{left}" y="{size + 50}">0</text><text x="{left + size - 8}" y="{size + 50}">1</text>'
        f'<text x="{left + size / 2 - 60}" y="{size + 70}">p-value, labels permuted</text></svg>\n'
    )


def _now() -> tuple[float, float]:
    return time.monotonic(), time.process_time()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--campaigns", type=int, default=10_000)
    parser.add_argument("--calibration", type=int, default=200, help="runs; 0 leaves this part out")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--reports", type=Path)
    given = parser.parse_args(arguments)
    document: dict[str, object] = {"scale": scale(given.values, given.campaigns)}
    if given.calibration:
        found = calibration(given.calibration)
        values = found.pop("p_values")
        document["calibration"] = found
        if given.plot is not None and isinstance(values, list):
            given.plot.write_text(drawing(values), "utf-8")
    if given.reports is not None:
        document["reports"] = replay_reports(given.reports)
    print(json.dumps(document, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
