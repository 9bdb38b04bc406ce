"""Microseconds as Suricata's texts, many at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from seawall.flow.simulator.rows import Integers

MICROSECONDS = 1_000_000


class Timestamps:
    """``time`` in microseconds UTC; ``age`` seconds by which a flow's start lies before."""

    def __init__(self, time: Integers, age: Integers) -> None:
        self._time, self._age = time, age

    def second(self) -> list[str]:
        """``2026-03-16T03:12:00``."""
        return _texts(self._time // MICROSECONDS)

    def started(self) -> list[str]:
        """The same, ``age`` seconds earlier."""
        return _texts(self._time // MICROSECONDS - self._age)

    def micro(self) -> list[int]:
        """What follows the second."""
        micros: list[int] = (self._time % MICROSECONDS).tolist()
        return micros


def _texts(seconds: Integers) -> list[str]:
    """Each distinct second is written once."""
    distinct, place = np.unique(seconds, return_inverse=True)
    texts = [datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S") for second in distinct.tolist()]
    return [texts[number] for number in place.tolist()]
