#!/usr/bin/env python3
"""Peak memory and cost of ingest for one day of a load and for many, each as one stream on standard input.

    python bench/memory.py LOAD [--days N]

Day 1 is the load as it is; each further day is the same lines with the next date, so every line is new and no disk is
needed for them. Prints one JSON document; the status is 1 when a line was lost or the peak is over the bound.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BOUND = 1_500_000_000  # bytes, whatever the size of the input
BLOCK = 8 << 20


def main() -> int:
    """Measure one day, then all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", type=Path)
    parser.add_argument("--days", type=int, default=10)
    given = parser.parse_args()
    files = sorted((given.load / "eve").glob("*.json"))
    with files[0].open() as lines:
        day = datetime.date.fromisoformat(json.loads(next(lines))["timestamp"][:10])
    figures = {str(days): measure(given.load, files, day, days) for days in (1, given.days)}
    json.dump(figures, sys.stdout, indent=1)
    print()
    one = figures["1"]["events"]
    whole = all(told["events"] == told["stored"] == one * int(days) for days, told in figures.items())
    return 0 if whole and all(told["peak_memory_bytes"] < BOUND for told in figures.values()) else 1


def measure(load: Path, files: list[Path], day: datetime.date, days: int) -> dict[str, Any]:
    """One ingest of so many days in a node of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        seawall = [sys.executable, "-m", "seawall", "--node", str(Path(scratch, "node"))]
        for arguments in (["init", "--name", "bench", "--economy", "TW"], ["sensors", "import", load / "sensors.csv"]):
            subprocess.run([*seawall, *map(str, arguments)], capture_output=True, check=True)
        command = [*seawall, "ingest", "-", "--json"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            if process.stdin is None or process.stdout is None:
                raise OSError("no pipe")
            for block in stream(files, day, days):
                process.stdin.write(block)
            process.stdin.close()
            told: dict[str, Any] = json.loads(process.stdout.read())
        lake = sum(path.stat().st_size for path in Path(scratch).rglob("*.parquet"))
    names = ("events", "stored", "cpu_seconds", "peak_memory_bytes")
    return {name: told[name] for name in names} | {"lake_bytes": lake}


def stream(files: list[Path], day: datetime.date, days: int) -> Iterator[bytes]:
    """The lines of ``files`` for each day, in blocks of whole lines."""
    before = day.isoformat().encode()
    for ahead in range(days):
        after = (day + datetime.timedelta(days=ahead)).isoformat().encode()
        for path in files:
            with path.open("rb") as lines:
                while block := lines.read(BLOCK):
                    block += lines.readline()
                    yield block.replace(before, after) if ahead else block


if __name__ == "__main__":
    sys.exit(main())
