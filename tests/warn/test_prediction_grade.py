"""Grades of predictions: forward in time, and what one lying peer does to them."""

from __future__ import annotations

import numpy as np
import pytest

from attack_scenes import world
from seawall.warn.prediction_grade import Grade, Make, Task, days_to_test, grade
from seawall.warn.prediction_liars import Lie, with_liar
from seawall.warn.predictors import History, history, method
from seawall.warn.predictors.gwol import Gwol
from seawall.warn.predictors.history import DAY
from seawall.warn.predictors.hpb import Hpb
from seawall.warn.predictors.knn import Knn

K = 50
ROWS = [  # source, victim, day: party 1 meets a value, we meet it two days later; one of ours comes daily
    *[(0, 0, day) for day in range(6)],
    (1, 1, 1), (1, 0, 3), (2, 1, 3), (2, 0, 5), (3, 1, 4),
]  # fmt: skip


def small() -> History:
    """Two parties over six days."""
    source, victim, day = (np.array(column) for column in zip(*ROWS, strict=True))
    return history(4, 6, [0, 1], [source, victim, day, day, day * DAY + DAY // 2])


def graded(make: Make, past: History, *, unmet: bool = True, bounded: bool = True, k: int = K) -> Grade:
    """A grade for all of us over the last days."""
    joined, us = past.joined([victim for victim in range(past.victims) if past.party[victim] == 0])
    task = Task(victim=us, k=k, test_days=days_to_test(past, most=7), unmet=unmet, bounded=bounded)
    return grade(make, joined, task)


def test_counted_by_hand() -> None:
    """Lists, hits, misses, what was known before, and the lead from the first day on the list, in a tiny world."""
    found = grade(Gwol, small(), Task(victim=0, k=10, test_days=(3, 4, 5)))
    # day 3: {0, 1} listed, {0, 1} came; day 4: {0, 1, 2}, {0}; day 5: {0, 1, 2, 3}, {0, 2}
    assert (found.test_days, found.listed, found.hits, found.came, found.reachable) == (3, 9, 5, 5, 5)
    assert (found.precision, found.recall) == (5 / 9, 1.0)
    assert found.f1 == pytest.approx(2 * 5 / 9 / (14 / 9))
    assert found.false_positives_a_day == pytest.approx(4 / 3)
    assert found.beyond_own == 2  # what the local baseline could not list: values 1 and 2 on their first day here
    # value 1 on the list from day 3 and here at noon of day 3, value 2 from day 4 and here at noon of day 5
    assert (found.first_meetings, found.median_lead_hours) == (2, 24.0)
    assert found.precision_between.low < 5 / 9 < found.precision_between.high


def test_only_what_was_not_met_yet() -> None:
    """Asked for unmet values, what comes again neither stands on a list nor counts as missed."""
    found = grade(Gwol, small(), Task(victim=0, k=10, test_days=(3, 4, 5), unmet=True))
    assert (found.listed, found.hits, found.came) == (4, 2, 2)
    assert grade(lambda: method("lwol"), small(), Task(victim=0, k=10, test_days=(3, 4, 5), unmet=True)).listed == 0


def test_nothing_of_the_future_is_used() -> None:
    """What happens on the tested day and later changes no list."""
    past = world(days=14).history()
    changed = past.before(13)
    rows = [changed.source, changed.victim, changed.day, changed.known, changed.first]
    cut = history(past.sources, past.days, past.party, rows)
    for name in ("gwol", "hpb", "knn", "ewma"):
        one, two = (grade(lambda n=name: method(n), h, Task(victim=0, k=K, test_days=(13,))) for h in (past, cut))  # type: ignore[misc]
        assert one.listed == two.listed > 0


def test_what_was_told_late_helps_only_later() -> None:
    """A peer's meeting that it told after the value came to us is no lead."""
    source, victim, day = (np.array(column) for column in zip(*ROWS, strict=True))
    late = history(4, 6, [0, 1], [source, victim, day, np.where(victim == 1, 5, day), day * DAY])
    assert grade(Gwol, late, Task(victim=0, k=10, test_days=(3, 4), unmet=True)).listed == 0


def test_too_little_to_learn_is_silence_not_zero() -> None:
    """Days on which a method cannot learn are counted as silent, with the sentence that says why."""
    found = grade(lambda: method("ranker"), small(), Task(victim=0, k=5, test_days=(1, 3)))
    assert (found.test_days, found.silent_days, found.listed) == (0, 2, 0)
    assert found.why_silent.startswith("E-WARN-13")
    assert (found.precision_between.low, found.precision_between.high) == (0.0, 1.0)
    assert found.median_lead_hours is None


def test_neighbours_find_what_the_local_baseline_cannot() -> None:
    """In a world where attackers go from side to side, others' meetings give hits beyond our own past."""
    past = world(days=20).history()
    assert graded(lambda: method("lwol"), past).hits == 0
    for name in ("hpb", "knn"):
        found = graded(lambda n=name: method(n), past)  # type: ignore[misc]
        assert found.hits == found.beyond_own == found.first_meetings > 20
        assert found.median_lead_hours is not None
        assert found.median_lead_hours > 6


@pytest.mark.parametrize("lie", Lie)
@pytest.mark.parametrize("name", ["gwol", "hpb", "knn"])
def test_one_liar_takes_at_most_half(name: str, lie: Lie) -> None:
    """Whichever way one of six parties lies, at least half of the hits stay."""
    past = world(days=20).history()
    honest = graded(lambda: method(name), past).hits
    assert graded(lambda: method(name), with_liar(past, lie)).hits >= honest / 2


def test_without_the_bounds_a_liar_wins() -> None:
    """The same liars leave hardly anything when a party's word is not bounded: the bounds are what holds them."""
    past = world(days=20).history()
    for made, lie in ((Gwol, Lie.FLOOD), (Hpb, Lie.PARTNERS), (Knn, Lie.PARTNERS)):
        honest = graded(lambda make=made: make(bounded=False), past, bounded=False).hits  # type: ignore[misc]
        lied = graded(lambda make=made: make(bounded=False), with_liar(past, lie), bounded=False).hits  # type: ignore[misc]
        assert lied < honest / 2


def test_the_days_that_can_be_tested() -> None:
    """Some day lies before each tested day, and the days ahead of it are over."""
    past = history(1, 5, [0], [[0], [0], [0], [0], [0]])
    assert days_to_test(past, most=3) == (2, 3, 4)
    assert days_to_test(past, most=9, ahead=2) == (1, 2, 3)
    assert days_to_test(history(1, 1, [0], [[0]] * 5), most=9) == ()
