"""A running relay for each test, on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.relay.mischievous import MischievousRelay
from seawall.exchange.relay import RelayClient


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[MischievousRelay]:
    """An honest relay (until told otherwise) without TLS."""
    with MischievousRelay(tmp_path) as running:
        yield running


@pytest.fixture
def client(relay: MischievousRelay) -> Iterator[RelayClient]:
    """Its client."""
    made = relay.client()
    yield made
    made.close()
