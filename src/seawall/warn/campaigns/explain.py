"""Why values stand together: for each group and each member the common ground that counts most."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seawall.model.campaign import Reason
from seawall.warn.campaigns.distinct import distinct, distinct_counts
from seawall.warn.campaigns.interface import KINDS, Evidence, Groups, Integers

OF_GROUP, OF_MEMBER = 8, 3
"""How many reasons a campaign and a member carry: more than anybody reads on one screen helps nobody."""
MAX_TEXT = 200
"""Characters of a feature in a reason: a signature's text is shorter, what a sensor wrote may be longer."""


class Explained:
    """Reasons of all groups and members of one grouping."""

    def __init__(self, evidence: Evidence, groups: Groups) -> None:
        features = np.int64(max(1, len(evidence.kind)))
        inside = groups.label[evidence.link_item] >= 0
        pairs = distinct(evidence.link_item[inside] * features + evidence.link_feature[inside])
        item, feature = pairs // features, pairs % features
        shared, count = distinct_counts(groups.label[item] * features + feature)
        at = np.searchsorted(shared, groups.label[item] * features + feature)
        useful = (count[at] >= 2) & (groups.weight[feature] > 0)
        self._evidence, self._groups = evidence, groups
        self._of_member = _ranked(item[useful], groups.weight[feature[useful]], feature[useful], count[at][useful])
        group, about = shared // features, shared % features
        several = count >= 2
        self._shared = group[several], about[several], count[several]
        useful = several & (groups.weight[about] > 0)
        strength = groups.weight[about[useful]] * count[useful]
        self._of_group = _ranked(group[useful], strength, about[useful], count[useful])

    def group(self, number: int) -> tuple[Reason, ...]:
        """Why a group holds together, what weighs most (worth times members) first."""
        return self._reasons(self._of_group, number, OF_GROUP)

    def shared(self, number: int) -> Iterator[Reason]:
        """Everything that two members or more share, whether it counts or is too common to."""
        low, high = np.searchsorted(self._shared[0], [number, number + 1])
        for feature, count in zip(self._shared[1][low:high], self._shared[2][low:high], strict=True):
            kind = KINDS[int(self._evidence.kind[feature])]
            weight = round(float(self._groups.weight[feature]), 3)
            yield Reason(kind, self._evidence.text[int(feature)][:MAX_TEXT], weight, int(count))

    def member(self, item: int) -> tuple[Reason, ...]:
        """Why an item stands in its group; empty when only the group as a whole is like others."""
        return self._reasons(self._of_member, item, OF_MEMBER)

    def _reasons(self, ranked: tuple[Integers, Integers, Integers], key: int, most: int) -> tuple[Reason, ...]:
        keys, features, counts = ranked
        low, high = np.searchsorted(keys, [key, key + 1])
        found: list[Reason] = []
        for feature, count in zip(features[low:high][: 4 * most], counts[low:high][: 4 * most], strict=True):
            kind = KINDS[int(self._evidence.kind[feature])]
            if sum(reason.kind is kind for reason in found) < 2:  # ten addresses say no more than two
                text = self._evidence.text[int(feature)][:MAX_TEXT]
                found.append(Reason(kind, text, round(float(self._groups.weight[feature]), 3), int(count)))
            if len(found) == most:
                break
        return tuple(found)


def _ranked(
    key: Integers, strength: Integers, feature: Integers, count: Integers
) -> tuple[Integers, Integers, Integers]:
    order = np.lexsort((feature, -strength, key))
    return key[order], feature[order], count[order]
