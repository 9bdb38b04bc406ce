"""Syslog received over TCP: what happens at the bound on connections."""

from __future__ import annotations

import resource
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from counting import Count
from seawall.ingest.live import listen
from seawall.ingest.live.listen import Listener

MOST_TURNS = 20
"""Bound: what a listener may ask in the half second in which nothing comes."""

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


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Count:
    """How often listeners have asked whether something came."""
    counted, select = Count(), selectors.DefaultSelector.select

    def asked(self: selectors.DefaultSelector, timeout: float | None = None) -> object:
        counted.one()
        return select(self, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", asked)
    return counted


def wait_for(kept: Kept, count: int) -> None:
    """Until so many messages have come, or ten seconds."""
    until = time.monotonic() + 10
    while len(kept.messages) < count and time.monotonic() < until:
        time.sleep(0.01)


def test_who_finds_all_connections_taken_is_heard_when_one_ends(monkeypatch: pytest.MonkeyPatch, turns: Count) -> None:
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
        before = turns.n
        time.sleep(0.5)
        assert len(kept.messages) == 2
        assert turns.n - before < MOST_TURNS, "the listening thread spins at a door that it may not open"
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


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """A process that may have only some more descriptors than it has."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = max(256, max(int(path.name) for path in Path("/proc/self/fd").iterdir()) + 64)
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))
    yield few
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_two_doors_share_one_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who knocks at both at once fills the last place once, and the bound holds ever after."""
    monkeypatch.setattr(listen, "CONNECTIONS", 2)
    knocked, select = threading.Event(), selectors.DefaultSelector.select

    def both(self: selectors.DefaultSelector, seconds: float) -> list[tuple[selectors.SelectorKey, int]]:
        knocked.wait(10)
        return select(self, seconds)

    monkeypatch.setattr(selectors.DefaultSelector, "select", both)
    kept, ports = Kept(), (free_port(), free_port())
    listener = Listener([f"syslog+tcp://127.0.0.1:{port}" for port in ports], kept)  # type: ignore[arg-type]
    try:
        callers = [socket.create_connection(("127.0.0.1", port)) for port in ports * 3]
        for number, one in enumerate(callers):
            one.sendall(LINE % number)
        knocked.set()
        for count in range(2, 6):
            wait_for(kept, count)
            time.sleep(0.1)
            assert len(kept.messages) == count
            heard = int(kept.messages[0 if count == 2 else -1].split()[-1])
            callers[heard].close()
        wait_for(kept, 6)
        assert sorted(kept.messages) == sorted((LINE % number).rstrip() for number in range(6))
        for one in callers:
            one.close()
    finally:
        listener.close()


def test_connections_leave_descriptors_to_others(few_descriptors: int) -> None:
    """However many call, half of the descriptors stay for the files that keep their lines."""
    kept, port = Kept(), free_port()
    listener = Listener([f"syslog+tcp://127.0.0.1:{port}"], kept)  # type: ignore[arg-type]
    assert listener._bound == few_descriptors // 2
    listener.close()


def test_a_door_without_descriptors_waits(monkeypatch: pytest.MonkeyPatch, turns: Count) -> None:
    """While nobody can be let in the thread does not spin, and who knocked is heard once there is room."""
    kept, port, full = Kept(), free_port(), threading.Event()
    full.set()
    accept = socket.socket.accept

    def crowded(self: socket.socket) -> tuple[socket.socket, object]:
        if full.is_set():
            raise OSError(24, "Too many open files")
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", crowded)
    listener = Listener([f"syslog+tcp://127.0.0.1:{port}"], kept)  # type: ignore[arg-type]
    try:
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(LINE % 1)
            before = turns.n
            time.sleep(0.6)
            assert turns.n - before < MOST_TURNS
            full.clear()
            wait_for(kept, 1)
            assert kept.messages == [(LINE % 1).rstrip()]
    finally:
        listener.close()
