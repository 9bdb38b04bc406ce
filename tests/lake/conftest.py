"""A real S3 server, shared by the files of tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.s3_scenes import Shared
from s3_server import s3_server


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server's address."""
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def shared(endpoint: str, tmp_path: Path) -> Shared:
    """This test's place, nothing there yet."""
    return Shared(endpoint, tmp_path)
