"""Noise in shares: each member draws NB(1/k) - NB(1/k), and any k shares together are exactly discrete Laplace.

NB(r) has the mass C(x + r - 1, x) (1 - q)^r q^x with q = exp(-rate), rate = epsilon / sensitivity. NB(1) is geometric,
and the difference of two geometrics is the discrete Laplace distribution of ``exchange.noise``. Sampling is exact, as
there. For r = 1/k by rejection: the ratio of NB(1/k) to the geometric mass falls from its value at 0, so a geometric x
is kept with probability prod_{i=1..x} ((i - 1) k + 1) / (i k).

Every member knows its own share and can take it out of a sum. So ``k`` is one less than the members: what the others
added is a whole discrete Laplace, and the published sum bears n / (n - 1) of it. Two members: each adds a whole one.
"""

from __future__ import annotations

import math
import secrets
from fractions import Fraction

from seawall.exchange.noise import Below, happens_exp

ONE = Fraction(1)
CONFIDENCE = 0.95


def rate_of(epsilon: int, sensitivity: int) -> Fraction:
    """``epsilon`` in thousandths; ``sensitivity``: how far one unit moves the whole vector (L1)."""
    return Fraction(epsilon, 1_000 * sensitivity)


def parts_for(members: int) -> int:
    """k: how many shares make a whole, so that the sum stays noised when one member takes its own share out."""
    return max(1, members - 1)


def noise_share(rate: Fraction, k: int, below: Below = secrets.randbelow) -> int:
    """NB(1/k) - NB(1/k); with ``k`` = 1 a discrete Laplace number of its own."""
    return negative_binomial(rate, k, below) - negative_binomial(rate, k, below)


def negative_binomial(rate: Fraction, k: int, below: Below) -> int:
    """One NB(1/k) number, exactly."""
    while True:
        x = geometric(rate, below)
        if all(below(i * k) < (i - 1) * k + 1 for i in range(1, x + 1)):
            return x


def geometric(rate: Fraction, below: Below) -> int:
    """P(x) = (1 - q) q^x, exactly (within CKS20 algorithm 2)."""
    scale = rate.denominator
    rest = below(scale)
    while not happens_exp(Fraction(rest, scale), below=below):
        rest = below(scale)
    whole = 0
    while happens_exp(ONE, below=below):
        whole += 1
    return (rest + scale * whole) // rate.numerator


def deviation(rate: Fraction, members: int) -> float:
    """Standard deviation of the noise in a published sum."""
    q = math.exp(-rate)
    return math.sqrt(2 * members / parts_for(members) * q) / (1 - q)


def margin(rate: Fraction, members: int, confidence: float = CONFIDENCE) -> int:
    """The least m such that the noise of a published sum lies within -m..m with this probability."""
    masses = noise_masses(rate, members / parts_for(members))
    held, m = masses[0], 0
    while held < confidence and m + 1 < len(masses):
        m += 1
        held += 2 * masses[m]
    return m


def noise_masses(rate: Fraction, shape: float) -> list[float]:
    """P(noise = 0), P(noise = 1) ... of NB(shape) - NB(shape), which is symmetric. For what is shown, and for tests."""
    q = math.exp(-rate)
    most = math.ceil(30 / rate)  # what lies beyond has a mass below 1e-12
    single = [(1 - q) ** shape]
    for x in range(1, 2 * most):
        single.append(single[-1] * q * (x - 1 + shape) / x)
    return [math.fsum(single[x] * single[x + shift] for x in range(most)) for shift in range(most)]
