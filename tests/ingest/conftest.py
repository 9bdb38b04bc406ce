"""The scene that every ingest test begins with."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest_scenes import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """An empty node."""
    return Scene(tmp_path)
