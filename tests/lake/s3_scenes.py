"""A lake on S3 as several machines have it, and looks behind it."""

from __future__ import annotations

from pathlib import Path

from s3_server import BUCKET
from seawall.lake import Lake
from seawall.lake.storage.s3 import S3Storage
from seawall.settings import LakeSettings


class Shared:
    """A place in a bucket, and lakes of several machines on it."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.url = f"s3://{BUCKET}/{folder.name}"
        self._endpoint = endpoint
        self._folder = folder

    def lake(self, machine: str = "a", *, cache_mb: int = 100) -> Lake:
        """The lake as one machine has it."""
        settings = LakeSettings(folder=self.url, s3_endpoint=self._endpoint, memory_limit_mb=100, cache_mb=cache_mb)
        return Lake.open(self._folder / machine, settings)


def storage_of(lake: Lake) -> S3Storage:
    """What is behind a lake on S3."""
    assert isinstance(lake.storage, S3Storage)
    return lake.storage


def objects(lake: Lake, below: str = "") -> list[str]:
    """Names in the bucket."""
    return [one.name for one in storage_of(lake)._bucket.listed(below)]


def rows_of(lake: Lake) -> int:
    """How many observations there are; their numbers are all different."""
    with lake.reading() as session:
        (row,) = session.sql(
            f"SELECT count(*) AS n, count(DISTINCT event) AS events FROM {session.observations()}"
        ).to_pylist()
    assert row["n"] == row["events"]
    return int(row["n"])
