"""The history that predictors learn from, and what bounds a party's word in it."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.model import Fault
from seawall.warn.predictors import alone, history, top
from seawall.warn.predictors.history import LEAST_A_DAY
from seawall.warn.predictors.interface import limited


def test_rows_outside_the_days_are_left_out() -> None:
    """Days before the first and after the last, as wrong clocks give them, are no rows; duplicates are one."""
    past = history(3, 2, [0, 1], [[0, 0, 1, 2, 2], [0, 0, 1, 1, 0], [0, 0, 1, 5, -1], [0, 1, 0, 5, 0], [9, 7, 1, 1, 1]])
    assert past.source.tolist() == [0, 1]
    assert past.first.tolist() == [7, 1]
    assert past.known.tolist() == [0, 1]  # never known before it happened


def test_nothing_is_learnt_from_what_was_told_later() -> None:
    """A row of day 1 that was told on day 3 is not part of what was known when day 3 began."""
    past = history(2, 5, [0, 1], [[0, 1], [0, 1], [1, 1], [1, 3], [0, 0]])
    assert past.before(3).source.tolist() == [0]
    assert past.before(4).source.tolist() == [0, 1]
    assert past.before(1).source.tolist() == []


def test_victims_joined_are_one() -> None:
    """Meetings of several of our sectors on one day count once when all of us are asked for."""
    past = history(1, 1, [0, 0, 1], [[0, 0, 0], [0, 1, 2], [0, 0, 0], [0, 0, 0], [5, 3, 1]])
    joined, us = past.joined([0, 1])
    assert (us, joined.victim.tolist(), joined.first.tolist()) == (0, [0, 2], [3, 1])


def test_a_flood_weighs_little() -> None:
    """A party that names a hundred times as many values a day weighs accordingly less; ours always weighs 1."""
    rows = [(source, party, 0) for party in range(4) for source in range(50 * party, 50 * party + 50)]
    rows += [(source, 4, 0) for source in range(20_000)]
    columns = np.asarray(rows).T
    past = history(20_000, 1, range(5), [*columns, columns[2], columns[2]])
    weight = past.weights[past.victim == 4]
    assert weight.max() == pytest.approx(150 / 20_000)
    assert (past.weights[past.victim != 4] == 1.0).all()
    assert weight.sum() == pytest.approx(150)
    alone_with_us = history(20_000, 1, [0, 1], [*columns[:1], columns[1] // 4, *([columns[2]] * 3)])
    assert alone_with_us.weights[alone_with_us.victim == 1].sum() <= 3 * 200
    assert LEAST_A_DAY <= 150


def test_no_peer_outweighs_all_others() -> None:
    """A peer's victims together count at most as much as everybody else's; a lone peer keeps its weight."""
    party = np.array([0, 1, 1, 2])
    assert limited(np.array([1.0, 8.0, 2.0, 3.0]), party).tolist() == [1.0, 3.2, 0.8, 3.0]
    assert limited(np.array([0.0, 8.0, 2.0, 0.0]), party).tolist() == [0.0, 8.0, 2.0, 0.0]
    assert limited(np.zeros(4), party).tolist() == [0.0] * 4


def test_one_peer_gets_half_of_a_list() -> None:
    """Where several peers tell something, what rests on one of them alone fills at most half of a list."""
    rows = [(source, 1, 0) for source in range(10)] + [(10, 2, 0), (11, 0, 0), (0, 0, 0)]
    columns = np.asarray(rows).T
    past = history(12, 1, [0, 1, 2], [*columns, columns[2], columns[2]])
    scores = np.linspace(2, 1, 12)
    assert alone(past).tolist() == [0, *[1] * 9, 2, 0]
    assert top(scores, past, 4).tolist() == [0, 1, 2, 10]
    assert top(scores, past, 4, bounded=False).tolist() == [0, 1, 2, 3]
    assert top(scores, past, 4, wanted=np.arange(12) > 5).tolist() == [6, 7, 10, 11]
    assert top(np.zeros(12), past, 4).tolist() == []


def test_a_single_peer_is_not_cut() -> None:
    """With one peer there is nobody to prefer, so its word fills the list."""
    past = history(5, 1, [0, 1], [[0, 1, 2, 3, 4], [1] * 5, [0] * 5, [0] * 5, [0] * 5])
    assert top(np.ones(5), past, 4).tolist() == [0, 1, 2, 3]


def test_more_victims_than_can_be_held() -> None:
    """A sentence instead of a matrix that fills the memory."""
    with pytest.raises(Fault) as raised:
        history(1, 1, [0] * 5_000, [[]] * 5)
    assert raised.value.code == "E-WARN-130"


def test_equal_scores_go_by_meetings() -> None:
    """Of values that score alike those met more often stand first: a flood of one sensor on one day comes last."""
    rows = [(source, 0, 2) for source in range(50)] + [(50, 1, 1), (50, 0, 2)]
    columns = np.asarray(rows).T
    past = history(51, 3, [0, 1], [*columns, columns[2], columns[2]])
    assert top(np.ones(51), past, 1).tolist() == [50]
