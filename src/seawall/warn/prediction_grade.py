"""How good predictions are, measured forward in time: learn from what was known before a day, look at what came then.

For each test day d a method is fitted on ``History.before(d)`` and gives a list of at most ``k`` values for the victim;
a *hit* is one that came within ``ahead`` days from d on. What nobody had met before d cannot be on any list; recall is
over all that came, and over those that were known (``reachable``). Usable lead: from the beginning of the day on which
a value stood on the list without interruption, to its arrival.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import msgspec
import numpy as np

from seawall.warn.lead.intervals import Interval, wilson
from seawall.warn.predictors import History, NotEnough, Predictor, top
from seawall.warn.predictors.history import DAY, Bools, Ints
from seawall.warn.predictors.lwol import Lwol

LEAST_TEST_DAYS = 3
"""Fewer say nothing of another day."""
Make = Callable[[], Predictor]


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """One method over all test days. Shares with 95 % intervals (Wilson); counts are sums over the test days."""

    method: str
    test_days: int  # on which a list was given
    silent_days: int  # on which the method had too little to learn from
    listed: int
    hits: int
    came: int  # values that came on days with a list
    reachable: int  # of these, met by anybody before
    precision: float
    precision_between: Interval
    recall: float
    recall_between: Interval
    recall_of_reachable: float
    f1: float
    false_positives_a_day: float
    beyond_own: int  # hits that the local baseline of the same length did not list
    first_meetings: int  # hits that the victim had never met before
    median_lead_hours: float | None  # of first meetings; None where there are none
    why_silent: str = ""  # the sentence of the last silent day


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be predicted: for which victim, over which days, in lists of which length."""

    victim: int
    k: int
    test_days: tuple[int, ...]
    ahead: int = 1
    unmet: bool = False  # only values that the victim has not met yet
    bounded: bool = True  # ``predictors.top``


def days_to_test(history: History, *, most: int, ahead: int = 1) -> tuple[int, ...]:
    """The last days that can be tested: some day must lie before each, and ``ahead`` days from it on be over."""
    return tuple(range(max(1, history.days - ahead + 1 - most), history.days - ahead + 1))


def grade(make: Make, history: History, task: Task) -> Grade:
    """Grade one method; it is made anew for each test day, so nothing is carried over."""
    tally = _Tally(history, task)
    name, why = "", ""
    for day in task.test_days:
        known = history.before(day)
        predictor = make()
        name = predictor.name
        try:
            predictor.fit(known)
            listed = _listed(predictor, known, task)
        except NotEnough as fault:
            why = str(fault)
            tally.silent += 1
            tally.standing[:] = -1
            continue
        own = Lwol()
        own.fit(known)
        tally.add(day, known, listed, _listed(own, known, task))
    return tally.grade(name, why)


def _listed(predictor: Predictor, known: History, task: Task) -> Ints:
    scores = predictor.scores(task.victim)
    wanted: Bools | None = None
    if task.unmet:
        wanted = np.ones(known.sources, np.bool_)
        wanted[known.source[known.victim == task.victim]] = False
    return top(scores, known, task.k, bounded=task.bounded, wanted=wanted)


class _Tally:
    """Sums over test days. ``standing``: since which day a source stands on the list; -1: it does not."""

    def __init__(self, history: History, task: Task) -> None:
        self._history = history
        self._task = task
        self.standing = np.full(history.sources, -1, np.int64)
        self.silent = 0
        self._days = self._listed = self._hits = self._came = self._reachable = self._beyond = 0
        self._leads: list[float] = []

    def add(self, day: int, known: History, listed: Ints, own: Ints) -> None:
        """One test day's list and what came."""
        history, victim = self._history, self._task.victim
        coming = (history.victim == victim) & (history.day >= day) & (history.day < day + self._task.ahead)
        met_before = np.zeros(history.sources, np.bool_)
        met_before[known.source[known.victim == victim]] = True
        came = np.unique(history.source[coming])
        if self._task.unmet:
            came = came[~met_before[came]]
        anybody = np.zeros(history.sources, np.bool_)
        anybody[known.source] = True
        hits = np.intersect1d(listed, came)
        self._stand(day, listed)
        arrived = np.full(history.sources, np.iinfo(np.int64).max)
        np.minimum.at(arrived, history.source[coming], history.first[coming])
        for source in hits[~met_before[hits]].tolist():
            began = history.begins + int(self.standing[source]) * DAY
            self._leads.append((int(arrived[source]) - began) / DAY * 24)
        self._days += 1
        self._listed += len(listed)
        self._hits += len(hits)
        self._came += len(came)
        self._reachable += int(anybody[came].sum())
        self._beyond += len(np.setdiff1d(hits, own))

    def _stand(self, day: int, listed: Ints) -> None:
        before = self.standing.copy()
        self.standing[:] = -1
        self.standing[listed] = np.where(before[listed] >= 0, before[listed], day)

    def grade(self, name: str, why: str) -> Grade:
        """The sums as shares."""
        precision, recall = _share(self._hits, self._listed), _share(self._hits, self._came)
        return Grade(
            method=name,
            test_days=self._days,
            silent_days=self.silent,
            listed=self._listed,
            hits=self._hits,
            came=self._came,
            reachable=self._reachable,
            precision=precision,
            precision_between=wilson(self._hits, self._listed),
            recall=recall,
            recall_between=wilson(self._hits, self._came),
            recall_of_reachable=_share(self._hits, self._reachable),
            f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
            false_positives_a_day=(self._listed - self._hits) / self._days if self._days else 0.0,
            beyond_own=self._beyond,
            first_meetings=len(self._leads),
            median_lead_hours=median(self._leads) if self._leads else None,
            why_silent=why,
        )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
