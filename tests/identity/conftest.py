"""Scenes of the identity tests: the keys of two nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.identity import NodeKeys
from seawall.model import system_clock


@pytest.fixture(scope="session")
def taipei(tmp_path_factory: pytest.TempPathFactory) -> NodeKeys:
    """Taipei's keys, made now: TLS looks at the machine's clock."""
    return NodeKeys.create(tmp_path_factory.mktemp("taipei") / "keys", name="Taipei", economy="TW", at=system_clock())


@pytest.fixture(scope="session")
def seoul(tmp_path_factory: pytest.TempPathFactory) -> NodeKeys:
    """Seoul's keys, made now."""
    return NodeKeys.create(tmp_path_factory.mktemp("seoul") / "keys", name="Seoul", economy="KR", at=system_clock())


@pytest.fixture
def fresh_folder(tmp_path: Path) -> Path:
    """Where keys may be made."""
    return tmp_path / "keys"
