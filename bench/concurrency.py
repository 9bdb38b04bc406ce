#!/usr/bin/env python3
"""Ingest and queries at once: what each costs alone, and what beside the other.

    python bench/concurrency.py LOAD [--files N]

The load's first N files go into a node, which is matched. Then three rounds: queries alone; ingest of the next N files
alone; and the same ingest into a like node while one process asks. A round of queries is a list of observations by
address and a count of all rows; each fifth round also matches what is new, which writes and so waits for ingest.
Prints one JSON document; the status is 1 when a line was lost or a query failed.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from seawall.flow.node import Node
from seawall.flow.observations import find
from seawall.flow.pipeline import run_match

ALONE_ROUNDS = 20
MATCH_EVERY = 5  # rounds
QUERIES = ("observations", "count", "match")


def main() -> int:
    """Prepare two like nodes, then measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", type=Path)
    parser.add_argument("--files", type=int, default=2)
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask is not None:
        print(json.dumps(ask(given.ask, given.until)))
        return 0
    files = sorted((given.load / "eve").glob("*.json"))
    first, then = files[: given.files], files[given.files : 2 * given.files]
    with tempfile.TemporaryDirectory() as scratch:
        node, like = Path(scratch, "node"), Path(scratch, "like")
        seawall(node, "init", "--name", "bench", "--economy", "TW")
        seawall(node, "sensors", "import", given.load / "sensors.csv")
        seawall(node, "intel", "import", given.load / "indicators.csv", "--tlp", "amber")
        seawall(node, "ingest", *first)
        seawall(node, "match")
        shutil.copytree(node, like)
        asked_alone = json.loads(asking(node, None).communicate()[0])
        alone = seawall(node, "ingest", *then)
        done = Path(scratch, "done")
        questions = asking(like, done)
        beside = seawall(like, "ingest", *then)
        done.touch()
        asked_beside = json.loads(questions.communicate()[0])
        seawall(node, "match")
        seawall(like, "match")
        totals = [seawall(one, "match") for one in (node, like)]
    figures = {
        "ingest_alone": rate(alone),
        "ingest_beside_queries": rate(beside),
        "queries_alone": asked_alone,
        "queries_beside_ingest": asked_beside,
    }
    json.dump(figures, sys.stdout, indent=1)
    print()
    same = all(totals[0][name] == totals[1][name] for name in ("events", "hits", "aggregates"))
    return 0 if same and alone["stored"] == beside["stored"] == alone["events"] else 1


def asking(node: Path, until: Path | None) -> subprocess.Popen[str]:
    """The process that asks."""
    options = ["--ask", str(node), *(["--until", str(until)] if until is not None else [])]
    return subprocess.Popen([sys.executable, __file__, str(node), *options], stdout=subprocess.PIPE, text=True)


def ask(folder: Path, until: Path | None) -> dict[str, Any]:
    """Ask in turn until the file ``until`` is there (None: ALONE_ROUNDS times); milliseconds by query."""
    spent: dict[str, list[float]] = {name: [] for name in QUERIES}
    before = cpu()
    rounds = 0
    with Node.open(folder) as node:
        while rounds < ALONE_ROUNDS if until is None else not until.exists():
            rounds += 1
            for name in QUERIES if rounds % MATCH_EVERY == 1 else QUERIES[:-1]:
                start = time.perf_counter()
                one_query(node, name, rounds)
                spent[name].append((time.perf_counter() - start) * 1000)
    figures: dict[str, Any] = {"rounds": rounds, "cpu_seconds": round(cpu() - before, 2)}
    for name, took in ((name, took) for name, took in spent.items() if took):
        ordered = sorted(took)
        worst = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        figures[name] = {"median_ms": round(median(took), 1), "p95_ms": round(worst, 1)}
    return figures


def one_query(node: Node, name: str, number: int) -> None:
    """One of QUERIES."""
    if name == "observations":
        find(node, [f"dst=10.1.{number % 256}.{number * 7 % 256}"], limit=100, after=0)
    elif name == "count":
        with node.lake.reading() as session:
            session.sql(f"SELECT kind, count(*) FROM {session.observations()} AS o GROUP BY kind")
    else:
        run_match(node)


def rate(told: dict[str, Any]) -> dict[str, Any]:
    """What is told of an ingest."""
    seconds = told["cpu_seconds"]
    return {"events": told["events"], "cpu_seconds": seconds, "events_per_cpu_second": round(told["events"] / seconds)}


def seawall(node: Path, *arguments: str | Path) -> Any:
    """One command in a process of its own; its ``--json`` document."""
    command = [sys.executable, "-m", "seawall", "--node", str(node), *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def cpu() -> float:
    """CPU-seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
