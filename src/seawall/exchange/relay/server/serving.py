"""One serving relay: the folder, its books, its roles, its address."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from seawall.exchange.binding import require_safe_bind
from seawall.exchange.listening import Listener
from seawall.exchange.relay.bounds import RelayBounds
from seawall.exchange.relay.server.app import RelayApp, Roles
from seawall.exchange.relay.server.books import Books
from seawall.exchange.relay.server.counter import Counter
from seawall.exchange.relay.server.door import relay_config
from seawall.exchange.relay.server.folder import RelayFolder, RelayRole
from seawall.exchange.relay.server.mailboxes import Mailboxes
from seawall.exchange.relay.server.witness import Witness
from seawall.model import Clock, system_clock

DEFAULT_PORT = 8702


class RelayServer:
    """A relay that answers between ``start`` and ``stop``; ``with`` does both."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        plain: bool = False,
        clock: Clock = system_clock,
        bounds: RelayBounds | None = None,
    ) -> None:
        """``plain``: without TLS, on this machine only, for a web server that adds it.

        Raises Fault E-EXCHANGE-011 for another address, 790 without a relay, Unavailable 792 when it is served already,
        793 for damaged books, E-EXCHANGE-012 when the address is taken.
        """
        require_safe_bind(host, tls=not plain)
        self.furnished = RelayFolder(folder)
        self.bounds = bounds or self.furnished.settings.bounds()
        with ExitStack() as stack:
            stack.enter_context(self.furnished.alone())
            self.books = stack.enter_context(Books(folder))
            self.app = RelayApp(self.roles(), self.bounds, clock, self._about())
            self._loop: asyncio.AbstractEventLoop | None = None
            tls = None if plain else self.furnished.tls()
            self._listener = Listener(
                lambda _port: relay_config(self._remembering, self.bounds, host=host, tls=tls),
                host,
                port,
                after_start=None,
            )
            self._open = stack.pop_all()
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'http' if plain else 'https'}://{shown}:{self._listener.port}"

    def start(self) -> Self:
        """Serve in a thread; returns when it answers."""
        try:
            self._listener.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End long-polls, finish what runs, close the address and the books."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self.app.stop_soon)
        self._listener.stop()
        self._open.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    async def _remembering(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self._loop = asyncio.get_running_loop()
        await self.app(scope, receive, send)

    def roles(self) -> Roles:
        """The desks that are switched on."""
        on = self.furnished.settings.roles
        return Roles(
            Mailboxes(self.books, self.bounds) if RelayRole.MAILBOX in on else None,
            Witness(self.books, self.bounds, self.furnished.witness_key) if RelayRole.WITNESS in on else None,
            Counter(self.books, self.bounds) if RelayRole.COUNTER in on else None,
        )

    def _about(self) -> dict[str, object]:
        settings, bounds = self.furnished.settings, self.bounds
        return {
            "name": settings.name,
            "roles": list(settings.roles),
            "witness_key": str(self.furnished.verifier_key) if RelayRole.WITNESS in settings.roles else None,
            "limits": {
                name: getattr(bounds, name)
                for name in ("message_bytes", "life_least", "life_most", "wait_most", "count_least", "count_most")
            },
        }
