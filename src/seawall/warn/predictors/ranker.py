"""A small learned ranker: logistic regression over what the other methods and plain counts say of a source.

It learns from the last days of the history itself: with what was known when each of them began, which sources came to
this victim on that day? The time series of ``ewma`` is deliberately not among the columns (docs/decisions/0022).
Needs scikit-learn, the extra ``[predict]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.model import Unavailable
from seawall.warn.predictors.gwol import Gwol
from seawall.warn.predictors.history import Floats, History, Ints
from seawall.warn.predictors.hpb import Hpb
from seawall.warn.predictors.interface import NotEnough
from seawall.warn.predictors.knn import Knn
from seawall.warn.predictors.lwol import days_of

LABEL_DAYS = 4
"""Days at the end of the history that are learnt from: enough to even out one odd day, few enough to stay current."""
LEAST_POSITIVES = 20
"""Of the sources that came on these days; below this a regression over nine columns fits noise."""
MOST_NEGATIVES = 50_000
COLUMNS = (
    "days we met it", "how lately we met it", "meetings of all", "relevance (hpb)", "neighbours (knn)",
    "parties that met it", "victims that met it", "how lately anybody met it", "how new it is",
)  # fmt: skip


class Ranker:
    """Fits one model a victim, on first use. ``seed`` draws the negatives when there are too many."""

    name = "ranker"

    def __init__(self, *, seed: int = 0, bounded: bool = True) -> None:
        self._seed = seed
        self._bounded = bounded

    def fit(self, history: History) -> None:
        """Prepare the columns of the last days. Raises NotEnough E-WARN-132, Unavailable E-WARN-131."""
        _learners()
        if history.days < 2:
            raise NotEnough(
                "E-WARN-132", "The ranker has only {days} days to learn from; it needs 2.", days=history.days
            )
        self._history = history
        self._now = _Columns(history, bounded=self._bounded)
        self._models: dict[int, Any] = {}

    def scores(self, victim: int) -> Floats:
        """Probabilities in the training sense. Raises NotEnough E-WARN-133 when too few sources came lately."""
        if victim not in self._models:
            self._models[victim] = self._learn(victim)
        rows, columns = self._now.table(victim)
        found = np.zeros(self._history.sources)
        if len(rows):
            found[rows] = self._models[victim].predict_proba(columns)[:, 1]
        return found

    def neighbours(self, victim: int) -> Floats:
        """Those of the relevance method, which stands among the columns."""
        return self._now.hpb.neighbours(victim)

    def _learn(self, victim: int) -> Any:
        tables, labels = [], []
        history = self._history
        for day in range(max(1, history.days - LABEL_DAYS), history.days):
            # one day's columns at a time: a history of a million values takes some hundred megabytes
            rows, columns = _Columns(history.before(day), bounded=self._bounded).table(victim)
            came = (history.victim == victim) & (history.day == day)
            tables.append(columns)
            labels.append(np.isin(rows, history.source[came]))
        given, label = np.concatenate(tables), np.concatenate(labels)
        positives = int(label.sum())
        if positives < LEAST_POSITIVES or positives == len(label):
            raise NotEnough(
                "E-WARN-133",
                "Only {count} of the values that came lately were known before; the ranker needs {least}.",
                count=positives,
                least=LEAST_POSITIVES,
            )
        given, label = _fewer(given, label, self._seed)
        scaler, regression, pipeline = _learners()
        return pipeline(scaler(), regression(max_iter=500, class_weight="balanced")).fit(given, label)


class _Columns:
    """What is known of each source at the end of a history, as the model's columns."""

    def __init__(self, history: History, *, bounded: bool) -> None:
        self.hpb, self._knn, self._gwol = Hpb(bounded=bounded), Knn(bounded=bounded), Gwol(bounded=bounded)
        for method in (self.hpb, self._knn, self._gwol):
            method.fit(history)
        self._history = history
        self._rows = np.unique(history.source)
        self._last, self._first = _ends(history)
        self._met = np.diff(history.met.indptr)
        member = np.zeros((history.victims, int(history.party.max(initial=0)) + 1))
        member[np.arange(history.victims), history.party] = 1.0
        self._parties = (np.asarray(history.met @ member) > 0).sum(axis=1)

    def table(self, victim: int) -> tuple[Ints, Floats]:
        """The sources that anybody met, and their columns."""
        history, rows = self._history, self._rows
        own = days_of(history, victim)[rows]
        last, first = self._last, self._first
        mine = history.victim == victim
        own_last = np.full(history.sources, -1, np.int64)
        np.maximum.at(own_last, history.source[mine], history.day[mine])
        late = np.where(own_last[rows] < 0, 0.0, 1.0 / np.maximum(history.days - own_last[rows], 1))
        columns = [
            np.log1p(np.floor(own)),
            late,
            np.log1p(self._gwol.scores(victim)[rows]),
            _share(self.hpb.scores(victim)[rows]),
            self._knn.scores(victim)[rows],
            self._parties[rows].astype(np.float64),
            np.log1p(self._met[rows]),
            1.0 / np.maximum(history.days - last[rows], 1),
            1.0 / np.maximum(history.days - first[rows], 1),
        ]
        return rows, np.stack(columns, axis=1) if len(rows) else np.zeros((0, len(COLUMNS)))


def _ends(history: History) -> tuple[Ints, Ints]:
    """Of each source: its last and its first day."""
    last = np.full(history.sources, -1, np.int64)
    first = np.full(history.sources, history.days, np.int64)
    np.maximum.at(last, history.source, history.day)
    np.minimum.at(first, history.source, history.day)
    return last, first


def _share(values: Floats) -> Floats:
    """Of the largest: relevances of different days have different scales."""
    most = values.max(initial=0.0)
    return values / most if most > 0 else values


def _fewer(given: Floats, label: Any, seed: int) -> tuple[Floats, Any]:
    """With at most ``MOST_NEGATIVES`` negatives, drawn by seed."""
    negatives = np.flatnonzero(~label)
    if len(negatives) <= MOST_NEGATIVES:
        return given, label
    drawn = np.random.default_rng(seed).choice(negatives, MOST_NEGATIVES, replace=False)
    kept = np.sort(np.concatenate((np.flatnonzero(label), drawn)))
    return given[kept], label[kept]


def _learners() -> tuple[Any, Any, Any]:
    """Scaler, regression and pipeline of scikit-learn. Raises Unavailable E-WARN-131 when it is not installed."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise Unavailable("E-WARN-131", "The ranker needs scikit-learn; run pip install 'seawall[predict]'.") from None
    return StandardScaler, LogisticRegression, make_pipeline
