"""Many agents wait for the book in one event loop, and one thread watches the book for all of them."""

from __future__ import annotations

import asyncio
import logging
import threading

from seawall.flow.node import Node
from seawall.flow.orders import wait_for_change, wake
from seawall.model import Fault

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 0.5  # one round of watching; it also ends what has run out
PAUSE_SECONDS = 0.5  # after the store could not be read


class Waiting:
    """``ticket`` before looking at the book, ``until`` after: nothing that changes in between is missed."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="agents-wait", daemon=True)

    def start(self) -> None:
        """Watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and let everybody go."""
        self._stopping.set()
        wake()
        self._thread.join(LOOK_SECONDS * 2)
        self._tell()

    @property
    def over(self) -> bool:
        """Whether nobody watches any more."""
        return self._stopping.is_set()

    def ticket(self) -> asyncio.Event:
        """Set as soon as the book changes; call it in the loop that will wait."""
        event = asyncio.Event()
        with self._lock:
            self._waiting.add((asyncio.get_running_loop(), event))
        return event

    def give_back(self, event: asyncio.Event) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self._waiting.discard((asyncio.get_running_loop(), event))

    def _watch(self) -> None:
        known: int | None = None
        while not self._stopping.is_set():
            try:
                last = wait_for_change(
                    self._node, self._node.store.orders.last() if known is None else known, LOOK_SECONDS
                )
            except Fault:
                self._stopping.wait(PAUSE_SECONDS)
                continue
            except Exception:
                LOG.exception("the order book cannot be read")
                self._stopping.wait(PAUSE_SECONDS)
                continue
            if last != known:
                known = last
                self._tell()

    def _tell(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop, event in waiting:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # the loop has ended
                continue
