"""One node with a few findings, shared by the tests of a module: nothing there may spoil it for the next."""

from __future__ import annotations

import pytest

from cli.scenes import Shop, furnished


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A furnished node and one token file for each role."""
    return furnished(tmp_path_factory.mktemp("shop"))
