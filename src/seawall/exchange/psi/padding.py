"""How long a list looks: the next of {1, 1.25, 1.5, 1.75} x 2^k points, so that a size tells little of a day.

padding        privacy notes 2.2 item 7: at most 25 % more, 16 % on average
check points   r*G among the values (1 %, at least 8): the answer must be r times the other side's committed key, so
               whoever answers with several keys, or makes answers up, is found out
"""

from __future__ import annotations

from seawall.exchange.sizes import list_class

LEAST_POINTS = 128  # a day with nothing new looks like a day with some
LEAST_CHECKS = 8
CHECKED_SHARE = 100  # one in a hundred


def checks_for(values: int) -> int:
    """How many check points go among so many values."""
    return max(LEAST_CHECKS, -(-values // CHECKED_SHARE))


def list_length(values: int) -> int:
    """How many points a list of so many values has."""
    return padded(values + checks_for(values))


def padded(points: int) -> int:
    """The next length that a list may have."""
    return list_class(max(points, LEAST_POINTS))


def most_items(points: int) -> int:
    """How many values fit a list of at most ``points`` points: what a guess budget of so many allows to bring. -1: no
    list at all fits."""
    if points < LEAST_POINTS:
        return -1
    low, high = 0, points
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if list_length(middle) <= points else (low, middle - 1)
    return low
