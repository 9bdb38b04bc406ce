"""Imports point downwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from house.source import ROOT


def test_the_import_contracts_are_kept() -> None:
    """Rooms import downwards only, siblings never import each other, and every room has its layer."""
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[done.stdout.find("Contracts") :]
