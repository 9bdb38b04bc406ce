"""Many tests at once: some come out well by chance, so their p-values are read together.

Benjamini, Hochberg, "Controlling the false discovery rate" (JRSS B 57, 1995): of m p-values in rising order, the q of
the i-th is the least p_j m / j of all j >= i. Of what is called real at q <= 0.05, one in twenty is chance on average.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """The q-value of each p-value, in the order given; none for none. Raises ValueError for a p outside 0 to 1."""
    given = np.asarray(p_values, np.float64)
    count = len(given)
    if not count:
        return []
    if not bool(((given >= 0) & (given <= 1)).all()):
        raise ValueError("a p-value lies between 0 and 1")
    order = np.argsort(given, kind="stable")
    scaled = given[order] * count / np.arange(1, count + 1)
    least = np.minimum.accumulate(scaled[::-1])[::-1]
    found = np.empty(count)
    found[order] = np.minimum(least, 1.0)
    return [float(one) for one in found]
