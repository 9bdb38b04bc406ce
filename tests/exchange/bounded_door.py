"""A local TAXII door with bounds of a test's own, and the one circle behind it."""

from __future__ import annotations

from contextlib import ExitStack

from litestar import Litestar
from litestar.datastructures import State

from exchange.conftest import authenticate
from exchange.fakes import MemoryExchange
from seawall.exchange import Bounds, TaxiiDoor, collection_id, local_actor, local_listener, taxii_router, taxii_state
from seawall.model import system_clock

ROOT = "/taxii2/circles/"
URL = f"{ROOT}collections/{collection_id('node-1', 'open')}/objects/"
ME = ("siem", "t" * 40)


def serve(stack: ExitStack, exchange: MemoryExchange, bounds: Bounds) -> str:
    """Open the door; returns its address."""
    door = TaxiiDoor(exchange, local_actor(authenticate), title="Taipei", clock=system_clock, bounds=bounds)
    app = Litestar([taxii_router()], state=State(taxii_state(door)), openapi_config=None, logging_config=None)
    return f"http://127.0.0.1:{stack.enter_context(local_listener(app, host='127.0.0.1', port=0)).port}"
