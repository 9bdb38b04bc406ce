"""Scenes of the ledger tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.identity import NodeKeys


@pytest.fixture(scope="session")
def node_key(tmp_path_factory: pytest.TempPathFactory) -> NodeKeys:
    """The key that signs heads."""
    folder = tmp_path_factory.mktemp("node") / "keys"
    return NodeKeys.create(folder, name="Taipei", economy="TW", at=1_773_446_400_000_000)


@pytest.fixture(scope="session")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> NodeKeys:
    """Another node's key."""
    folder = tmp_path_factory.mktemp("other") / "keys"
    return NodeKeys.create(folder, name="Other", economy="KR", at=1_773_446_400_000_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the ledger lives."""
    return tmp_path / "ledger"
