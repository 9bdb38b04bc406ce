"""Discrete Laplace noise, exactly: whole numbers and fair dice only, never a float (CKS20).

Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy" (NeurIPS 2020), algorithms 1 and 2:

    P[X = x]  =  (e^a - 1) / (e^a + 1) * e^(-a |x|),        a = epsilon / sensitivity

Floats would leak by their gaps (Mironov 2012), and ``random`` can be foretold: the dice come from ``secrets``. Whoever
needs a repeated answer keeps the noised number; noise drawn twice over one value is averaged away.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from fractions import Fraction

Below = Callable[[int], int]
"""A fair die: ``below(n)`` is one of 0 ... n - 1, each as likely (``secrets.randbelow``)."""


def discrete_laplace(epsilon: Fraction, *, sensitivity: int = 1, below: Below = secrets.randbelow) -> int:
    """One sample for a number that one person or item changes by at most ``sensitivity``.

    Both above 0. The standard deviation is near sqrt(2) * sensitivity / epsilon.
    Raises ValueError for an epsilon or a sensitivity that is not above 0.
    """
    if epsilon <= 0 or sensitivity < 1:
        raise ValueError("epsilon and sensitivity are above 0")
    rate = epsilon / sensitivity
    step, scale = rate.numerator, rate.denominator
    while True:
        rest = below(scale)
        if not happens_exp(Fraction(rest, scale), below=below):
            continue
        whole = 0
        while happens_exp(Fraction(1), below=below):
            whole += 1
        size = (rest + scale * whole) // step
        negative = below(2) == 1
        if not (negative and size == 0):  # 0 has one sign only
            return -size if negative else size


def happens_exp(gamma: Fraction, *, below: Below = secrets.randbelow) -> bool:
    """True with probability e^-gamma, exactly; 0 <= gamma <= 1 (CKS20 algorithm 1).

    Raises ValueError for another gamma.
    """
    if not 0 <= gamma <= 1:
        raise ValueError("gamma is between 0 and 1")
    turn = 1
    while below(gamma.denominator * turn) < gamma.numerator:
        turn += 1
    return turn % 2 == 1
