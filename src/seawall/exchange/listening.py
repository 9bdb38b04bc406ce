"""Runs a server on one address: a socket bound first (the port is known, errors are clear), a thread, a clean end.

Nothing here knows what is served, and nothing here needs the web framework.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from uvicorn import Server
from uvicorn.config import Config

from seawall.model import Unavailable

START_SECONDS = 15.0
STOP_SECONDS = 10.0
BACKLOG = 512


class Listener:
    """One listening address. ``start`` returns when it answers; ``stop`` when it has finished; ``with`` does both."""

    def __init__(
        self, make_config: Callable[[int], Config], host: str, port: int, *, after_start: Callable[[int], None] | None
    ) -> None:
        self._make_config = make_config
        self._after_start = after_start
        self._bound = _bind(host, port)
        self.host = host
        self.port: int = self._bound.getsockname()[1]
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Serve in a thread; raises Unavailable E-EXCHANGE-012, or what the start-up self-test raises."""
        server = Server(self._make_config(self.port))
        self._server = server
        self._thread = threading.Thread(target=self._run, args=(server,), name=f"listener-{self.port}", daemon=True)
        self._thread.start()
        try:
            _wait_started(server, self._thread, self.host, self.port)
            if self._after_start is not None:
                self._after_start(self.port)
        except BaseException:
            self.stop()
            raise
        return self

    def _run(self, server: Server) -> None:
        asyncio.run(_served(server, self._bound))  # outside the main thread it leaves the signals alone

    def stop(self) -> None:
        """Finish the running requests and close the address."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        self._bound.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop()


async def _served(server: Server, bound: socket.socket) -> None:
    """Serve until told to stop. Who came in the very moment of the end, or did not hang up in time, is hung up on."""
    await server.serve([bound])
    for connection in list(server.server_state.connections):
        if (transport := getattr(connection, "transport", None)) is not None:
            transport.abort()
    await asyncio.sleep(0)  # a transport gives its socket back in the loop's next round


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # with the protocol named, asyncio switches Nagle's delay (40 ms an answer) off for what is accepted here
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host.strip("[]"), port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise Unavailable(
            "E-EXCHANGE-012",
            "Cannot listen on {host} port {port}: {reason}. Free the port or choose another.",
            host=host,
            port=port,
            reason=error.strerror or "unknown",
        ) from None
    return bound


def _wait_started(server: Server, thread: threading.Thread, host: str, port: int) -> None:
    pause = threading.Event()
    for _ in range(int(START_SECONDS / 0.005)):
        if server.started:
            return
        if not thread.is_alive():
            break
        pause.wait(0.005)
    raise Unavailable(
        "E-EXCHANGE-012",
        "Cannot listen on {host} port {port}: {reason}. Free the port or choose another.",
        host=host,
        port=port,
        reason="the server did not start",
    )
