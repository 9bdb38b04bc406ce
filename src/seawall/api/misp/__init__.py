"""MISP's REST API, as far as PyMISP needs it to connect, search, add, edit, tag and sight.

Comes in: requests of MISP clients with a token of this node. Goes out: MISP's JSON, made from recorded own-use releases
of what policy lets the asker see. Never here: feeds of others, users, organisations, synchronisation between servers
(``flow.misp_sync`` calls MISPs, no MISP calls this).

    routes = misp_routes(MispChanging(node), node.store.users.authenticate)
"""

from seawall.api.misp.door import misp_routes
from seawall.api.misp.feed import feed_routes

__all__ = ["feed_routes", "misp_routes"]
