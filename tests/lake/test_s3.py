"""A lake that lives on a real S3 server: answers as in a folder, one writer at a time, nothing half-visible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.scenes import DAY, add, held, traffic
from lake.test_compaction import TABLE
from match.test_lake import hits
from s3_server import BUCKET, s3_server
from seawall.lake import Lake, compact, retain
from seawall.lake.storage.s3 import S3Storage
from seawall.match import match
from seawall.settings import LakeSettings

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server's address."""
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


class Shared:
    """A place in a bucket, and lakes of several machines on it."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.url = f"s3://{BUCKET}/{folder.name}"
        self._endpoint = endpoint
        self._folder = folder

    def settings(self, **changed: int) -> LakeSettings:
        """As in ``seawall.toml``."""
        return LakeSettings(folder=self.url, s3_endpoint=self._endpoint, memory_limit_mb=100, **changed)

    def lake(self, machine: str = "a", **changed: int) -> Lake:
        """The lake as one machine has it."""
        return Lake.open(self._folder / machine, self.settings(**changed))


@pytest.fixture
def shared(endpoint: str, tmp_path: Path) -> Shared:
    """This test's place, nothing there yet."""
    return Shared(endpoint, tmp_path)


def storage_of(lake: Lake) -> S3Storage:
    """What is behind a lake on S3."""
    assert isinstance(lake.storage, S3Storage)
    return lake.storage


def objects(lake: Lake, below: str = "") -> list[str]:
    """Names in the bucket."""
    return [one.name for one in storage_of(lake)._bucket.listed(below)]


def test_the_same_answers_as_in_a_folder(shared: Shared, tmp_path: Path) -> None:
    """Rows, roll-up, hits and progress, also for another machine, after compaction and after retention."""
    here, there, other = Lake.open(tmp_path / "here"), shared.lake(), shared.lake("b", cache_mb=0)
    for number in range(4):
        for lake in (here, there if number % 2 else other):
            add(lake, traffic(number, 60))
            match(lake, TABLE)
    expected = held(here)
    assert expected["observations"]
    for _ in range(2):
        assert held(there) == held(other) == expected
        assert hits(there) == hits(other) == hits(here)
        assert match(other, TABLE).new.hits == 0
        done, same = compact(there), compact(here)
        assert (done.steps, done.after.files, done.after.rows) == (same.steps, same.after.files, same.after.rows)
    now = 3 * DAY - 1
    gone, too = retain(other, now, keep_days=2), retain(here, now, keep_days=2)
    assert (gone.days_removed, gone.after.rows) == (too.days_removed, too.after.rows) == (1, too.after.rows)
    assert held(there) == held(other) == held(here)
    assert not (tmp_path / "b" / "files").exists() or not list((tmp_path / "b" / "files").rglob("*.places"))
