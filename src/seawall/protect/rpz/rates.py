"""How many questions an address may ask: a bucket that fills with time (rule 10)."""

from __future__ import annotations

from collections import OrderedDict

from seawall.protect.rpz.bounds import MAX_SOURCES, QUESTIONS_BURST, QUESTIONS_PER_SECOND


class Rates:
    """One bucket an address; times in seconds of any clock that only goes forward."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def permits(self, address: str, now: float) -> bool:
        """Whether one more question of this address is answered."""
        left, then = self._buckets.pop(address, (QUESTIONS_BURST, now))
        left = min(QUESTIONS_BURST, left + (now - then) * QUESTIONS_PER_SECOND)
        self._buckets[address] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        return left >= 1
