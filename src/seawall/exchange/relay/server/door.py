"""The relay's connections: HTTP/1.1 with a small head, a deadline for everything, and no log of who comes.

Deadlines of one connection: (1) a complete head soon after the connection or the last answer, (2) a request and its
answer at the slowest rate that is borne. Past either the connection is cut.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

from seawall.exchange.binding import require_safe_bind
from seawall.exchange.relay.bounds import RelayBounds

GRACEFUL_SECONDS = 5
_SILENT = logging.getLogger(f"{__name__}.silent")
_SILENT.disabled = True  # uvicorn would write a line for every malformed request


def relay_protocol(bounds: RelayBounds) -> type[H11Protocol]:
    """A uvicorn protocol class that keeps these bounds; one class for one server, because it counts."""
    connected: Counter[str] = Counter()

    class RelayProtocol(H11Protocol):
        """HTTP/1.1 within bounds."""

        _watch: asyncio.TimerHandle | None = None
        _address = ""
        _counted = False

        def connection_made(self, transport: Any) -> None:
            """Refuse one connection too many; begin the first deadline."""
            super().connection_made(transport)
            self.access_log = False
            self.logger = _SILENT
            self._address = self.client[0] if self.client else ""
            connected[self._address] += 1
            self._counted = True
            if connected[self._address] > bounds.connections_per_address or connected.total() > bounds.connections:
                transport.abort()
                return
            self._give(bounds.header_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            """Forget it."""
            super().connection_lost(exc)
            self._cancel()
            if self._counted:
                self._counted = False
                connected[self._address] -= 1
                if not connected[self._address]:
                    del connected[self._address]

        def handle_events(self) -> None:
            """A new request gets its own deadline."""
            before = self.cycle
            super().handle_events()
            if self.cycle is not before and not self.cycle.response_complete:
                self._give(self._allowance())

        def on_response_complete(self) -> None:
            """Wait for the next request, not for ever; hardly at all for a body that nobody reads."""
            unread = self.conn.their_state is h11.SEND_BODY
            self._give(bounds.header_seconds + (0 if unread else bounds.idle_seconds))
            super().on_response_complete()

        def _allowance(self) -> float:
            declared = next((value for name, value in self.headers if name == b"content-length"), b"0")[:12]
            size = min(int(declared), bounds.message_bytes) if declared.isdigit() else 0
            slowest = (size + bounds.page_bytes) / bounds.bytes_per_second
            return bounds.grace_seconds + bounds.wait_most + slowest

        def _give(self, seconds: float) -> None:
            self._cancel()
            self._watch = self.loop.call_later(seconds, self.transport.abort)

        def _cancel(self) -> None:
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None

    return RelayProtocol


def relay_config(app: Any, bounds: RelayBounds, *, host: str, tls: ssl.SSLContext | None) -> Config:
    """uvicorn's configuration; raises Fault E-EXCHANGE-011 for an address that others reach, without TLS."""
    require_safe_bind(host, tls=tls is not None)
    factory = (lambda _config, _default: tls) if tls is not None else None
    return Config(
        app,
        host=host,
        interface="asgi3",
        http=relay_protocol(bounds),
        ws="none",
        lifespan="on",
        ssl_context_factory=factory,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=bounds.idle_seconds,
        h11_max_incomplete_event_size=bounds.header_bytes,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
