"""Runs the benches one after the other; each prints its own figures.

    python -m bench [NAME ...] [--load FOLDER] [OPTION ...]

Names: reference, ingest, match, live, concurrency, memory, spark, peers (these read a reference load: ``eve/*.json``,
``indicators.csv``, ``sensors.csv``), score, kills, taxii, stix, misp, policy, psi, predict, warn, leads, campaigns,
live_path, safety, start, and rematch, growth (these two fill a folder: name them with ``--folder DIR``), false_alarms
(name it with ``--data DIR``), enforce (needs root and the tools: name it with ``--what size`` or ``--what journeys``),
rpz (needs resolvers), orders (a million of them take long). Without names all but the last six; without ``--load``
those that need one are left out. With one name, further options go to that bench.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ON_LOAD = ("reference", "ingest", "match", "live", "concurrency", "memory", "spark", "peers")
IN_FOLDER = ("rematch", "growth", "false_alarms", "enforce", "rpz", "orders")
WITHOUT_OPTIONS = (
    *(
        "kills",
        "taxii",
        "stix",
        "misp",
        "policy",
        "psi",
        "predict",
        "warn",
        "leads",
        "campaigns",
        "live_path",
        "safety",
        "start",
    ),
)
ALONE: dict[str, tuple[str, ...]] = {"score": ("--simulate", "0.1")} | dict.fromkeys(WITHOUT_OPTIONS, ())


def main() -> int:
    """Run the benches asked for; returns how many failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join([*ON_LOAD, *ALONE, *IN_FOLDER]))
    parser.add_argument("--load", type=Path, help="folder of the reference load")
    asked, further = parser.parse_known_args()
    names = asked.names or [*ON_LOAD, *ALONE]
    if unknown := set(names) - {*ON_LOAD, *ALONE, *IN_FOLDER}:
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    if further and len(names) > 1:
        parser.error(f"{' '.join(further)}: name the one bench that takes this")
    failed = 0
    for name in names:
        if name in ON_LOAD and asked.load is None:
            print(f"{name}: left out, it needs --load FOLDER", file=sys.stderr)
            continue
        options = (str(asked.load),) if name in ON_LOAD else ALONE.get(name, ())
        print(f"== {name}", flush=True)
        program = ["-m", "bench.peers"] if name == "peers" else [str(HERE / f"{name}.py")]
        done = subprocess.run([sys.executable, *program, *options, *further], check=False)
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
