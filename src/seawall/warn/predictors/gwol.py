"""Global worst offenders: what met most victims on most days comes to everybody.

Source: as ``lwol``, the global baseline. Rows weigh as ``History.weights`` says, so a flood of one party counts little.
"""

from __future__ import annotations

import numpy as np

from seawall.warn.predictors.history import Floats, History


class Gwol:
    """Meetings of everybody in the last days, each party's weighed."""

    name = "gwol"

    def __init__(self, *, bounded: bool = True) -> None:
        self._bounded = bounded

    def fit(self, history: History) -> None:
        """Learn."""
        lately = history.day >= history.recent
        weights = history.weights[lately] if self._bounded else None
        self._scores = np.bincount(history.source[lately], weights, history.sources).astype(np.float64)
        self._victims = history.victims

    def scores(self, victim: int) -> Floats:
        """The same for every victim."""
        del victim
        return self._scores

    def neighbours(self, victim: int) -> Floats:
        """All others alike."""
        found = np.ones(self._victims)
        found[victim] = 0.0
        return found
