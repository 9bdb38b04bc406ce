"""How long lines waited, in logarithmic steps: quantiles of millions of waits in a few hundred numbers."""

from __future__ import annotations

import math

STEPS = 40  # a factor of ten; quantiles are at most 6 % too high
LEAST = 1e-5  # seconds


class Latency:
    """Waits in seconds."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._longest = 0.0
        self.count = 0

    def add(self, seconds: float, times: int = 1) -> None:
        """So many waits of so many seconds."""
        step = math.ceil(math.log10(max(seconds, LEAST) / LEAST) * STEPS)
        self._counts[step] = self._counts.get(step, 0) + times
        self._longest = max(self._longest, seconds)
        self.count += times

    def as_dict(self) -> dict[str, float | None]:
        """p50, p99 and max in seconds; None when nothing waited."""
        if not self.count:
            return {"p50": None, "p99": None, "max": None}
        return {"p50": self._quantile(0.5), "p99": self._quantile(0.99), "max": round(self._longest, 6)}

    def _quantile(self, share: float) -> float:
        wanted, passed = share * self.count, 0
        for step in sorted(self._counts):
            passed += self._counts[step]
            if passed >= wanted:
                return round(min(LEAST * 10 ** (step / STEPS), self._longest), 6)
        return round(self._longest, 6)
