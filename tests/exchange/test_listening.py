"""A listener's end: nobody is left hanging on the line."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading

from uvicorn.config import Config

from seawall.exchange.listening import Listener


def test_who_does_not_hang_up_in_time_is_hung_up_on() -> None:
    """A request that never ends does not outlive its server: the caller hears the end, and no socket stays open."""
    entered = threading.Event()

    async def never(_scope: object, _receive: object, _send: object) -> None:
        entered.set()
        await asyncio.sleep(3_600)

    def config(port: int) -> Config:
        return Config(never, port=port, lifespan="off", log_config=None, timeout_graceful_shutdown=0)

    with Listener(config, "127.0.0.1", 0, after_start=None) as listener:
        caller = socket.create_connection(("127.0.0.1", listener.port), timeout=5)
        caller.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert entered.wait(5)
    with caller:
        try:
            assert caller.recv(4_096).startswith((b"", b"HTTP/1.1 500"))
            assert caller.recv(4_096) == b""
        except ConnectionResetError:
            pass
    gc.collect()  # an open socket that nobody holds warns here, and warnings are errors
