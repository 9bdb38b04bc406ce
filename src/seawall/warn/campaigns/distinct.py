"""Distinct integers by sorting.

``numpy.unique`` keeps integers in a hash table since version 2.3; with keys built like ours (a number times a width,
plus another) it fell behind a sort by a factor of ten, and who chooses the values could choose collisions.
"""

from __future__ import annotations

import numpy as np

from seawall.warn.campaigns.interface import Flags, Integers


def distinct(values: Integers) -> Integers:
    """The different values, ascending."""
    ordered = np.sort(values)
    return ordered[_begins(ordered)]


def distinct_counts(values: Integers) -> tuple[Integers, Integers]:
    """The different values, ascending, and how often each occurs."""
    ordered = np.sort(values)
    places = np.flatnonzero(_begins(ordered))
    return ordered[places], np.diff(np.append(places, len(ordered)))


def distinct_places(values: Integers) -> tuple[Integers, Integers]:
    """The different values, ascending, and where among them each of ``values`` stands."""
    order = np.argsort(values, kind="stable")
    begins = _begins(values[order])
    place = np.empty(len(values), np.int64)
    place[order] = np.cumsum(begins) - 1
    return values[order][begins], place


def distinct_first(values: Integers) -> tuple[Integers, Integers]:
    """The different values, ascending, and where each occurs first."""
    order = np.argsort(values, kind="stable")
    begins = _begins(values[order])
    return values[order][begins], order[begins]


def _begins(ordered: Integers) -> Flags:
    return np.r_[True, ordered[1:] != ordered[:-1]] if len(ordered) else np.empty(0, np.bool_)
