"""Scenes of the exchange tests: keys of two nodes and a stranger, and running listeners on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exchange.fakes import MemoryExchange
from exchange.scenes import Nodes, PeerBookInMemory, record_of
from seawall.exchange import Listener, TaxiiDoor, local_actor, local_listener, peer_app, peer_listener
from seawall.exchange.taxii import taxii_router, taxii_state
from seawall.identity import NodeKeys, server_context
from seawall.model import Actor, Refused, UserRole, system_clock


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Nodes:
    """Keys of Taipei, Seoul and a stranger, made once."""
    folder: Path = tmp_path_factory.mktemp("keys")
    made = [
        NodeKeys.create(folder / name, name=name, economy=economy, at=system_clock())
        for name, economy in (("taipei", "TW"), ("seoul", "KR"), ("stranger", "XX"))
    ]
    return Nodes(*made)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes everything that a test starts."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def seoul_listener(nodes: Nodes, stack: ExitStack) -> Callable[[MemoryExchange], tuple[Listener, PeerBookInMemory]]:
    """Starts Seoul's peer listener, which knows Taipei under the code name ``harbour``."""

    def start(exchange: MemoryExchange) -> tuple[Listener, PeerBookInMemory]:
        book = PeerBookInMemory([record_of(nodes.taipei, "harbour", "https://127.0.0.1:1")])
        app = peer_app(exchange, title="Seoul", clock=system_clock)
        context = server_context(nodes.seoul, [nodes.taipei.ca_pem])
        return stack.enter_context(peer_listener(app, book.by_certificate, context, host="127.0.0.1", port=0)), book

    return start


def authenticate(token: str) -> Actor:
    """The users of the local listener in these tests."""
    try:
        return {"t" * 40: Actor("siem", UserRole.TAXII), "r" * 40: Actor("reader", UserRole.READER)}[token]
    except KeyError:
        raise Refused("E-STORE-032", "This token is not valid here.") from None


@pytest.fixture
def local(stack: ExitStack) -> Callable[[MemoryExchange], str]:
    """Starts a local listener with the TAXII door only; returns its base address."""
    from litestar import Litestar
    from litestar.datastructures import State

    def start(exchange: MemoryExchange) -> str:
        door = TaxiiDoor(exchange, local_actor(authenticate), title="Taipei", clock=system_clock)
        app = Litestar([taxii_router()], state=State(taxii_state(door)), openapi_config=None, logging_config=None)
        listener = stack.enter_context(local_listener(app, host="127.0.0.1", port=0))
        return f"http://127.0.0.1:{listener.port}"

    return start
