"""Scenes shared by all tests: real tools by marker, and a clock that stands still."""

from __future__ import annotations

import ctypes.util
import os
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import settings

from absent import absent
from seawall.store import schema
from seawall.store.database import Database

SLOW_FIRST = tuple(
    f"tests/{name}"
    for name in ("journey/", "flow/demo/", "match/test_spark", "lake/", "enforce/", "house/", "web/", "api/receivers/")
)
"""Files of slow tests: they are dealt out first, so that no worker is left alone with one at the end."""
settings.register_profile("busy", settings(), deadline=None)
settings.load_profile("busy")  # how long one example takes says nothing on a machine that runs other tests too
MOMENT = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z in microseconds


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first; the order within files stays."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW_FIRST))


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


@pytest.fixture(scope="session", autouse=True)
def _tables_made_once() -> Iterator[None]:
    """New stores in files are copies of the first one: its tables are made by every migration, a tenth of a second."""
    made: list[bytes] = []
    create = schema._create

    def copied(database: Database) -> None:
        if database.file is None or database.is_sealed:
            create(database)
        elif made:
            database.file.write_bytes(made[0])
        else:
            create(database)
            database.engine.dispose()  # the last to leave folds the log into the file
            made.append(database.file.read_bytes())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_create", copied)
        yield


@pytest.fixture
def moment() -> Iterator[int]:
    """A fixed moment, in microseconds UTC."""
    yield MOMENT
