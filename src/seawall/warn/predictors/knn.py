"""Neighbourhood: what met the victims that are most like this one. Similarity is the cosine of their sets of sources.

Neighbours' raw meetings count, not forecasts of them, and no groups of attackers and victims are formed (see
docs/decisions/0022 for why).
"""

from __future__ import annotations

import numpy as np

from seawall.warn.predictors.history import Floats, History
from seawall.warn.predictors.interface import limited

NEIGHBOURS = 25


class Knn:
    """The weighted share of the nearest victims that met a source lately."""

    name = "knn"

    def __init__(self, *, neighbours: int = NEIGHBOURS, bounded: bool = True) -> None:
        self._most = neighbours
        self._bounded = bounded

    def fit(self, history: History) -> None:
        """Learn how alike victims are."""
        common = history.common
        sizes = np.sqrt(np.diag(common))
        with np.errstate(divide="ignore", invalid="ignore"):
            alike = common / np.outer(sizes, sizes)
        alike[~np.isfinite(alike)] = 0.0
        np.fill_diagonal(alike, 0.0)
        self._alike = alike
        self._lately = history.matrix(weighted=self._bounded, since=history.recent)
        self._party = history.party

    def scores(self, victim: int) -> Floats:
        """0 to 1: the share of the neighbours' weight that met the source."""
        weights = self.neighbours(victim)
        total = weights.sum()
        if total == 0.0:
            return np.zeros(self._lately.shape[0])
        return np.asarray(self._lately @ (weights / total), np.float64)

    def neighbours(self, victim: int) -> Floats:
        """The similarity of the nearest victims, 0 for all others."""
        alike = self._alike[victim]
        found = np.zeros(len(alike))
        nearest = np.argsort(-alike, kind="stable")[: self._most]
        found[nearest] = alike[nearest]
        return limited(found, self._party) if self._bounded else found
