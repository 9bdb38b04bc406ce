"""From evidence to groups.

First what we, or two others, know: pairs of values, rounds (``rounds``), a second look at groups as wholes. What only
one peer told is laid on afterwards: each such value joins at most one group of what others know, and never connects
two. So a peer that floods us moves nothing but its own values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seawall.warn.campaigns.distinct import distinct, distinct_places
from seawall.warn.campaigns.interface import OURS, Evidence, Flags, Floats, Groups, Integers
from seawall.warn.campaigns.pairs import Edges, edges
from seawall.warn.campaigns.rarity import base_groups, weights
from seawall.warn.campaigns.rounds import rounds
from seawall.warn.campaigns.second_look import look_again

MIN_MEMBERS = 2
"""A value alone is no campaign."""


def group(evidence: Evidence) -> Groups:
    """Group the items. The answer depends on what is known, not on the order in which it came."""
    order = np.array(sorted(range(len(evidence.keys)), key=evidence.keys.__getitem__), np.int64)
    features = np.array(sorted(range(len(evidence.text)), key=lambda one: (evidence.kind[one], evidence.text[one])))
    found = _grouped(_in_order(evidence, order, features.astype(np.int64)))
    label, strength, worth = np.empty_like(found.label), np.empty_like(found.strength), np.empty_like(found.weight)
    label[order], strength[order], worth[features.astype(np.int64)] = found.label, found.strength, found.weight
    return Groups(label, strength, worth, found.only_from)


def _in_order(evidence: Evidence, order: Integers, features: Integers) -> Evidence:
    """Items in the order of their keys, features in that of their texts, links in the order of both."""
    place, about = np.empty(len(order), np.int64), np.empty(len(features), np.int64)
    place[order], about[features] = np.arange(len(order)), np.arange(len(features))
    item, feature = place[evidence.link_item], about[evidence.link_feature]
    links = np.lexsort((evidence.link_source, feature, item))
    return Evidence(
        evidence.keys,
        evidence.first[order],
        evidence.last[order],
        evidence.source[order],
        item[links],
        feature[links],
        evidence.link_source[links],
        evidence.kind[features],
        evidence.text,
        evidence.background[features],
    )


def _grouped(evidence: Evidence) -> Groups:
    """``group`` of evidence in its own order. Keys and texts are not looked at any more."""
    base = base_groups(evidence)
    core = evidence.source == OURS
    worth = weights(evidence, base, core)
    links = edges(narrowed(evidence, core), worth)
    label = np.where(core, look_again(evidence, rounds(base, links, core), core), -1)
    found = [links]
    for peer in distinct(evidence.source[~core]):
        told = evidence.source == peer
        # a peer's flood may make a feature common for its own values only
        theirs = np.minimum(worth, weights(evidence, base, core | told))
        links = edges(narrowed(evidence, core | told, about=told), theirs)
        found.append(chosen(links, told[links.left] | told[links.right]))
        label = _lay_on(found[-1], label, told)
    return _finished(evidence, joined(found), label, worth)


def narrowed(evidence: Evidence, items: Flags, about: Flags | None = None) -> Evidence:
    """The same items and features with the links of some items only; ``about``: and of features that these have."""
    kept = items[evidence.link_item]
    if about is not None:
        wanted = np.zeros(len(evidence.kind), np.bool_)
        wanted[evidence.link_feature[about[evidence.link_item]]] = True
        kept &= wanted[evidence.link_feature]
    return replace(
        evidence,
        link_item=evidence.link_item[kept],
        link_feature=evidence.link_feature[kept],
        link_source=evidence.link_source[kept],
    )


def chosen(found: Edges, which: Flags) -> Edges:
    """The edges that are marked."""
    return Edges(found.left[which], found.right[which], found.score[which])


def joined(parts: Sequence[Edges]) -> Edges:
    """Several lists of edges as one."""
    columns = zip(*((part.left, part.right, part.score) for part in parts), strict=True)
    return Edges(*(np.concatenate(column) for column in columns))


def _lay_on(links: Edges, label: Integers, told: Flags) -> Integers:
    """What one peer alone told: each value joins its best group of others' values; the rest, each other."""
    label = label.copy()
    mixed = told[links.left] != told[links.right]
    inner = np.where(told[links.left], links.right, links.left)[mixed]
    outer = np.where(told[links.left], links.left, links.right)[mixed]
    order = np.lexsort((label[inner], -links.score[mixed], outer))
    outer, inner = outer[order], inner[order]
    first = np.r_[True, outer[1:] != outer[:-1]] if len(outer) else np.empty(0, np.bool_)
    label[outer[first]] = label[inner[first]]
    rest = told & (label == -1)
    among = chosen(links, rest[links.left] & rest[links.right])
    begin = int(label.max(initial=-1)) + 1
    alone = rounds(np.where(rest, np.arange(1, len(label) + 1), 0), among, rest)
    label[rest] = alone[rest] + begin
    return label


def _finished(evidence: Evidence, found: Edges, label: Integers, worth: Floats) -> Groups:
    """Drop what stayed alone; number groups by their first moment: the order of rows tells nothing."""
    _, label = distinct_places(label)
    sizes = np.bincount(label) if len(label) else np.empty(0, np.int64)
    kept = np.flatnonzero(sizes >= MIN_MEMBERS)
    began = np.full(len(sizes), np.iinfo(np.int64).max)
    np.minimum.at(began, label, evidence.first)
    kept = kept[np.lexsort((kept, began[kept]))]
    number = np.full(len(sizes), -1, np.int64)
    number[kept] = np.arange(len(kept))
    label = number[label] if len(label) else label
    strength = np.zeros(len(label))
    together = (label[found.left] == label[found.right]) & (label[found.left] >= 0)
    for end in (found.left, found.right):
        np.maximum.at(strength, end[together], found.score[together])
    low, high = np.full(len(kept), np.iinfo(np.int64).max), np.full(len(kept), OURS)
    grouped = label >= 0
    np.minimum.at(low, label[grouped], evidence.source[grouped])
    np.maximum.at(high, label[grouped], evidence.source[grouped])
    return Groups(label, strength, worth, np.where(low == high, low, OURS))
