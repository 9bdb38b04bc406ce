"""Scenes shared by all tests: real tools by marker, and a clock that stands still."""

from __future__ import annotations

import ctypes.util
import os
import shutil
from collections.abc import Iterator

import pytest

from absent import absent

MOMENT = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z in microseconds


def pytest_runtest_setup(item: pytest.Item) -> None:
    """``@pytest.mark.tool("nft")`` skips for a user without the tool and fails in CI."""
    for mark in item.iter_markers("tool"):
        name = mark.args[0]
        if not _present(name):
            absent(f"the system tool {name!r} is not installed")


def _present(name: str) -> bool:
    if name == "libsodium":  # a library, no program
        return ctypes.util.find_library("sodium") is not None
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


@pytest.fixture
def moment() -> Iterator[int]:
    """A fixed moment, in microseconds UTC."""
    yield MOMENT
