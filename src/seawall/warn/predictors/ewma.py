"""Time series of each pair: an exponentially weighted moving average of the days on which a source came.

r(d) = a y(d) + (1 - a) r(d - 1), r(-1) = 0, where y is 1 on days with a meeting. Only the pair's own past counts, and
nothing else is mixed in (see docs/decisions/0022 for why).
"""

from __future__ import annotations

import numpy as np

from seawall.warn.predictors.history import Floats, History

SMOOTHING = 0.5


class Ewma:
    """One forecast a pair of source and victim."""

    name = "ewma"

    def __init__(self, *, smoothing: float = SMOOTHING) -> None:
        self._smoothing = smoothing

    def fit(self, history: History) -> None:
        """Learn."""
        self._history = history

    def scores(self, victim: int) -> Floats:
        """The average at the end of the history, for each source."""
        history = self._history
        mine = history.victim == victim
        age = history.days - 1 - history.day[mine]
        weights = self._smoothing * (1.0 - self._smoothing) ** age
        return np.bincount(history.source[mine], weights=weights, minlength=history.sources).astype(np.float64)

    def neighbours(self, victim: int) -> Floats:
        """Nobody else counts."""
        return np.zeros(self._history.victims)
