#!/usr/bin/env python3
"""Grade the warnings that Seawall draws from a folder of logs against a truth file.

    python bench/score.py LOGS --truth truth.json [--sensors sensors.csv] [--assets assets.csv] [--indicators FILE]

LOGS holds the logs of all sides in any format that ``seawall ingest`` reads; ``sensors.csv`` (sensor, side, sector)
tells which sensor stands on which side. One node holds both sides; nobody is asked to share anything. The truth file
(docs/reference/truth-format.md) is read only after the node has answered.

    python bench/score.py --simulate 0.05 --seed 7 [--no-campaigns]

writes a simulated day first and grades that.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from seawall.flow.demo.grade import from_json, grade
from seawall.flow.simulator import read_truth, write_day
from seawall.model import Fault


def seawall(node: Path, *arguments: str | Path) -> dict[str, object]:
    """Run one ``seawall --json`` command on ``node``; its document. Raises Fault E-SCORE-001 when it fails."""
    command = [sys.executable, "-m", "seawall", *map(str, arguments), "--json"]
    environment = {**os.environ, "SEAWALL_NODE": str(node), "SEAWALL_NODE_LANG": "en"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise Fault(
            "E-SCORE-001",
            "'seawall {command}' ended with status {status}: {message}",
            command=arguments[0],
            status=done.returncode,
            message=done.stderr.strip()[-500:],
        )
    document: dict[str, object] = json.loads(done.stdout)
    return document


def score(
    logs: Sequence[Path],
    truth: Path,
    node: Path,
    *,
    sensors: Path | None = None,
    assets: Path | None = None,
    indicators: Path | None = None,
) -> dict[str, object]:
    """Ingest, match, warn in a new node at ``node``; then open the truth and grade. Returns one document."""
    seawall(node, "init", "--name", "score", "--economy", "TW", "--lang", "en")
    if sensors is not None:
        seawall(node, "sensors", "import", sensors)
    if assets is not None:
        seawall(node, "assets", "import", assets)
    if indicators is not None:
        seawall(node, "intel", "import", indicators)
    taken = seawall(node, "ingest", *logs)
    matched = seawall(node, "match")
    result = grade(from_json(_all_warnings(node)), read_truth(truth))
    return {
        "events": taken["events"],
        "stored": taken["stored"],
        "rejected": taken["rejected"],
        "hits": matched["hits"],
        **msgspec.to_builtins(result),
    }


def _all_warnings(node: Path) -> Iterator[dict[str, object]]:
    after: object = 0
    while after is not None:
        page = seawall(node, "warnings", "--limit", "1000", "--after", str(after))
        items = page["items"]
        yield from items if isinstance(items, list) else []
        after = page.get("next")


def simulate(folder: Path, scale: float, seed: int, campaigns: bool) -> tuple[list[Path], Path, Path, Path]:
    """A simulated day: its log folders, truth, sensors and assets."""
    day = write_day(folder, scale=scale, seed=seed, campaigns=campaigns)
    return (
        [folder / "tw" / "logs", folder / "kr" / "logs"],
        day.truth_folder / "truth.json",
        folder / "sensors.csv",
        folder / "assets.csv",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--sensors", type=Path)
    parser.add_argument("--assets", type=Path)
    parser.add_argument("--indicators", type=Path)
    parser.add_argument("--simulate", type=float, metavar="SCALE")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--no-campaigns", action="store_true")
    given = parser.parse_args(arguments)
    if given.simulate is None and not (given.logs and given.truth):
        parser.error("give LOGS and --truth, or --simulate SCALE")
    with tempfile.TemporaryDirectory(prefix="seawall-score-") as work:
        logs, truth, sensors, assets = given.logs, given.truth, given.sensors, given.assets
        try:
            if given.simulate is not None:
                logs, truth, sensors, assets = simulate(
                    Path(work) / "day", given.simulate, given.seed, not given.no_campaigns
                )
            result = score(
                logs, truth, Path(work) / "node", sensors=sensors, assets=assets, indicators=given.indicators
            )
        except Fault as fault:
            print(fault, file=sys.stderr)
            return int(fault.exit_status)
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
