"""How much the fast way may cost: work is followed by a pause in proportion, and a peer by a pace of its own."""

from __future__ import annotations

import time
from collections.abc import Callable

from seawall.exchange.throttle import Buckets

Seconds = Callable[[], float]

SYNCS_PER_SECOND = 0.5  # a peer that always says "there is something" makes us fetch every other second, for long
SYNCS_AT_ONCE = 20.0  # words in a burst that are followed at once: a wave of alarms at the peer's
VAIN_FIRST, VAIN_MOST = 0.5, 60.0  # seconds to wait after the second fetch that brought nothing; doubled each time
FAILED_FIRST, FAILED_MOST = 1.0, 300.0  # seconds after a failure; doubled each time, no longer than the schedule's
DEAF_SECONDS = 600.0  # after a peer said that it knows no such line: it may be upgraded
QUICK_SECONDS = 1.0  # an answer without news that comes sooner was not held: the peer makes us ask for nothing


class Duty:
    """Work that may take so much of the time for long: after ``d`` seconds of it comes a pause of ``d / share``.

    ``spare`` seconds of work may gather for a burst. One thread uses it.
    """

    def __init__(self, share: float, spare: float, seconds: Seconds = time.monotonic) -> None:
        self._share, self._most = share, spare
        self._seconds = seconds
        self._left, self._at = spare, seconds()

    def free(self) -> bool:
        """Whether work may begin now."""
        return self.wait() <= 0

    def wait(self) -> float:
        """Seconds until work may begin; 0: now."""
        self._gather()
        return 0.0 if self._left > 0 else -self._left / self._share

    def spent(self, seconds: float) -> None:
        """So much work was done."""
        self._gather()
        self._left -= seconds

    def _gather(self) -> None:
        now = self._seconds()
        self._left = min(self._most, self._left + (now - self._at) * self._share)
        self._at = now


class Pace:
    """How soon a peer's next word is followed. One thread uses it."""

    def __init__(self, seconds: Seconds = time.monotonic) -> None:
        self._bucket = Buckets(SYNCS_PER_SECOND, SYNCS_AT_ONCE, seconds)
        self._vain = self._failed = self._quick = 0

    def before_fetch(self) -> float:
        """Seconds to wait before fetching; 0: now, and it is counted."""
        return self._bucket.take("")

    def fetched(self, *, anything: bool) -> float:
        """It went well; seconds to wait before the next question. One fetch for nothing is no offence: two words may
        have met, or the other process came first."""
        self._failed = 0
        self._vain = 0 if anything else self._vain + 1
        return 0.0 if self._vain < 2 else min(VAIN_MOST, VAIN_FIRST * 2.0 ** min(self._vain - 2, 20))

    def failed(self) -> float:
        """It failed; seconds to wait before the next attempt."""
        self._failed += 1
        return min(FAILED_MOST, FAILED_FIRST * 2.0 ** min(self._failed - 1, 20))

    def quiet(self, took: float) -> float:
        """An answer without news after so many seconds; seconds to wait before the next question."""
        self._failed = 0
        self._quick = self._quick + 1 if took < QUICK_SECONDS else 0
        return 0.0 if not self._quick else min(VAIN_MOST, QUICK_SECONDS * 2.0 ** min(self._quick - 1, 20))
