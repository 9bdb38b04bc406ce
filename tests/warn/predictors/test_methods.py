"""The methods against published check vectors and in small worlds."""

from __future__ import annotations

import builtins
import doctest
from typing import Any

import numpy as np
import pytest

from attack_scenes import SECTORS, world
from seawall.model import Fault, Unavailable
from seawall.warn import predictors
from seawall.warn.predictors import METHODS, Compared, NotEnough, PrivateHpb, history, method
from seawall.warn.predictors.ewma import Ewma
from seawall.warn.predictors.history import History
from seawall.warn.predictors.hpb import Hpb, links, propagation

PUBLIC = [name for name in METHODS if name != "private"]


def of_sets(*met: set[int], sources: int = 7, days: int = 1) -> History:
    """Each victim (a party of its own) met its sources on day 0."""
    rows = [(source, victim) for victim, found in enumerate(met) for source in sorted(found)]
    columns = [[row[0] for row in rows], [row[1] for row in rows], *([0] * len(rows) for _ in range(3))]
    return history(sources, days, list(range(len(met))), columns)


def test_the_example_runs() -> None:
    """The example at the head of the room does what it says."""
    assert doctest.testmod(predictors).failed == 0


def test_relevance_propagation_check_vector() -> None:
    """v1={s1,s2,s3}, v2={s2..s5}, v3={s5,s6}, alpha 0.5 gives the published links and relevances exactly."""
    past = of_sets({1, 2, 3}, {2, 3, 4, 5}, {5, 6})
    met = past.matrix()
    weights = links((met.T @ met).toarray())
    assert weights[0, 1] == pytest.approx(1 / 6)
    assert weights[1, 2] == pytest.approx(1 / 8)
    assert weights[0, 2] == weights[0, 0] == 0
    hpb = Hpb(alpha=0.5, scaled=False, bounded=False)
    hpb.fit(past)
    relevance = np.stack([hpb.scores(victim) for victim in range(3)], axis=1).round(5)
    assert relevance[4].tolist() == [0.08425, 0.01097, 0.06319]
    assert relevance[5].tolist() == [0.08951, 0.07416, 0.06713]
    assert relevance[6].tolist() == [0.00527, 0.06319, 0.00395]
    mine = hpb.scores(0)
    assert mine[5] > mine[4] > mine[6] > 0


def test_propagation_is_the_sum_of_its_powers() -> None:
    """The closed form equals the sum of (alpha W)^k, and stays finite where that sum would not."""
    weights = np.array([[0.0, 0.4, 0.1], [0.4, 0.0, 0.3], [0.1, 0.3, 0.0]])
    step, total, power = 0.5 * weights, np.zeros((3, 3)), np.eye(3)
    for _ in range(200):
        power = power @ step
        total += power
    assert propagation(weights, 0.5, scaled=False) == pytest.approx(total)
    assert np.isfinite(propagation(50 * weights, 0.9, scaled=False)).all()
    assert (propagation(np.zeros((2, 2)), 0.5, scaled=True) == 0).all()


def test_ewma_check_vector() -> None:
    """y = 1, 0, 1, 1, 0 with a = 0.5 gives 0.40625."""
    past = history(1, 5, [0], [[0, 0, 0], [0, 0, 0], [0, 2, 3], [0, 2, 3], [0, 0, 0]])
    ewma = Ewma(smoothing=0.5)
    ewma.fit(past)
    assert ewma.scores(0).tolist() == [0.40625]


def test_local_and_global_offenders() -> None:
    """Local counts our days and prefers the later of equals; global counts everybody's."""
    rows = [[0, 0, 1, 1, 2, 2, 2], [0, 0, 0, 0, 1, 2, 1], [0, 1, 1, 2, 0, 0, 2], [0] * 7, [0] * 7]
    past = history(3, 3, [0, 1, 2], rows)
    local, everybody = method("lwol"), method("gwol")
    for one in (local, everybody):
        one.fit(past)
    assert np.argsort(-local.scores(0)).tolist() == [1, 0, 2]
    assert local.scores(0)[2] == 0
    assert everybody.scores(0).tolist() == [2, 2, 3]


def test_neighbours_are_who_met_the_same() -> None:
    """The nearest victim counts most, and what only strangers met counts nothing."""
    past = of_sets({1, 2, 3}, {1, 2, 3, 4}, {3, 5}, {6})
    knn = method("knn")
    knn.fit(past)
    scores = knn.scores(0)
    assert scores[4] > scores[5] > scores[6] == 0
    assert knn.neighbours(0).argmax() == 1


def test_from_counts_alone_as_from_values() -> None:
    """With one peer the private variant, which sees three counts, ranks as the method that sees all values does."""
    past = of_sets({1, 2, 3}, {2, 3, 4, 5})
    open_method, private = Hpb(), PrivateHpb({1: Compared(mine=3, theirs=4, common=2)})
    for one in (open_method, private):
        one.fit(past)
    assert private.scores(0) == pytest.approx(open_method.scores(0))


def test_a_comparison_with_nothing_in_common_says_so() -> None:
    """Without any overlap there is nothing to go by, also when counts contradict each other."""
    past = of_sets({1}, {2})
    for compared in ({}, {1: Compared(0, 0, 0)}, {1: Compared(5, 9, 0)}):
        with pytest.raises(NotEnough) as raised:
            PrivateHpb(compared).fit(past)
        assert raised.value.code == "E-WARN-134"
    odd = PrivateHpb({1: Compared(mine=1, theirs=0, common=50)})
    odd.fit(past)
    assert np.isfinite(odd.scores(0)).all()


def test_the_ranker_learns_whom_the_others_met() -> None:
    """In a world with a pattern the learned ranker puts what comes above what does not."""
    past = world(days=20).history().before(19)
    joined, us = past.joined(range(SECTORS))
    ranker = method("ranker")
    ranker.fit(joined)
    scores = ranker.scores(us)
    whole, us = world(days=20).history().joined(range(SECTORS))
    came = np.unique(whole.source[(whole.victim == us) & (whole.day == 19)])
    known = np.unique(joined.source)
    came = np.intersect1d(came, known)
    assert len(came) > 5
    assert scores[came].mean() > 3 * scores[np.setdiff1d(known, came)].mean()


def test_the_ranker_needs_something_to_learn_from() -> None:
    """Few arrivals, one day: it says what is missing instead of guessing."""
    ranker = method("ranker")
    with pytest.raises(NotEnough) as raised:
        ranker.fit(of_sets({1}, {1, 2}))
    assert raised.value.code == "E-WARN-132"
    past = history(3, 3, [0, 1], [[0, 1, 2], [0, 1, 1], [0, 1, 2], [0, 1, 2], [0, 0, 0]])
    ranker.fit(past)
    with pytest.raises(NotEnough) as raised:
        ranker.scores(0)
    assert raised.value.code == "E-WARN-133"


def test_without_scikit_learn_the_rest_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence names the extra."""
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Unavailable) as raised:
        method("ranker").fit(world(days=5).history())
    assert raised.value.code == "E-WARN-131"


@pytest.mark.parametrize("name", PUBLIC)
def test_an_empty_history(name: str) -> None:
    """No rows, no victims' rows and no sources: no score, or a sentence that says what is missing; never a crash."""
    for past in (history(0, 0, [0], [[]] * 5), history(4, 3, [0, 1], [[]] * 5)):
        one = method(name)
        try:
            one.fit(past)
            assert one.scores(0).tolist() == [0.0] * past.sources
            assert one.neighbours(0).shape == (past.victims,)
        except NotEnough as fault:
            assert fault.code in ("E-WARN-132", "E-WARN-133")


@pytest.mark.parametrize("name", PUBLIC)
def test_scores_do_not_depend_on_the_order_of_rows(name: str) -> None:
    """Shuffled and doubled rows give the same scores."""
    plain = world(days=12, seed=3)
    order = np.random.default_rng(2).permutation(2 * len(plain.rows[0]))
    doubled = [np.concatenate((np.asarray(column),) * 2)[order] for column in plain.rows]
    again = history(plain.sources, plain.days, plain.history().party, doubled)
    one, two = method(name), method(name)
    (past, us), (other, _) = plain.history().joined(range(SECTORS)), again.joined(range(SECTORS))
    one.fit(past)
    two.fit(other)
    assert one.scores(us).max() > 0
    assert one.scores(us) == pytest.approx(two.scores(us))


def test_an_unknown_method() -> None:
    """The sentence names those that there are."""
    with pytest.raises(Fault) as raised:
        method("oracle")
    assert raised.value.code == "E-WARN-135"
    assert "knn" in str(raised.value)
