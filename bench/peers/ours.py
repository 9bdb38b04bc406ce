"""Seawall itself, through its command line, start-up included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.peers.peer import Run, Sample, does, measured, this_python


class Ours:
    """``seawall ingest`` and ``seawall match``; the indicators are imported before."""

    name = "Seawall: ingest and match"
    slow = foreign = False
    does = does("yes", "yes", "yes", "yes", "Parquet, roll-up and hits", "yes")

    def prepare(self, cache: Path) -> str:
        """It is here already."""
        return self._ask("--version").strip().removeprefix("seawall ")

    def run(self, sample: Sample, scratch: Path) -> Run:
        """A new node, its tables and indicators; then the job."""
        node = scratch / "node"
        self._command(node, "init", "--name", "bench", "--economy", "TW")
        self._command(node, "sensors", "import", sample.folder / "sensors.csv")
        self._command(node, "intel", "import", sample.folder / "indicators.csv", "--tlp", "amber")
        ingest, taken = self._command(node, "ingest", sample.folder / "eve")
        match, matched = self._command(node, "match")
        return Run(ingest + match, {"events": taken["stored"], "hits": matched["hits"]})

    def _command(self, node: Path, *arguments: str | Path) -> tuple[float, Any]:
        seconds, printed = measured(this_python(["-m", "seawall", "--node", node, *arguments, "--json"]))
        return seconds, json.loads(printed)

    def _ask(self, *arguments: str) -> str:
        return measured(this_python(["-m", "seawall", *arguments]))[1]
