"""Rounds in which groups find their partners.

Plain connected components melt: one value on shared hosting is enough to make two campaigns one. Here groups grow in
rounds (Borůvka's, with ``scipy.sparse.csgraph`` for the components of each round: compiled, linear, deterministic; the
community detection of networkx keeps Python objects for every edge and takes a seed). In a round each group looks for
the group to which it is linked most; two that choose each other join, when on either side of their links stand at least
``REACH`` of the smaller one's values. So a chance link joins a stranger to one group, and one stranger with links to
two groups does not join these with each other.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from seawall.warn.campaigns.distinct import distinct_places
from seawall.warn.campaigns.interface import Flags, Floats, Integers
from seawall.warn.campaigns.pairs import Edges

REACH = 0.15
"""Of the smaller group's values, how many must be linked to the larger one. One of six and more is chance."""
ROUNDS = 100
"""Most rounds. Those that choose each other are at least a constant share of those that still find one."""


def rounds(label: Integers, links: Edges, counted: Flags) -> Integers:
    """Let groups join until none finds another. ``label``: any numbers; of each item, its group."""
    left, right, score = links.left, links.right, links.score
    for _ in range(ROUNDS):
        _, label = distinct_places(label)
        across = label[left] != label[right]
        left, right, score = left[across], right[across], score[across]
        if not len(left):
            break
        groups = int(label.max()) + 1
        joined = _partners(left, right, score, label, np.bincount(label[counted], minlength=groups))
        if not len(joined[0]):
            break
        graph = sparse.coo_array((np.ones(len(joined[0]), np.int8), joined), shape=(groups, groups))
        label = csgraph.connected_components(graph, directed=False)[1][label]
    return label.astype(np.int64)


def _partners(
    left: Integers, right: Integers, score: Floats, label: Integers, sizes: Integers
) -> tuple[Integers, Integers]:
    """Pairs of groups that join in this round: those that choose each other among those they reach far enough."""
    groups = np.int64(len(sizes))
    one, other = label[left], label[right]
    low, high = np.minimum(one, other), np.maximum(one, other)
    ends = (np.where(one < other, left, right), np.where(one < other, right, left))  # in low, in high
    order = np.argsort(low * groups + high, kind="stable")
    pair = (low * groups + high)[order]
    begins = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
    touched = [_distinct_in(pair, items[order], begins) for items in ends]
    mean = np.add.reduceat(score[order], begins) / np.diff(np.append(begins, len(pair)))
    low, high = pair[begins] // groups, pair[begins] % groups
    smaller = np.minimum(sizes[low], sizes[high])
    share = np.minimum(touched[0], touched[1]) / np.maximum(1, smaller)
    reached = share >= REACH
    low, high, power = low[reached], high[reached], (np.minimum(1.0, share) * mean)[reached]
    best = _best(low, high, np.round(power, 6), len(sizes))
    chosen = (best[low] == np.arange(len(low))) & (best[high] == np.arange(len(low)))
    return low[chosen], high[chosen]


def _distinct_in(pair: Integers, items: Integers, begins: Integers) -> Integers:
    """How many different items each pair of groups has on one side; rows of one pair stand together."""
    order = np.lexsort((items, pair))
    pair, items = pair[order], items[order]
    fresh = np.r_[True, (pair[1:] != pair[:-1]) | (items[1:] != items[:-1])].astype(np.int64)
    counts: Integers = np.add.reduceat(fresh, begins)
    return counts


def _best(low: Integers, high: Integers, power: Floats, groups: int) -> Integers:
    """Of each group the place of its strongest pair, -1 for none. Of equal pairs both ends prefer the same one."""
    # a mixed number of the pair decides, so that not all of a long row of equals wait for its first
    mixed = (low.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ (
        high.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    )
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    rank = np.empty(len(low), np.int64)
    rank[np.lexsort((mixed, power))] = np.arange(len(low))
    highest = np.full(groups, -1, np.int64)
    np.maximum.at(highest, low, rank)
    np.maximum.at(highest, high, rank)
    place = np.empty(len(low) + 1, np.int64)
    place[rank], place[-1] = np.arange(len(low)), -1
    return place[highest]
