"""How much of its callers a relay holds in memory, and how many requests of one token run at one time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager

from seawall.exchange.relay import faults

PLACE_SECONDS = 5.0  # a request waits so long for a place before it is told to come again
RETRY_SECONDS = 5
SHARES = 4  # of the memory; the largest message fits twice into one


class Held:
    """A part of the memory; what is not needed after all can be given back."""

    def __init__(self, memory: Memory, key: Hashable, size: int) -> None:
        self._memory, self._key = memory, key
        self._size = size

    async def shrink(self, size: int) -> None:
        """Hold no more than ``size`` bytes from now on."""
        size = min(size, self._size)
        freed, self._size = self._size - size, size
        await self._memory.free(self._key, freed)


class Memory:
    """A number of bytes that all requests share, and of which no mailbox or pair takes more than a share: bodies may
    come slowly, and whoever lets several drip would else hold all of it for half an hour. For one event loop."""

    def __init__(self, most: int, shares: int = SHARES) -> None:
        self._left = most
        self._most = most
        self._share = most // shares
        self._held: Counter[Hashable] = Counter()
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, key: Hashable, size: int) -> AsyncIterator[Held]:
        """Hold ``size`` bytes (at most all there are) for whom ``key`` names; one request alone may be larger than a
        share. Raises RelayBusy E-EXCHANGE-776."""
        size = min(size, self._most)
        try:
            async with asyncio.timeout(PLACE_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._fits(key, size))
                self._left -= size
                self._held[key] += size
        except TimeoutError:
            raise faults.BUSY(seconds=RETRY_SECONDS) from None
        held = Held(self, key, size)
        try:
            yield held
        finally:
            await held.shrink(0)

    def _fits(self, key: Hashable, size: int) -> bool:
        return self._left >= size and (not self._held[key] or self._held[key] + size <= self._share)

    async def free(self, key: Hashable, size: int) -> None:
        """Give back so many bytes."""
        self._left += size
        self._held[key] -= size
        if not self._held[key]:
            del self._held[key]
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
