"""The noise is what its formula says."""

from __future__ import annotations

import math
import random
from collections import Counter
from fractions import Fraction

import pytest

from seawall.exchange.noise import discrete_laplace, happens_exp

SAMPLES = 20_000


def exact(x: int, rate: float) -> float:
    """The probability of one value of the discrete Laplace distribution."""
    return (math.exp(rate) - 1) / (math.exp(rate) + 1) * math.exp(-rate * abs(x))


def chi_square(seen: Counter[int], expected: dict[int, float], samples: int) -> float:
    """The statistic over these cells; what falls outside them makes one more."""
    cells = [(seen[x], share * samples) for x, share in expected.items()]
    cells.append((samples - sum(seen[x] for x in expected), (1 - sum(expected.values())) * samples))
    return sum((got - want) ** 2 / want for got, want in cells)


@pytest.mark.parametrize(("epsilon", "sensitivity"), [(Fraction(1, 2), 1), (Fraction(2), 1), (Fraction(3, 2), 3)])
def test_samples_follow_the_exact_distribution(epsilon: Fraction, sensitivity: int) -> None:
    """A chi-square test against the exact probabilities passes."""
    dice = random.Random(7)
    seen = Counter(discrete_laplace(epsilon, sensitivity=sensitivity, below=dice.randrange) for _ in range(SAMPLES))
    rate = float(epsilon / sensitivity)
    expected = {x: exact(x, rate) for x in range(-12, 13) if exact(x, rate) * SAMPLES >= 10}
    freedom = len(expected)
    assert chi_square(seen, expected, SAMPLES) < freedom + 4 * math.sqrt(2 * freedom)


def test_a_wrong_distribution_is_found_out() -> None:
    """The same chi-square test fails for noise of another epsilon."""
    dice = random.Random(7)
    seen = Counter(discrete_laplace(Fraction(3, 5), below=dice.randrange) for _ in range(SAMPLES))
    expected = {x: exact(x, 0.5) for x in range(-8, 9)}
    freedom = len(expected)
    assert chi_square(seen, expected, SAMPLES) > freedom + 4 * math.sqrt(2 * freedom)


def test_the_systems_own_dice_are_the_default() -> None:
    """Without dice, samples differ from each other and lie around 0."""
    drawn = [discrete_laplace(Fraction(1, 2)) for _ in range(2_000)]
    assert len(set(drawn)) > 10
    assert abs(sum(drawn)) < 6 * 2.8 * math.sqrt(2_000)


def test_exponential_coin() -> None:
    """The coin falls with probability e^-gamma, also at both ends."""
    dice = random.Random(3)
    assert all(happens_exp(Fraction(0), below=dice.randrange) for _ in range(100))
    share = sum(happens_exp(Fraction(1), below=dice.randrange) for _ in range(SAMPLES)) / SAMPLES
    assert share == pytest.approx(math.exp(-1), abs=0.015)


@pytest.mark.parametrize(("epsilon", "sensitivity"), [(Fraction(0), 1), (Fraction(-1), 1), (Fraction(1), 0)])
def test_no_noise_is_no_answer(epsilon: Fraction, sensitivity: int) -> None:
    """Parameters that would give no noise are refused."""
    with pytest.raises(ValueError, match="above 0"):
        discrete_laplace(epsilon, sensitivity=sensitivity)


def test_the_coin_knows_its_range() -> None:
    """The exponential coin refuses a gamma outside 0 to 1."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        happens_exp(Fraction(3, 2))
