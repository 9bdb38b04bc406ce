"""How often somebody may ask: token buckets by name, and failed log-ins by name and address. Bounded in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

Seconds = Callable[[], float]
KEYS_KEPT = 10_000  # askers remembered; the one silent for longest is forgotten first, which only favours it
FAILURES = 10  # failed log-ins under one name from one address, before it waits
FAILURES_PER_ADDRESS = 100  # the same, under any names
FAILURE_SECONDS = 60.0  # how long failures count


class Buckets:
    """A token bucket for each key: ``at_once`` requests in a burst, ``per_second`` for long. Thread-safe."""

    def __init__(self, per_second: float, at_once: float, seconds: Seconds = time.monotonic) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._seconds = seconds
        self._lock = Lock()
        self._held: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # tokens left, when

    def take(self, key: Hashable) -> float:
        """Take one token: 0 when there was one, else the seconds until there is."""
        now = self._seconds()
        with self._lock:
            left, then = self._held.pop(key, (self._at_once, now))
            left = min(self._at_once, left + (now - then) * self._per_second)
            wait = 0.0 if left >= 1 else (1 - left) / self._per_second
            self._held[key] = (left - 1 if left >= 1 else left, now)
            while len(self._held) > KEYS_KEPT:
                self._held.popitem(last=False)
        return wait

    def forget(self, key: Hashable) -> None:
        """Begin with a full bucket again."""
        with self._lock:
            self._held.pop(key, None)


class Failures:
    """Failed log-ins. Whoever failed too often is not looked at again until a minute has passed."""

    def __init__(self, seconds: Seconds = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._failed: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()  # how often, since when

    def wait(self, address: str, name: str) -> float:
        """Seconds until a log-in under this name from this address is looked at again; 0: now."""
        now = self._seconds()
        with self._lock:
            return max(self._left((address, name), FAILURES, now), self._left(address, FAILURES_PER_ADDRESS, now))

    def failed(self, address: str, name: str) -> None:
        """Count one failure."""
        now = self._seconds()
        with self._lock:
            for key in ((address, name), address):
                count, since = self._failed.pop(key, (0, now))
                self._failed[key] = (1, now) if now - since >= FAILURE_SECONDS else (count + 1, since)
            while len(self._failed) > KEYS_KEPT:
                self._failed.popitem(last=False)

    def _left(self, key: Hashable, most: int, now: float) -> float:
        count, since = self._failed.get(key, (0, now))
        return max(0.0, since + FAILURE_SECONDS - now) if count >= most else 0.0
