#!/usr/bin/env python3
"""The reference job through the command line: sensors, indicators, ingest and match, beside DuckDB scripted by hand.

    python bench/reference.py LOAD [--any]

LOAD holds ``eve/*.json``, ``indicators.csv`` and ``sensors.csv`` as the reference generator writes them with its
default seed; the right answer, reached alike by four engines, is in ``EXPECTED`` (``--any``: another load, compared
with the job by hand). The job by hand (``bench/by_hand.py``) gives the same counts without digest, quarantine,
de-duplication, roll-up and increments. Prints one JSON document; the status is 1 when a count differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

EXPECTED = {
    "events": 4_020_000,
    "hits": 999_761,
    "matched_events": 913_411,
    "indicators_hit": 409_993,
    "aggregates": 939_575,
    "both_sides": {"indicators": 106_431, "campaigns": 2_000, "median_lag_seconds": 18_120.988645},
}


def main() -> int:
    """Run the job in a throw-away node and tell its figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", type=Path)
    parser.add_argument(
        "--any", action="store_true", help="another load than the reference: compare with the job by hand"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        node = Path(scratch) / "node"
        seawall(node, "init", "--name", "bench", "--economy", "TW")
        seawall(node, "sensors", "import", given.load / "sensors.csv")
        imported = seawall(node, "intel", "import", given.load / "indicators.csv", "--tlp", "amber")
        taken = seawall(node, "ingest", given.load / "eve")
        matched = seawall(node, "match")
        again = seawall(node, "ingest", given.load / "eve")
    scripted = by_hand(given.load)
    spent = taken["cpu_seconds"] + matched["cpu_seconds"]
    rate = matched["events"] / spent
    right = {name: scripted[name] for name in scripted.keys() & EXPECTED.keys()} if given.any else EXPECTED
    wrong = {name: matched[name] for name in right if matched[name] != right[name]}
    figures = {
        "counts": wrong or "exactly as expected",
        "stored": taken["stored"],
        "rejected": taken["rejected"],
        "stored_when_read_again": again["stored"],
        "indicators": imported["new"],
        "indicators_per_cpu_second": round(imported["objects"] / imported["cpu_seconds"]),
        "ingest_cpu_seconds": taken["cpu_seconds"],
        "match_cpu_seconds": matched["cpu_seconds"],
        "events_per_cpu_second": round(rate),
        "by_hand_events_per_cpu_second": scripted["events_per_cpu_second"],
        "of_by_hand": round(rate / scripted["events_per_cpu_second"], 2),
        "peak_memory_bytes": max(step["peak_memory_bytes"] for step in (imported, taken, matched)),
    }
    json.dump(figures, sys.stdout, indent=1)
    print()
    return 1 if wrong else 0


def by_hand(load: Path) -> dict[str, Any]:
    """The whole job by hand in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("by_hand.py")), str(load)]
    figures: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return figures


def seawall(node: Path, *arguments: str | Path) -> Any:
    """One command in a process of its own; its ``--json`` document."""
    command = [sys.executable, "-m", "seawall", "--node", str(node), *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


if __name__ == "__main__":
    sys.exit(main())
