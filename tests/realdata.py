"""Finds the real data that lives beside the project; tests read it in place and never copy it."""

from __future__ import annotations

import os
from pathlib import Path

from absent import absent

DATA_ROOT = Path(os.environ.get("SEAWALL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def folder(name: str) -> Path:
    """The folder ``name`` of the real data; skips the test when it is absent, fails it under ``CI=true``."""
    path = DATA_ROOT / name
    if not path.is_dir():
        absent(f"real data folder {name!r} is not there (set SEAWALL_TEST_DATA)")
    return path
