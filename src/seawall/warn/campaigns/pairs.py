"""Which values may belong together, and how strongly: a sparse graph whose size stays near that of the evidence.

Comparing all that share a feature costs the square of how many share it. Instead the sharers of each feature are put in
two orders (by moment; and by the rarest thing of another family that each has, so that neighbours share more than this
one feature), and each is paired with the next few. What a campaign has in common then joins it in chains of strong
neighbours; every pair proposed is scored exactly, by all that the two share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seawall.model.campaign import Family
from seawall.warn.campaigns.distinct import distinct, distinct_first
from seawall.warn.campaigns.interface import OURS, Evidence, Flags, Floats, Integers
from seawall.warn.campaigns.kinds import (
    FAMILIES,
    FAMILY_OF,
    JOIN,
    PERIOD_AT_LEAST,
    PERIOD_HALVES,
    SAME_PERIOD,
    TOLD_AT_MOST,
)

ALL_UP_TO = 6
"""Sharers of one feature that are all paired with each other."""
NEIGHBOURS = 3
"""With more: how many following ones each is paired with, in each order. Bounds the pairs at six a link."""
ROUNDING = 1e-6
"""Weights are kept as 32-bit numbers."""
AT_ONCE = 400_000
"""Pairs scored together: about 300 MB at most with ten features each."""


AGREES = 0.1
"""What the common ground of one family must be worth to count as agreeing: a tool that everybody uses agrees always."""
AS_IT_IS = np.ones(1)
"""No more for families that agree: two values have few features, and each was weighed."""

_Tables = tuple[sparse.csr_array, sparse.csr_array | None, bool]
"""Of one family: what we say, what anybody says (None: the same), whether it can agree with others independently."""


@dataclass(frozen=True)
class Edges:
    """Pairs (left < right) that reach JOIN, and their scores."""

    left: Integers
    right: Integers
    score: Floats


def edges(evidence: Evidence, weight: Floats, agreeing: Floats = AS_IT_IS) -> Edges:
    """The pairs of items that have enough in common. ``weight``: of each feature; ``agreeing[n]``: by what a score is
    multiplied when n families agree (the last: n or more)."""
    live = weight[evidence.link_feature] > 0
    link = _Links(
        evidence.link_item[live],
        evidence.link_feature[live],
        evidence.link_source[live],
        FAMILY_OF[evidence.kind[evidence.link_feature[live]]],
        weight[evidence.link_feature[live]],
    )
    left, right = _proposed(evidence, link)
    tables = _tables(evidence, link)
    kept = [
        _scored(evidence, tables, left[at : at + AT_ONCE], right[at : at + AT_ONCE], agreeing)
        for at in _starts(len(left))
    ]
    if not kept:
        return Edges(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    return Edges(*(np.concatenate(parts) for parts in zip(*kept, strict=True)))


@dataclass(frozen=True)
class _Links:
    item: Integers
    feature: Integers
    source: Integers
    family: Integers
    weight: Floats


def _starts(count: int) -> Iterator[int]:
    yield from range(0, count, AT_ONCE)


def _proposed(evidence: Evidence, link: _Links) -> tuple[Integers, Integers]:
    by_moment = np.lexsort((link.item, evidence.first[link.item], link.feature))
    by_company = np.lexsort((link.item, evidence.first[link.item], _company(evidence, link), link.feature))
    count = np.int64(max(1, len(evidence.keys)))
    found = []
    sharers = np.bincount(link.feature, minlength=len(evidence.kind))
    for order in (by_moment, by_company):
        item, feature = link.item[order], link.feature[order]
        for step in range(1, ALL_UP_TO):
            one, other = item[:-step], item[step:]
            near = feature[:-step] == feature[step:]
            if step > NEIGHBOURS:
                near &= sharers[feature[step:]] <= ALL_UP_TO
            low, high = np.minimum(one[near], other[near]), np.maximum(one[near], other[near])
            found.append(distinct((low * count + high)[low != high]))
    pairs = distinct(np.concatenate(found))
    return pairs // count, pairs % count


def _company(evidence: Evidence, link: _Links) -> Integers:
    """Of each link: the most telling feature of its item that is of another family; the place of none is -1."""
    best = np.full((len(evidence.keys), 2), -1, np.int64)
    order = np.lexsort((link.feature, -link.weight, link.item))
    item, family = link.item[order], link.family[order]
    begins = np.r_[True, item[1:] != item[:-1]] if len(item) else np.empty(0, np.bool_)
    best[item[begins], 0] = link.feature[order][begins]
    top = np.full(len(evidence.keys), -1, np.int64)
    top[item[begins]] = family[begins]
    others = family != top[item]
    rest = item[others]
    begins = np.r_[True, rest[1:] != rest[:-1]] if len(rest) else np.empty(0, np.bool_)
    best[rest[begins], 1] = link.feature[order][others][begins]
    company: Integers = np.where(link.family == top[link.item], best[link.item, 1], best[link.item, 0])
    return company


def _tables(evidence: Evidence, link: _Links) -> list[_Tables]:
    """For each family that occurs, items x features."""
    made = []
    for family in range(len(FAMILIES)):
        of_family = link.family == family
        if of_family.any():
            ours = of_family & (link.source == OURS)
            told = not np.array_equal(ours, of_family)
            # techniques are read from signatures: they are no second witness beside the tool
            independent = FAMILIES[family] is not Family.TECHNIQUE
            anybody = _table(evidence, link, of_family) if told else None
            made.append((_table(evidence, link, ours), anybody, independent))
    return made


def _table(evidence: Evidence, link: _Links, chosen: Flags) -> sparse.csr_array:
    features = len(evidence.kind)
    pairs, at = distinct_first(link.item[chosen] * np.int64(max(1, features)) + link.feature[chosen])
    values = (link.weight[chosen][at].astype(np.float32), (pairs // max(1, features), pairs % max(1, features)))
    return sparse.coo_array(values, shape=(len(evidence.keys), features)).tocsr()


def _scored(
    evidence: Evidence, tables: list[_Tables], left: Integers, right: Integers, agreeing: Floats
) -> tuple[Integers, Integers, Floats]:
    score, told, families = np.zeros(len(left)), np.zeros(len(left)), np.zeros(len(left), np.int64)
    for ours, anybody, independent in tables:
        part = _common(ours, left, right)
        score += part
        if independent:
            families += part >= AGREES
        if anybody is not None:
            told += _common(anybody, left, right) - part
    # between values that one peer alone knows, its word counts in full; elsewhere it is bounded
    outside = (evidence.source[left] != OURS) & (evidence.source[left] == evidence.source[right])
    score += np.where(outside, told, np.minimum(told, TOLD_AT_MOST))
    score *= _periods(evidence, left, right) * agreeing[np.minimum(families, len(agreeing) - 1)]
    keep = score >= JOIN - ROUNDING
    return left[keep], right[keep], score[keep]


def _common(table: sparse.csr_array, left: Integers, right: Integers) -> Floats:
    """Of each pair, the worth of the strongest feature that both have."""
    if table.nnz == 0:
        return np.zeros(len(left))
    shared = table[left].minimum(table[right])
    return np.asarray(shared.max(axis=1).toarray()).ravel().astype(np.float64)


def _periods(evidence: Evidence, left: Integers, right: Integers) -> Floats:
    begins = np.maximum(evidence.first[left], evidence.first[right])
    ends = np.minimum(evidence.last[left], evidence.last[right])
    apart = np.maximum(begins - ends - SAME_PERIOD, 0)
    worth: Floats = np.maximum(PERIOD_AT_LEAST, 0.5 ** (apart / PERIOD_HALVES))
    return worth
