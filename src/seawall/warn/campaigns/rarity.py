"""How common each feature is, and what a link by it is worth."""

from __future__ import annotations

import numpy as np

from seawall.model.campaign import Kind
from seawall.warn.campaigns.distinct import distinct, distinct_first
from seawall.warn.campaigns.interface import KIND_CODE, KINDS, OURS, Evidence, Flags, Floats, Integers
from seawall.warn.campaigns.kinds import JOIN, WORTH, bounds

COUNTED_BY_ITEM = (Kind.LABEL, Kind.REGISTERED, Kind.RELATION, Kind.EVENT)
"""These make groups themselves, so their sharers are values."""


def base_groups(evidence: Evidence) -> Integers:
    """One number an item: values of one label of ours are one group, then values of one registered domain.

    Nobody's word about two labels joins them here: an item has one label, and a domain counts for unlabelled items
    only, so nothing is chained.
    """
    group = np.arange(len(evidence.keys), dtype=np.int64)
    taken = np.zeros(len(group), np.bool_)
    for kind in (Kind.LABEL, Kind.REGISTERED):
        ours = (evidence.kind[evidence.link_feature] == KIND_CODE[kind]) & (evidence.link_source == OURS)
        item, feature = evidence.link_item[ours], evidence.link_feature[ours]
        sharers = np.bincount(feature, minlength=len(evidence.kind))
        usable = (sharers[feature] <= WORTH[kind].few) & ~taken[item]
        item, feature = item[usable], feature[usable]
        order = np.lexsort((item, feature))
        item, feature = item[order], feature[order]
        item, at = distinct_first(item)  # one feature an item: the first
        feature = feature[at]
        first = np.full(len(evidence.kind), len(group), np.int64)
        np.minimum.at(first, feature, item)
        group[item] = first[feature]
        taken[item] = True
    return group


def weights(evidence: Evidence, group: Integers, counted: Flags, *, wholes: bool = False) -> Floats:
    """What a link by each feature is worth, 0 to its kind's most.

    ``group``: of each item, what counts as one sharer; ``counted``: items whose sharing counts; ``wholes``: the items
    are groups, of which fewer make a feature common.
    """
    features = len(evidence.kind)
    chosen = counted[evidence.link_item]
    item, feature = evidence.link_item[chosen], evidence.link_feature[chosen]
    by_item = _distinct(feature, item, len(evidence.keys), features)
    by_group = _distinct(feature, group[item], len(evidence.keys), features)
    groups = len(distinct(group[counted]))
    worth = np.zeros(features)
    for code, kind in enumerate(KINDS):
        few, many = bounds(kind, groups, wholes=wholes)
        here = evidence.kind == code
        sharers = (by_item if kind in COUNTED_BY_ITEM else by_group)[here] + evidence.background[here]
        share = 1 - np.log(np.maximum(sharers, few) / few) / np.log(many / few)
        worth[here] = WORTH[kind].most * np.clip(share, 0.0, 1.0)
    return worth


def _distinct(feature: Integers, other: Integers, others: int, features: int) -> Integers:
    """How many different ``other`` each feature has."""
    pairs = distinct(feature * np.int64(max(1, others)) + other)
    return np.bincount(pairs // max(1, others), minlength=features).astype(np.int64)


def enough_alone(weight: Floats) -> Flags:
    """Which features join values without any other."""
    return weight >= JOIN
