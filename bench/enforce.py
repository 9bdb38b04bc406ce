#!/usr/bin/env python3
"""What enforcement costs: large sets in real tools, and the way from a partner's log line to a dropped packet here.

    python -m bench enforce --what size [--addresses 1000000] [--names 300000] [--tools nftables,haproxy,...]
    python -m bench enforce --what journeys [--runs 20] [--tools nftables,...] [--ways standing,...]

``size``: load, delta of one and of 10,000 (in and out) and memory for each tool, beside the tool's own way of loading
the same set in the same run. ``journeys``: two nodes and a gateway in network namespaces; real packets decide. Both
need root and the tools (``.ci/system-packages``). Each prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import enforce_journeys, enforce_size  # noqa: E402 - the scenes of the tests are found first


def main() -> int:
    """Measure what was asked for and print it; 1 when something did not come out right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--what", choices=("size", "journeys"), default="size")
    parser.add_argument("--addresses", type=int, default=1_000_000)
    parser.add_argument("--names", type=int, default=300_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--tools", help="some of them, comma between")
    parser.add_argument("--ways", help="some of standing, person, canary, comma between")
    given = parser.parse_args()
    tools = given.tools.split(",") if given.tools else None
    if given.what == "size":
        figures, right = enforce_size.measured(given.addresses, given.names, tools)
    else:
        figures, right = enforce_journeys.measured(given.runs, tools, given.ways.split(",") if given.ways else None)
    json.dump(figures, sys.stdout, indent=1)
    print()
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
