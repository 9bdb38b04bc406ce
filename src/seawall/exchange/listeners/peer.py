"""The peer listener's door: TLS 1.3, a client certificate required, its SHA-256 compared with the pin on EVERY request.

Steps: (1) TLS refuses who shows no certificate or one outside the given trust; (2) before each request is read, the
pin is looked up again, so that suspending a peer works at once; who is not pinned gets a closed connection and not
one byte of HTTP; (3) the request carries the peer's name inward as an ``Actor``. The caller owes a trust store in
``context``.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from seawall.exchange.faults import unauthenticated
from seawall.identity import certificate_sha256
from seawall.model import Actor, Fault
from seawall.model.peer import PeerRecord, PeerState

LOG = logging.getLogger(__name__)
PEER_KEY = "seawall_peer"  # in the ASGI scope's state

PeerLookup = Callable[[str], PeerRecord | None]
"""A certificate's pin (``identity.certificate_sha256``) -> the peer that has it (``store.peers.by_certificate``)."""


def require_strict(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context when it is strict enough for peers; raises Fault E-EXCHANGE-010 otherwise."""
    if context.verify_mode is not ssl.CERT_REQUIRED or context.minimum_version < ssl.TLSVersion.TLSv1_3:
        raise Fault("E-EXCHANGE-010", "The peer listener needs TLS 1.3 with a required client certificate.")
    return context


def _pin_of(der: bytes | None) -> str | None:
    try:
        return certificate_sha256(der) if der is not None else None
    except Fault:
        return None


def peer_protocol(lookup: PeerLookup) -> type[H11Protocol]:
    """A uvicorn protocol class that admits only what ``lookup`` knows at the moment of each request."""

    class PeerProtocol(H11Protocol):
        """HTTP/1.1 behind the pin check."""

        def connection_made(self, transport: Any) -> None:
            """Take the certificate out of the TLS session."""
            super().connection_made(transport)
            tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
            der = tls.getpeercert(binary_form=True) if tls is not None else None
            self._pin = _pin_of(der)
            self.access_log = False  # who asked for what is in the ledger, not in a log
            self._inner = self.app
            self.app = self._named
            self._peer: str | None = None

        def handle_events(self) -> None:
            """Check the pin before each request; an unknown certificate finds the door closed."""
            running: RequestResponseCycle | None = self.cycle
            if running is None or running.response_complete:
                self._peer = self._known()
                if self._peer is None:
                    self.transport.abort()
                    return
            super().handle_events()

        def _known(self) -> str | None:
            if self._pin is None:
                return None
            try:
                record = lookup(self._pin)
            except Exception:  # whatever the store raises, an unknown caller stays outside
                LOG.exception("the list of peers cannot be read; the door stays closed")
                return None
            return record.code_name if record is not None and record.state is PeerState.VERIFIED else None

        async def _named(self, scope: Any, receive: Any, send: Any) -> None:
            scope["state"][PEER_KEY] = self._peer
            await self._inner(scope, receive, send)

    return PeerProtocol


def peer_actor(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
    """The peer behind a request, as the protocol class found it; raises Unauthenticated when there is none."""
    peer = connection.scope["state"].get(PEER_KEY)
    if not isinstance(peer, str):
        raise unauthenticated()
    return Actor(peer, None, peer)


def peer_config(app: Any, lookup: PeerLookup, context: ssl.SSLContext, *, host: str) -> Config:
    """uvicorn's configuration of the peer listener."""
    require_strict(context)
    return Config(
        app,
        host=host,
        http=peer_protocol(lookup),
        ws="none",
        lifespan="off",
        ssl_context_factory=lambda _config, _default: context,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        limit_concurrency=512,
        timeout_graceful_shutdown=3,
    )
