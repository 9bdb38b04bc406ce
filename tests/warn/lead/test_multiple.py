"""The false discovery rate: scipy's values, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from seawall.warn.lead import benjamini_hochberg


def test_q_values_agree_with_scipy() -> None:
    """In any order and with ties, the q-values are scipy's."""
    random = np.random.default_rng(1)
    for count in (1, 2, 17, 300):
        given = np.round(random.random(count), 2)
        assert benjamini_hochberg(list(given)) == pytest.approx(list(stats.false_discovery_control(given)))


def test_nothing_has_no_q_values() -> None:
    """No tests, no answers."""
    assert benjamini_hochberg([]) == []


@pytest.mark.parametrize("wrong", [[-0.1], [1.1], [float("nan")]])
def test_what_is_no_probability_is_an_error(wrong: list[float]) -> None:
    """A p-value outside 0 to 1 is refused."""
    with pytest.raises(ValueError, match="p-value"):
        benjamini_hochberg(wrong)


def test_pure_chance_rarely_passes() -> None:
    """Of 200 families of 50 tests without any truth in them, about one in twenty lets anything pass at 0.05."""
    random = np.random.default_rng(2)
    passed = sum(min(benjamini_hochberg(list(random.random(50)))) <= 0.05 for _ in range(200))
    assert stats.binomtest(passed, 200, 0.05).pvalue > 0.001
