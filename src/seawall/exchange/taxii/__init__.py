"""TAXII 2.1 (OASIS Standard, 10 June 2021). Comes in: an ``ExchangeService`` or a server's address. Goes out: an
app, a client.

Never here: deciding what may leave or come in.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from seawall.exchange.taxii.client import TaxiiClient
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE
from seawall.exchange.taxii.paths import API_ROOT_PATH, DISCOVERY_PATH
from seawall.exchange.taxii.walk import WalkedPage
from seawall.exchange.taxii.wire import Crossing, Wire

if TYPE_CHECKING:
    from seawall.exchange.taxii.app import peer_app, taxii_state
    from seawall.exchange.taxii.door import TaxiiDoor
    from seawall.exchange.taxii.server import taxii_router

_SERVING = {
    "TaxiiDoor": "door",
    "peer_app": "app",
    "taxii_router": "server",
    "taxii_state": "app",
}
"""Names that need the web framework, loaded on first use: a client does without it."""

__all__ = [
    "API_ROOT_PATH",
    "DISCOVERY_PATH",
    "TAXII_MEDIA_TYPE",
    "Crossing",
    "TaxiiClient",
    "TaxiiDoor",
    "WalkedPage",
    "Wire",
    "peer_app",
    "taxii_router",
    "taxii_state",
]


def __getattr__(name: str) -> object:
    """The names of ``_SERVING``."""
    if name not in _SERVING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_SERVING[name]}"), name)
