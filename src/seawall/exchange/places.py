"""How many requests of one peer are answered at once: the next is told to come again, and others have their turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from seawall.exchange.faults import ProtocolFault


class Places:
    """So many for each peer. Only for the event loop that serves: nothing here waits, and nothing is locked."""

    def __init__(self, each: int, retry_after: int) -> None:
        """``each``: requests of one peer at once; ``retry_after``: seconds that the next is told to wait."""
        self._each, self._retry_after = each, retry_after
        self._held: Counter[str] = Counter()

    def take(self, peer: str) -> None:
        """Take a place, to be given back. Raises ProtocolFault E-EXCHANGE-757 (HTTP 503) when all are taken."""
        if self._held[peer] >= self._each:
            raise ProtocolFault(
                503,
                "E-EXCHANGE-757",
                "Your earlier requests are still being handled; come again in {seconds} seconds.",
                retry_after=self._retry_after,
                seconds=self._retry_after,
            )
        self._held[peer] += 1

    def give_back(self, peer: str) -> None:
        """The request of this place was answered."""
        self._held[peer] -= 1
        if not self._held[peer]:
            del self._held[peer]

    def is_held(self, peer: str) -> bool:
        """Whether this peer has a place."""
        return self._held[peer] > 0

    @contextmanager
    def place(self, peer: str) -> Iterator[None]:
        """A place while the block runs."""
        self.take(peer)
        try:
            yield
        finally:
            self.give_back(peer)
