"""Makes the two listeners: each configuration on its address."""

from __future__ import annotations

import ssl
from typing import Any

from seawall.exchange.listeners.local import HostCheck, allowed_hosts, local_config
from seawall.exchange.listeners.peer import PeerLookup, peer_config
from seawall.exchange.listeners.selftest import require_closed_door
from seawall.exchange.listening import Listener


def peer_listener(app: Any, lookup: PeerLookup, context: ssl.SSLContext, *, host: str, port: int) -> Listener:
    """The listener for peers; its start fails unless a caller without certificate is really refused."""
    return Listener(
        lambda _port: peer_config(app, lookup, context, host=host),
        host,
        port,
        after_start=lambda bound: require_closed_door(host, bound),
    )


def local_listener(
    app: Any, *, host: str, port: int, tls: ssl.SSLContext | None = None, names: tuple[str, ...] = ()
) -> Listener:
    """The listener for people and third-party clients. ``names`` are further Host names (behind a proxy).

    Raises Fault E-EXCHANGE-011 before it binds when ``host`` is not loopback and there is no TLS.
    """
    local_config(app, host=host, tls=tls)
    return Listener(
        lambda bound: local_config(HostCheck(app, allowed_hosts(host, bound, names)), host=host, tls=tls),
        host,
        port,
        after_start=None,
    )
