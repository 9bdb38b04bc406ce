"""Scenes of comparisons: every test here needs libsodium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.psi.sides import pair, small_parts
from seawall.exchange.psi import Channel


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.tool("libsodium"))


@pytest.fixture
def sides() -> tuple[Channel, Channel]:
    """Both sides of a new epoch."""
    return pair()


@pytest.fixture
def short() -> Iterator[None]:
    """Lists travel in parts of 32 points."""
    with small_parts():
        yield
