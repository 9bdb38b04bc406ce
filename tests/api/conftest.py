"""Scenes of the API tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from api.fake_node import FakeNode
from seawall.api import local_app
from seawall.exchange import local_listener


@pytest.fixture
def node() -> FakeNode:
    """The node behind the API."""
    return FakeNode()


@pytest.fixture
def client(node: FakeNode) -> Iterator[httpx.Client]:
    """An analyst's client, against a real listener on loopback."""
    with (
        local_listener(local_app(node), host="127.0.0.1", port=0) as listener,
        httpx.Client(
            base_url=f"http://127.0.0.1:{listener.port}",
            headers={"Authorization": "Bearer " + "a" * 40},
            trust_env=False,
        ) as made,
    ):
        yield made
