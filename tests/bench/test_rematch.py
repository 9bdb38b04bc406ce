"""The re-match bench: its roll-up is what it says, and what the look-up finds is what a plain comparison finds."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType

from seawall.lake import Lake
from seawall.match import rollup_sightings
from seawall.settings import LakeSettings

PATH = Path(__file__).parents[2] / "bench" / "rematch.py"


def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("bench_rematch", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_small_run_is_right(tmp_path: Path) -> None:
    """The compacted look-up agrees with the one that reads everything, and some indicators are seen."""
    bench = script()
    lake = Lake.open(tmp_path / "lake", LakeSettings(memory_limit_mb=200))
    figures = bench.run(lake, argparse.Namespace(rows=9_000, days=3, indicators=400, seen=0.5))
    assert figures["equal"]
    assert int(str(figures["indicators_seen"])) >= 100
    plain = Lake.open(tmp_path / "plain", LakeSettings(memory_limit_mb=200))
    with lake.reading() as session, plain.writing() as writer:
        writer.append_rollup(session.sql(f"SELECT * FROM {session.rollup()}"))
    table = bench.keys_of(bench.indicators(400, 0.5, 3_000, 3))
    with lake.reading() as one, plain.reading() as other:
        assert rollup_sightings(one, table).equals(rollup_sightings(other, table))
