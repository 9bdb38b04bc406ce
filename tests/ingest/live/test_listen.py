"""Syslog received over TCP: what happens at the bound on connections."""

from __future__ import annotations

import socket
import time

import pytest

from seawall.ingest.live import listen
from seawall.ingest.live.listen import Listener

LINE = b"<134>1 2026-03-14T00:00:00Z host app - - - line %d\n"


class Kept:
    """Streams that keep what they are given."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def put(self, message: bytes, sender: str) -> list[object]:
        """Keep one message."""
        self.messages.append(message)
        return []

    def close(self) -> None:
        """Nothing to let go of."""


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def wait_for(kept: Kept, count: int) -> None:
    """Until so many messages have come, or ten seconds."""
    until = time.monotonic() + 10
    while len(kept.messages) < count and time.monotonic() < until:
        time.sleep(0.01)


def test_who_finds_all_connections_taken_is_heard_when_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the bound the door is shut, not asked again and again, and opens when a sender hangs up."""
    monkeypatch.setattr(listen, "CONNECTIONS", 2)
    kept, port = Kept(), free_port()
    listener = Listener([f"syslog+tcp://127.0.0.1:{port}"], kept)  # type: ignore[arg-type]
    try:
        first, second = (socket.create_connection(("127.0.0.1", port)) for _ in range(2))
        first.sendall(LINE % 1)
        second.sendall(LINE % 2)
        wait_for(kept, 2)
        third = socket.create_connection(("127.0.0.1", port))
        third.sendall(LINE % 3)
        before = time.thread_time(), time.process_time()
        time.sleep(0.5)
        assert len(kept.messages) == 2
        busy = (time.process_time() - before[1]) - (time.thread_time() - before[0])
        assert busy < 0.25, "the listening thread spins at a door that it may not open"
        first.close()
        wait_for(kept, 3)
        assert sorted(kept.messages) == sorted((LINE % number).rstrip() for number in (1, 2, 3))
        second.close()
        third.close()
    finally:
        listener.close()


def test_closing_at_the_bound_lets_go_of_every_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is free again after a close while the door was shut."""
    monkeypatch.setattr(listen, "CONNECTIONS", 1)
    kept, port = Kept(), free_port()
    listener = Listener([f"syslog+tcp://127.0.0.1:{port}"], kept)  # type: ignore[arg-type]
    with socket.create_connection(("127.0.0.1", port)) as only:
        only.sendall(LINE % 1)
        wait_for(kept, 1)
        listener.close()
    with socket.create_server(("127.0.0.1", port)):
        assert kept.messages == [(LINE % 1).rstrip()]
