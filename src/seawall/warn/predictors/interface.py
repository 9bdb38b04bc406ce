"""What every way of predicting provides: learn from a History, then say how likely each source is to come to a victim.

Scores of one method compare with each other and with nothing else. 0 means that the method says nothing of a source.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from seawall.model import Fault
from seawall.warn.predictors.history import US, Bools, Floats, History, Ints

PARTY_SHARE = 0.5
"""Of a list, at most this share rests on the word of one peer alone, where several peers tell anything."""


class Predictor(Protocol):
    """One method. ``fit`` may be called again with another history."""

    @property
    def name(self) -> str:
        """As people name it on the command line."""

    def fit(self, history: History) -> None:
        """Learn from all rows. Raises NotEnough when there is too little to learn anything."""

    def scores(self, victim: int) -> Floats:
        """One number a source, 0 or more."""

    def neighbours(self, victim: int) -> Floats:
        """One number a victim, 0 or more: how much what it met counts for ``victim``; all 0 where nothing does."""


class NotEnough(Fault):
    """Too little history for an answer that means anything."""


def limited(weights: Floats, party: Ints) -> Floats:
    """Neighbours' weights with no peer's sum above that of all other parties together; one alone stays as it is."""
    sums = np.bincount(party, weights=weights)
    total = sums.sum()
    others = total - sums
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where((sums > others) & (others > 0), others / sums, 1.0)
    factor[US] = 1.0
    return np.asarray(weights * factor[party], np.float64)


def alone(history: History) -> Ints:
    """Of each source the peer on whose word alone it rests; 0 when we or several parties met it."""
    whose = history.party[history.victim] if len(history.victim) else np.zeros(0, np.int64)
    low = np.full(history.sources, np.iinfo(np.int64).max)
    high = np.zeros(history.sources, np.int64)
    np.minimum.at(low, history.source, whose)
    np.maximum.at(high, history.source, whose)
    return np.asarray(np.where(low == high, high, US), np.int64)


def top(scores: Floats, history: History, k: int, *, bounded: bool = True, wanted: Bools | None = None) -> Ints:
    """The ``k`` sources with the highest scores above 0, highest first; of equal ones that with more meetings first.

    ``bounded``: of several peers none has more than ``PARTY_SHARE`` of the list by its word alone. ``wanted``: only
    these sources.
    """
    chosen = scores > 0 if wanted is None else (scores > 0) & wanted
    found = np.flatnonzero(chosen)
    whose = alone(history)
    peers = np.unique(whose[found])
    meetings = np.bincount(history.source, minlength=history.sources)
    found = found[np.lexsort((found, -meetings[found], -scores[found]))]
    if not bounded or int((peers != US).sum()) < 2:
        return np.asarray(found[:k], np.int64)
    quota = int(np.ceil(PARTY_SHARE * k))
    place = _place_within(whose[found])
    kept = found[(whose[found] == US) | (place < quota)]
    return np.asarray(kept[:k], np.int64)


def _place_within(groups: Ints) -> Ints:
    """Of each item how many of its group stand before it."""
    order = np.argsort(groups, kind="stable")
    in_order = groups[order]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(in_order)) + 1)) if len(groups) else np.zeros(0, np.int64)
    lengths = np.diff(np.concatenate((starts, [len(groups)])))
    place = np.empty(len(groups), np.int64)
    place[order] = np.arange(len(groups)) - np.repeat(starts, lengths)
    return place
