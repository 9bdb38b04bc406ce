"""Kaplan-Meier: scipy's curve and intervals on censored data, and what may not be said."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from seawall.warn.lead import kaplan_meier, wilson


def censored(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Durations with ties, about a third of them censored."""
    random = np.random.default_rng(seed)
    came, left = random.exponential(10, count), random.exponential(20, count)
    return np.round(np.minimum(came, left), 1), came <= left


@pytest.mark.parametrize("count", [1, 2, 9, 60, 500])
def test_the_curve_agrees_with_scipy(count: int) -> None:
    """Shares and Greenwood's intervals are scipy's at every moment at which something was seen."""
    durations, seen = censored(count, count)
    curve = kaplan_meier(durations, seen)
    judge = stats.ecdf(stats.CensoredData(uncensored=durations[seen], right=durations[~seen])).sf
    assert curve.times == pytest.approx(judge.quantiles)
    assert curve.waiting == pytest.approx(judge.probabilities)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scipy divides by nobody left
        ends = judge.confidence_interval(method="log-log")
    for place, moment in enumerate(curve.times):
        within = curve.within(float(moment))
        assert within.share == pytest.approx(1 - judge.probabilities[place])
        if 0 < judge.probabilities[place] < 1:
            assert within.interval is not None
            assert within.interval.low == pytest.approx(1 - ends.high.probabilities[place], abs=1e-6)
            assert within.interval.high == pytest.approx(1 - ends.low.probabilities[place], abs=1e-6)


def test_what_has_not_come_is_not_counted_as_never() -> None:
    """Ten seen after a day, ten watched for an hour only: half of them all, but every one that was watched so long."""
    day, hour = 24.0, 1.0
    curve = kaplan_meier([day] * 10 + [hour] * 10, [True] * 10 + [False] * 10)
    assert curve.within(day).share == 1.0
    early = curve.within(2 * hour)
    assert early.share == 0.0
    assert early.interval == wilson(0, 10)
    assert curve.median() == day


def test_nothing_is_said_beyond_what_was_watched() -> None:
    """Beyond the longest duration there is no answer while something is still waited for."""
    curve = kaplan_meier([1.0, 2.0, 3.0], [True, False, False])
    assert curve.within(3.0).share == pytest.approx(1 / 3)
    assert curve.within(3.0).at_risk == 1
    assert curve.within(3.1).share is None
    assert curve.median() is None
    assert kaplan_meier([], []).within(1.0).share is None


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Of 300 censored samples, about 95 in a hundred intervals hold the true share."""
    truth, held = 1 - np.exp(-0.7), 0
    for seed in range(300):
        interval = kaplan_meier(*censored(120, 1_000 + seed)).within(7.0).interval
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert stats.binomtest(held, 300, 0.95).pvalue > 0.001


@pytest.mark.parametrize("durations", [[-1.0], [float("nan")], [1.0, 2.0]])
def test_what_is_no_duration_is_an_error(durations: list[float]) -> None:
    """A duration below 0, no number, or without an answer whether it was seen is refused."""
    with pytest.raises(ValueError, match="duration"):
        kaplan_meier(durations, [True])
