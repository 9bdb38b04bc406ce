"""Shares of noise: exact whole numbers whose sum is discrete Laplace."""

from __future__ import annotations

import math
import random
from collections import Counter
from fractions import Fraction

import pytest

from seawall.exchange.aggregate.shares import (
    deviation,
    geometric,
    margin,
    negative_binomial,
    noise_masses,
    noise_share,
    parts_for,
    rate_of,
)

RATE = Fraction(1, 4)
Q = math.exp(-RATE)


def chi_square(seen: Counter[int], expected: dict[int, float], count: int) -> tuple[float, float]:
    """The statistic over cells with at least 8 expected, the rest as one; and what it exceeds once in a million."""
    cells = {value: mass for value, mass in expected.items() if mass * count >= 8}
    rest = 1 - sum(cells.values())
    statistic = sum((seen[value] - mass * count) ** 2 / (mass * count) for value, mass in cells.items())
    beyond = count - sum(seen[value] for value in cells)
    freedom = len(cells) - 1
    if rest * count >= 8:
        statistic += (beyond - rest * count) ** 2 / (rest * count)
        freedom += 1
    # Wilson and Hilferty 1931; 4.753 is the normal quantile of 1 - 1e-6
    return statistic, freedom * (1 - 2 / (9 * freedom) + 4.753 * math.sqrt(2 / (9 * freedom))) ** 3


def symmetric(masses: list[float]) -> dict[int, float]:
    """Masses of 0, 1, 2 ... as masses of all whole numbers."""
    return {sign * x: mass for x, mass in enumerate(masses) for sign in (1, -1)}


def test_a_geometric_number_has_the_mass_of_its_name() -> None:
    """P(x) = (1 - q) q^x, by chi-square."""
    dice = random.Random(6).randrange
    seen = Counter(geometric(RATE, dice) for _ in range(8_000))
    statistic, bound = chi_square(seen, {x: (1 - Q) * Q**x for x in range(200)}, 8_000)
    assert statistic < bound


@pytest.mark.parametrize("k", [1, 2, 4])
def test_a_negative_binomial_share_has_the_mass_of_its_name(k: int) -> None:
    """NB(1/k), by chi-square against its recursion."""
    dice = random.Random(k).randrange
    masses, r = [(1 - Q) ** (1 / k)], 1 / k
    for x in range(1, 200):
        masses.append(masses[-1] * Q * (x - 1 + r) / x)
    seen = Counter(negative_binomial(RATE, k, dice) for _ in range(6_000))
    statistic, bound = chi_square(seen, dict(enumerate(masses)), 6_000)
    assert statistic < bound


@pytest.mark.parametrize("k", [1, 2, 4])
def test_k_shares_together_are_discrete_laplace(k: int) -> None:
    """The sum of any k shares has P(x) = (1 - q) / (1 + q) q^|x|, by chi-square."""
    dice = random.Random(10 + k).randrange
    seen = Counter(sum(noise_share(RATE, k, dice) for _ in range(k)) for _ in range(5_000))
    expected = symmetric([(1 - Q) / (1 + Q) * Q**x for x in range(200)])
    statistic, bound = chi_square(seen, expected, 5_000)
    assert statistic < bound


def test_a_wrong_distribution_fails_the_same_test() -> None:
    """One share alone of four is told from a whole: the test above can fail."""
    dice = random.Random(3).randrange
    seen = Counter(sum(noise_share(RATE, 4, dice) for _ in range(3)) for _ in range(5_000))
    statistic, bound = chi_square(seen, symmetric([(1 - Q) / (1 + Q) * Q**x for x in range(200)]), 5_000)
    assert statistic > bound


@pytest.mark.parametrize("members", [2, 3, 5])
def test_the_noise_of_a_published_sum_is_what_is_told_of_it(members: int) -> None:
    """All members' shares: masses, standard deviation and the 95 % margin agree with the samples."""
    dice, k = random.Random(members).randrange, parts_for(members)
    sums = [sum(noise_share(RATE, k, dice) for _ in range(members)) for _ in range(5_000)]
    masses = noise_masses(RATE, members / k)
    statistic, bound = chi_square(Counter(sums), symmetric(masses), 5_000)
    assert statistic < bound
    assert abs(masses[0] + 2 * sum(masses[1:]) - 1) < 1e-9
    measured = math.sqrt(sum(x * x for x in sums) / len(sums))
    assert measured == pytest.approx(deviation(RATE, members), rel=0.06)
    within = sum(abs(x) <= margin(RATE, members) for x in sums) / len(sums)
    assert 0.94 <= within <= 0.97


def test_one_member_that_takes_its_share_out_leaves_a_whole_noise() -> None:
    """n - 1 shares make one discrete Laplace; of two members, each adds a whole one."""
    assert [parts_for(n) for n in (2, 3, 5, 32)] == [1, 2, 4, 31]


def test_the_rate_is_epsilon_over_what_one_host_moves() -> None:
    """Epsilon 0.3 and three bins a host: one tenth."""
    assert rate_of(300, 3) == Fraction(1, 10)
