"""Runs the reference job with every peer on the same lines and compares events per CPU-second.

    python -m bench peers --load FOLDER [--events N] [--json FILE] [--plot FILE]

Peers are installed in a cache folder of their own on first use (``--cache``). Slow ones get the sample's own first part
(``--slow-events``); of foreign ones the start-up, measured with a few lines, is taken off. A peer that cannot be had is
named with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from bench.peers.crowdsec_replay import CrowdSecReplay
from bench.peers.duckdb_by_hand import DuckDBByHand
from bench.peers.intelmq_bots import IntelMQBots
from bench.peers.ours import Ours
from bench.peers.peer import Peer, Run, Sample, UnobtainableError, take_sample
from bench.peers.report import Figures, plot, table
from bench.peers.simdjson_lines import SimdjsonLines
from bench.peers.tenzir_pipeline import TenzirPipeline

FEW = 160  # lines of the run that shows the start-up
PEERS: tuple[Peer, ...] = (Ours(), DuckDBByHand(), SimdjsonLines(), TenzirPipeline(), CrowdSecReplay(), IntelMQBots())


def main() -> int:
    """Measure all; 0 when every peer ran."""
    parser = argparse.ArgumentParser(prog="python -m bench peers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", type=Path, help="folder of the reference load")
    parser.add_argument("--events", type=int, default=480_000, help="lines that all peers get")
    parser.add_argument("--slow-events", type=int, default=20_000, help="lines that slow peers get")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each; the least CPU time counts")
    parser.add_argument("--cache", type=Path, default=_cache(), help="folder of the peers' environments")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--plot", type=Path, help="write a plot (SVG) to this file")
    parser.add_argument("--only", action="append", help="a word of a peer's name; may be given again")
    given = parser.parse_args()
    figures: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="seawall-peers-") as folder:
        whole = take_sample(given.load, Path(folder, "whole"), given.events)
        part = take_sample(given.load, Path(folder, "part"), min(given.events, given.slow_events))
        few = take_sample(given.load, Path(folder, "few"), min(given.events, FEW))
        asked = [peer for peer in PEERS if not given.only or any(word in peer.name for word in given.only)]
        for peer in asked:
            print(f"-- {peer.name}", file=sys.stderr, flush=True)
            figures.append(_figures(peer, part if peer.slow else whole, few, given.cache, given.rounds))
    if not figures:
        parser.error("no peer has such a name")
    print(table(figures), end="")
    if given.json is not None:
        given.json.write_text(json.dumps([one.told() for one in figures], indent=1) + "\n")
    if given.plot is not None:
        given.plot.write_text(plot(figures, "Events per CPU-second, reference job"))
    return int(any(one.reason for one in figures))


def _figures(peer: Peer, sample: Sample, few: Sample, cache: Path, rounds: int) -> Figures:
    try:
        version = peer.prepare(cache)
        start_up = _run(peer, few).cpu_seconds if peer.foreign else 0.0
        runs = [_run(peer, sample) for _ in range(rounds)]
    except (UnobtainableError, OSError, ValueError, LookupError) as error:
        return Figures(peer.name, reason=str(error))
    least = min(runs, key=lambda run: run.cpu_seconds)
    spent = max(least.cpu_seconds - start_up, 0.001)
    return Figures(peer.name, version, sample.events, spent, start_up, dict(peer.does), least.counts)


def _run(peer: Peer, sample: Sample) -> Run:
    with tempfile.TemporaryDirectory(prefix="seawall-peer-") as scratch:
        return peer.run(sample, Path(scratch))


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "seawall-bench-peers"


if __name__ == "__main__":
    sys.exit(main())
