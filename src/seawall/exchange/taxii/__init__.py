"""TAXII 2.1 (OASIS Standard, 10 June 2021). Comes in: an ``ExchangeService`` or a server's address. Goes out: an
app, a client.

Never here: deciding what may leave or come in.
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.exchange.taxii.app import peer_app, taxii_state
    from seawall.exchange.taxii.client import TaxiiClient
    from seawall.exchange.taxii.door import TaxiiDoor
    from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE
    from seawall.exchange.taxii.paths import API_ROOT_PATH, DISCOVERY_PATH
    from seawall.exchange.taxii.server import taxii_router
    from seawall.exchange.taxii.walk import WalkedPage
    from seawall.exchange.taxii.wire import Crossing, Wire
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "app": ("peer_app", "taxii_state"),
            "client": ("TaxiiClient",),
            "door": ("TaxiiDoor",),
            "media": ("TAXII_MEDIA_TYPE",),
            "paths": ("API_ROOT_PATH", "DISCOVERY_PATH"),
            "server": ("taxii_router",),
            "walk": ("WalkedPage",),
            "wire": ("Crossing", "Wire"),
        },
    )

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
