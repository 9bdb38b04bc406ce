"""Local worst offenders: what met this victim on most days comes again. Everybody can do this alone.

Source: Zhang, Porras, Ullrich, "Highly Predictive Blacklisting" (USENIX Security 2008), the local baseline.
"""

from __future__ import annotations

import numpy as np

from seawall.warn.predictors.history import Floats, History


class Lwol:
    """Days of the last week on which the victim met the source; of equal ones the latest first."""

    name = "lwol"

    def fit(self, history: History) -> None:
        """Learn."""
        self._history = history

    def scores(self, victim: int) -> Floats:
        """Days, and below one day a fraction for how late the last one was."""
        return days_of(self._history.since(self._history.recent), victim)

    def neighbours(self, victim: int) -> Floats:
        """Nobody else counts."""
        return np.zeros(self._history.victims)


def days_of(history: History, victim: int) -> Floats:
    """Of each source the days on which the victim met it, plus (last day + 1) / (days + 1) below 1."""
    mine = history.victim == victim
    days = np.bincount(history.source[mine], minlength=history.sources).astype(np.float64)
    last = np.full(history.sources, -1.0)
    np.maximum.at(last, history.source[mine], history.day[mine].astype(np.float64))
    return np.asarray(days + (last + 1.0) / (history.days + 1.0), np.float64)
