#!/usr/bin/env python3
"""``kill -9`` at random moments of ingest, import, match, sync and serve; afterwards all counts are exact.

    python bench/kills.py [--kills 20] [--seed 20] [--lines 8000] [--indicators 3000] [--folder F]

Two nodes serve, two ingests run at once. Prints each kill with what a reader saw right after it, then the checks of
``tests/journey/test_kills.py``, which fail loudly. The drill itself is ``tests/journey/kill_drill.py``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from journey.kill_drill import Drill
from journey.test_kills import check

COMMANDS = ("ingest", "import", "match", "sync", "fetch", "serve")


def main() -> None:
    """Drill until enough kills hit a running command, then check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--lines", type=int, default=8_000, help="lines of each fresh log file")
    parser.add_argument("--indicators", type=int, default=3_000, help="values of each fresh feed")
    parser.add_argument("--folder", type=Path, help="keep the nodes here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seawall-kills-") as temporary:
        root = asked.folder or Path(temporary)
        root.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        drill = Drill(root, seed=asked.seed, lines=asked.lines, indicators=asked.indicators)
        print(f"{'no':>3} {'command':<8} {'after s':>8} {'hit':<4} {'rows':>9} {'generation':>10}")
        with drill.serving():
            drill.prime()
            _kill(drill, asked.kills)
            check(drill)
        hits = sum(kill.hit for kill in drill.kills)
        lines = sum(map(len, drill.files.values()))
        print(
            f"{hits} kills, {lines} lines in {len(drill.files)} files, {len(drill.amber)} AMBER, {len(drill.red)} RED "
            f"indicators, {time.monotonic() - started:.0f} s: every count is that of an undisturbed run"
        )


def _kill(drill: Drill, wanted: int) -> None:
    hits = 0
    while hits < wanted:
        for command in COMMANDS:
            hits += drill.kill_one(command)
            last = drill.kills[-1]
            print(
                f"{last.number:>3} {last.command:<8} {last.after_seconds:>8.3f} {'yes' if last.hit else 'late':<4} "
                f"{last.rows:>9} {last.generation:>10}",
                flush=True,
            )
            if hits >= wanted:
                return


if __name__ == "__main__":
    main()
