#!/usr/bin/env python3
"""What a command costs before it does anything: CPU-seconds of whole processes on an empty node.

    python bench/start.py [--times 5] [COMMAND ...]

Each process is run several times and the least is told, beside an interpreter that does nothing, the two libraries
that no command on the node can do without, and what users of other tools load for the same work (left out where it is
not installed). A table on stderr, one JSON document on stdout; status 1 when a command takes more than it may.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

LIMITS = {
    "--help": 0.35,
    "users list": 0.7,
    "circles list": 0.7,
    "peers list": 0.7,
    "points list": 0.7,
    "protect status": 0.7,
    "ledger show": 0.7,
    "ledger verify": 0.7,
    "sightings": 0.7,
    "warnings": 0.7,
    "match": 0.7,
    "observations": 0.7,
}
"""Command -> CPU-seconds that it may take on the machine of the published figures, which imports SQLAlchemy in
``SQLALCHEMY``; elsewhere the limit grows with what SQLAlchemy takes there."""

SQLALCHEMY = 0.17
PEERS = ("stix2", "taxii2client", "pymisp", "stix2validator")


def main() -> int:
    """Print the figures; 1 when a command takes more than it may, or fails."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("commands", nargs="*", metavar="COMMAND", help="quoted: 'peers list'; else the everyday ones")
    asked.add_argument("--times", type=int, default=5)
    given = asked.parse_args()
    document = measure(given.commands or list(LIMITS), given.times)
    for name, row in document.items():
        over = "  too much" if row.get("within") is False else ""
        print(f"{name:<32}{row['cpu_seconds']:>8.2f}{over}", file=sys.stderr)
    print(json.dumps(document, indent=1))
    return int(any(row.get("within") is False for row in document.values()))


def measure(commands: list[str], times: int) -> dict[str, dict[str, float | bool]]:
    """Row -> ``cpu_seconds`` (least of ``times``), and of a command ``most`` and ``within``."""
    with tempfile.TemporaryDirectory() as folder:
        node = str(Path(folder, "node"))
        _cpu_seconds("-m", "seawall", "init", "--node", node, "--name", "Bench", "--economy", "TW")
        rows: dict[str, dict[str, float | bool]] = {}
        for code in ("pass", "import sqlalchemy", "import duckdb, pyarrow", *(f"import {peer}" for peer in PEERS)):
            if code.removeprefix("import ") not in PEERS or find_spec(code.removeprefix("import ")) is not None:
                rows[f"python -c '{code}'"] = {"cpu_seconds": _least(times, "-c", code)}
        slower = max(1.0, rows["python -c 'import sqlalchemy'"]["cpu_seconds"] / SQLALCHEMY)
        for command in commands:
            words = command.split()
            spent = _least(times, "-m", "seawall", *words, *(() if "--help" in words else ("--node", node, "--json")))
            most = round(LIMITS.get(command, 0.7) * slower, 3)
            rows[f"seawall {command}"] = {"cpu_seconds": spent, "most": most, "within": spent <= most}
    return rows


def _least(times: int, *arguments: str) -> float:
    return round(min(_cpu_seconds(*arguments) for _ in range(times)), 3)


def _cpu_seconds(*arguments: str) -> float:
    """CPU-seconds, user and system, of one Python process. Raises RuntimeError when it fails."""
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(sys.executable, [sys.executable, *arguments], os.environ, file_actions=silent)
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"failed: {' '.join(arguments)}")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
