"""How much of its callers a relay holds in memory, and how many requests of one token run at one time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager

from seawall.exchange.relay import faults

PLACE_SECONDS = 5.0  # a request waits so long for a place before it is told to come again
RETRY_SECONDS = 5


class Held:
    """A part of the memory; what is not needed after all can be given back."""

    def __init__(self, memory: Memory, size: int) -> None:
        self._memory = memory
        self._size = size

    async def shrink(self, size: int) -> None:
        """Hold no more than ``size`` bytes from now on."""
        size = min(size, self._size)
        freed, self._size = self._size - size, size
        await self._memory.free(freed)


class Memory:
    """A number of bytes that all requests share. For one event loop."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._most = most
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[Held]:
        """Hold ``size`` bytes (at most all there are). Raises RelayBusy E-EXCHANGE-776."""
        size = min(size, self._most)
        try:
            async with asyncio.timeout(PLACE_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._left >= size)
                self._left -= size
        except TimeoutError:
            raise faults.BUSY(seconds=RETRY_SECONDS) from None
        held = Held(self, size)
        try:
            yield held
        finally:
            await held.shrink(0)

    async def free(self, size: int) -> None:
        """Give back so many bytes."""
        self._left += size
        async with self._changed:
            self._changed.notify_all()


class Crowd:
    """How many requests of each token run at one time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._running: dict[Hashable, int] = {}

    @contextmanager
    def enter(self, key: Hashable) -> Iterator[None]:
        """Be one of them. Raises RelayBusy E-EXCHANGE-776."""
        running = self._running.get(key, 0)
        if running >= self._most:
            raise faults.BUSY(seconds=RETRY_SECONDS)
        self._running[key] = running + 1
        try:
            yield
        finally:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
