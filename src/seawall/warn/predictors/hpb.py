"""Relevance propagation: what hit those who share attackers with us, and those who share attackers with them.

W_ij = m_ij / (m_i m_j) for i != j, where m_i counts the sources that victim i met and m_ij those that both met; source
s, met by the victims of its report vector b_s, has relevance r_s = sum_{k>=1} (alpha W)^k b_s = (I - alpha W)^-1 alpha
W b_s. Source: Zhang, Porras, Ullrich, "Highly Predictive Blacklisting" (USENIX Security 2008).
"""

from __future__ import annotations

import numpy as np

from seawall.warn.predictors.history import Floats, History
from seawall.warn.predictors.interface import limited

ALPHA = 0.5
MOST = 0.95  # of the spectral radius of alpha W: the sum converges below 1


class Hpb:
    """``scaled``: W is divided by its spectral radius, so that alpha means the same however many sources there are;
    with many, the terms behind the first vanish otherwise. ``bounded``: rows weigh as ``History.weights`` says, and no
    party's victims together weigh more than all others'."""

    name = "hpb"

    def __init__(self, *, alpha: float = ALPHA, scaled: bool = True, bounded: bool = True) -> None:
        self._alpha = alpha
        self._scaled = scaled
        self._bounded = bounded

    def fit(self, history: History) -> None:
        """Learn how victims are linked."""
        self._links = propagation(links(history.common), self._alpha, scaled=self._scaled)
        self._reports = history.matrix(weighted=self._bounded, since=history.recent)
        self._party = history.party

    def scores(self, victim: int) -> Floats:
        """The victim's component of r_s for each source."""
        return np.asarray(self._reports @ self.neighbours(victim), np.float64)

    def neighbours(self, victim: int) -> Floats:
        """How much a report of each victim is worth to this one."""
        row = self._links[victim]
        return limited(row, self._party) if self._bounded else np.asarray(row, np.float64)


def links(common: Floats) -> Floats:
    """W from the victims x victims counts of common sources, whose diagonal holds each victim's own count."""
    own = np.diag(common)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = common / np.outer(own, own)
    found[~np.isfinite(found)] = 0.0
    np.fill_diagonal(found, 0.0)
    return np.asarray(found, np.float64)


def propagation(weights: Floats, alpha: float, *, scaled: bool) -> Floats:
    """(I - alpha W)^-1 alpha W; alpha is lowered where the sum would not converge."""
    radius = float(np.max(np.abs(np.linalg.eigvalsh(weights)))) if len(weights) else 0.0
    if radius == 0.0:
        return np.zeros_like(weights)
    factor = alpha / radius if scaled else min(alpha, MOST / radius)
    step = factor * weights
    return np.asarray(np.linalg.solve(np.eye(len(step)) - step, step), np.float64)
