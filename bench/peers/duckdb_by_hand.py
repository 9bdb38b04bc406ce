"""The job scripted by hand on DuckDB (``bench/by_hand.py``): what one would write for a single report."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from bench.peers.peer import ROOT, Run, Sample, does, measured, this_python


class DuckDBByHand:
    """It knows that the load holds IPv4 and clean lines only."""

    name = "DuckDB, scripted by hand"
    slow = foreign = False
    does = does("yes", "yes", "yes", "no", "Parquet", "no")

    def prepare(self, cache: Path) -> str:
        """DuckDB is our own engine too, so it is here."""
        return version("duckdb")

    def run(self, sample: Sample, scratch: Path) -> Run:
        """The whole job in a process of its own."""
        seconds, printed = measured(this_python([ROOT / "bench" / "by_hand.py", sample.folder]))
        told = json.loads(printed)
        return Run(seconds, {"events": told["events"], "hits": told["hits"]})
