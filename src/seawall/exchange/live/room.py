"""Who waits at our door, and each peer's mark. A waiting peer costs a connection and a few hundred bytes, no thread.

A peer's mark is random and changes with each word for it: it says that something changed, and nothing else. Marks do
not outlive the process; after a restart every peer looks once.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterable

from seawall.exchange.live.paths import MARK_LENGTH

MAX_WAITING = 200  # peers that wait at one time; the listener bears 512 connections, and others want to be served
MAX_MARKS = 10_000  # peers whose marks are remembered; one forgotten looks once for nothing
NEAR_SECONDS = 20.0  # a peer that asked so lately is fetching and will be back: nobody has to call it


class WaitingRoom:
    """Marks by peer, and the one request of each that waits for a change. ``tell`` may be called from any thread."""

    def __init__(self, *, most: int = MAX_WAITING, fresh: Callable[[], str] | None = None) -> None:
        """``fresh`` makes a mark of ``MARK_LENGTH`` characters; random ones without it."""
        self._most = most
        self._fresh = fresh or (lambda: secrets.token_hex(MARK_LENGTH // 2))
        self._lock = threading.Lock()
        self._marks: dict[str, str] = {}
        self._waiting: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}
        self._last: dict[str, float] = {}
        self._closed = False

    def mark(self, peer: str) -> str:
        """The peer's mark of now."""
        with self._lock:
            return self._mark(peer)

    def waiting(self) -> frozenset[str]:
        """The peers that wait at this moment."""
        with self._lock:
            return frozenset(self._waiting)

    def is_near(self, peer: str) -> bool:
        """Whether this peer waits, or asked a moment ago and is busy with what it was told."""
        with self._lock:
            return peer in self._waiting or time.monotonic() - self._last.get(peer, -NEAR_SECONDS) < NEAR_SECONDS

    def tell(self, peers: Iterable[str]) -> None:
        """Something waits for these: new marks, and those of them that wait are answered."""
        with self._lock:
            for peer in peers:
                self._marks.pop(peer, None)
                self._mark(peer)
                self._wake(peer)

    def release(self, peers: Iterable[str]) -> None:
        """Answer these at once although nothing waits for them: they are not to wait here any more."""
        with self._lock:
            for peer in peers:
                self._wake(peer)

    def close(self) -> None:
        """Answer everybody, and let nobody wait any more."""
        with self._lock:
            self._closed = True
            for peer in list(self._waiting):
                self._wake(peer)

    async def wait(self, peer: str, known: str, seconds: float) -> str:
        """The peer's mark as soon as it is not ``known``, at the latest after so many seconds.

        A second request of one peer takes the place of the first, which is answered: its connection may be dead. When
        everybody's places are taken the answer comes at once.
        """
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        with self._lock:
            mark = self._mark(peer)
            self._last[peer] = time.monotonic()
            full = len(self._waiting) >= self._most and peer not in self._waiting
            if mark != known or full or self._closed:
                return mark
            self._wake(peer)
            self._waiting[peer] = place = (loop, event)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._last[peer] = time.monotonic()
                if self._waiting.get(peer) is place:
                    del self._waiting[peer]
        return self.mark(peer)

    def _mark(self, peer: str) -> str:
        if peer not in self._marks:
            while len(self._marks) >= MAX_MARKS:
                oldest = next(iter(self._marks))
                del self._marks[oldest]
                self._last.pop(oldest, None)
            self._marks[peer] = self._fresh()
        return self._marks[peer]

    def _wake(self, peer: str) -> None:
        place = self._waiting.pop(peer, None)
        if place is not None and not place[0].is_closed():
            place[0].call_soon_threadsafe(place[1].set)
