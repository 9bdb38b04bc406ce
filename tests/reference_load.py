"""The reference load, made by the generator that lives beside the real data; read in place, never copied."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from absent import absent
from realdata import DATA_ROOT

EVENTS, SECONDS = 4_020_000, 110


def reference_load(target: Path, scale: float) -> Path:
    """``eve/``, ``indicators.csv`` and ``sensors.csv`` in ``target``: the default seed at a part of its size.

    Skips the test when the generator is absent, fails it under ``CI=true``.
    """
    generator = DATA_ROOT.parent / "gen_eve.py"
    if not generator.is_file():
        absent("the generator of the reference load is not there (set SEAWALL_TEST_DATA)")
    options = ["--events", str(round(EVENTS * scale)), "--indicator-scale", str(scale), "--what", "eve", "--jobs", "1"]
    command = [sys.executable, str(generator), "--out", str(target), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return target
