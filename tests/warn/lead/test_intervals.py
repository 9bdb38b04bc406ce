"""Wilson's interval and the bootstrap of the median: published values, and scipy's as a judge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from seawall.warn.lead import Interval, bootstrap_median, wilson


def test_seven_of_ten() -> None:
    """Seven of ten lie between 0.397 and 0.892."""
    found = wilson(7, 10)
    assert (round(found.low, 3), round(found.high, 3)) == (0.397, 0.892)


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 10), (10, 10), (3, 7), (999, 1_000_000)])
def test_a_share_agrees_with_scipy(successes: int, trials: int) -> None:
    """Every share has the interval that scipy gives it."""
    judge = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    found = wilson(successes, trials)
    assert (found.low, found.high) == pytest.approx((judge.low, judge.high), abs=1e-6)


def test_no_trials_say_nothing() -> None:
    """Without any trial the share may be anything."""
    assert wilson(0, 0) == Interval(0.0, 1.0)


@pytest.mark.parametrize(("successes", "trials", "z"), [(2, 1, 1.96), (-1, 1, 1.96), (1, 2, 0.0)])
def test_impossible_counts_are_an_error(successes: int, trials: int, z: float) -> None:
    """More successes than trials cannot be."""
    with pytest.raises(ValueError, match="successes"):
        wilson(successes, trials, z)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 51, 400])
def test_the_bootstrap_agrees_with_scipy(count: int) -> None:
    """The interval of the median is that of scipy's percentile bootstrap, as far as two sets of draws agree."""
    values = np.random.default_rng(count).lognormal(3, 1, count)
    ours = bootstrap_median(values, seed=1, draws=20_000)
    if count == 1:
        assert (ours.low, ours.high) == (values[0], values[0])
        return
    judge = stats.bootstrap(
        (values,), np.median, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    spread = float(values.max() - values.min())
    assert abs(ours.low - judge.low) <= 0.03 * spread
    assert abs(ours.high - judge.high) <= 0.03 * spread


def test_the_same_seed_gives_the_same_interval() -> None:
    """An interval can be told again, in any order of the values; another seed draws otherwise."""
    values = np.random.default_rng(5).normal(size=31)
    first = bootstrap_median(values, seed=1)
    assert first == bootstrap_median(values[::-1], seed=1)
    assert len({bootstrap_median(values, seed=seed, draws=9).low for seed in range(9)}) > 1


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    """Of 400 samples of 41, about 95 in a hundred intervals hold the true median."""
    random = np.random.default_rng(11)
    held = 0
    for _ in range(400):
        found = bootstrap_median(random.exponential(size=41), seed=3)
        held += found.low <= np.log(2) <= found.high
    assert stats.binomtest(held, 400, 0.95).pvalue > 0.001


def test_a_million_values_have_an_interval() -> None:
    """A narrow one around their median, from two draws for each resample and not a million."""
    values = np.random.default_rng(1).normal(size=1_000_000)
    found = bootstrap_median(values, seed=1)
    assert -0.01 < found.low < float(np.median(values)) < found.high < 0.01


@pytest.mark.parametrize("values", [[], [float("nan")], [1.0, float("inf")]])
def test_no_median_of_nothing(values: list[float]) -> None:
    """Nothing, and what is no number, has no median."""
    with pytest.raises(ValueError, match="median"):
        bootstrap_median(values, seed=1)
