"""Groups as wholes: two parts of one campaign often share their means as groups while no two values share enough.

A group stands here as one item that has what enough of its members have; the same pairs and rounds then apply to groups
(and to values still alone). How common a feature is, is counted in groups now.
"""

from __future__ import annotations

import numpy as np

from seawall.warn.campaigns.distinct import distinct, distinct_counts, distinct_places
from seawall.warn.campaigns.interface import OURS, Evidence, Flags, Integers
from seawall.warn.campaigns.pairs import edges
from seawall.warn.campaigns.rarity import weights
from seawall.warn.campaigns.rounds import rounds

TYPICAL = 0.1
"""A group has a feature when so many of its members have it: one of up to ten, two of up to twenty ..."""
RECURS = 2
"""And when at least two members have it, except in a pair: what one of many happened to have describes no group. With
the weaker kinds of evidence dealt out anew at random, this alone took wrong pairs from 12 % to 2 %."""
AS_WHOLES = 0.95
"""What a feature of groups is worth, beside one of values: a group has more features, so more are common by chance.
These numbers were chosen on made collections of 10 to 1,000 campaigns (bench/campaigns.py) for pair precision."""
AGREEING = np.array([AS_WHOLES, AS_WHOLES, 1.0, 1.3, 1.6])
"""By what a score is multiplied when so many independent families agree, 0 to 4 and more. Chance must hit each family
anew: network, target and client of one group together are rarer than their worths say, which were set for pairs.
Chosen on six simulated seasons of two sides (a tenth more for two families costs a seventh of precision on one)."""
GROUPS_AT_LEAST = 30
"""With fewer groups nobody can tell what is common, and agreement counts for no more than it is worth."""
LOOKS = 3
"""Looks until nothing joins any more, at most."""


def look_again(evidence: Evidence, label: Integers, core: Flags) -> Integers:
    """Join groups that are alike as wholes. ``label``: of each item; items that are not ``core`` keep theirs."""
    for _ in range(LOOKS):
        looked = _joined(evidence, label, core)
        if np.array_equal(looked, label):
            break
        label = looked
    return label


def _joined(evidence: Evidence, label: Integers, chosen: Flags) -> Integers:
    """``label`` after one look at the groups of the chosen items."""
    numbers, place = distinct_places(label[chosen])
    whole = _as_items(evidence, place.astype(np.int64), chosen, len(numbers))
    alone = np.arange(len(numbers), dtype=np.int64)
    counted = np.ones(len(numbers), np.bool_)
    several = int((np.bincount(place) > 1).sum()) >= GROUPS_AT_LEAST
    links = edges(whole, weights(whole, alone, counted, wholes=True), AGREEING if several else AGREEING[:1])
    found = rounds(alone, links, counted)
    if len(distinct(found)) == len(numbers):
        return label
    label = label.copy()
    first = np.full(len(numbers), np.iinfo(np.int64).max)
    np.minimum.at(first, found, numbers)
    label[chosen] = first[found[place]]
    return label


def _as_items(evidence: Evidence, place: Integers, core: Flags, groups: int) -> Evidence:
    number = np.full(len(evidence.keys), -1, np.int64)
    number[core] = place
    features = np.int64(max(1, len(evidence.kind)))
    # what only a peer says describes no group
    ours = core[evidence.link_item] & (evidence.link_source == OURS)
    items = distinct(evidence.link_item[ours] * features + evidence.link_feature[ours])
    has, count = distinct_counts(number[items // features] * features + items % features)
    sizes = np.bincount(place, minlength=groups)
    of = sizes[has // features]
    enough = (count >= TYPICAL * of) & (count >= np.minimum(RECURS, (of + 1) // 2))
    first = np.full(groups, np.iinfo(np.int64).max)
    last = np.full(groups, np.iinfo(np.int64).min)
    np.minimum.at(first, place, evidence.first[core])
    np.maximum.at(last, place, evidence.last[core])
    return Evidence(
        [("", "")] * groups,
        first,
        last,
        np.full(groups, OURS),
        has[enough] // features,
        has[enough] % features,
        np.full(int(enough.sum()), OURS),
        evidence.kind,
        evidence.text,
        evidence.background,
    )
