"""A campaign keeps its name: groups of today beside campaigns of yesterday.

1. Each campaign goes to the group that holds most of its members, each group takes the campaign that brought it most
   (of equals the one seen first, then the smaller id): it is that campaign.
2. A campaign whose group took another one was *merged into* that one.
3. A group without a campaign is new. When most of what it held before belonged to one campaign, it was *split from* it.
   Its id derives from its founding members: the earliest few by first sighting, type and value.
4. A campaign none of whose members is known today (their lines left the lake) stays as it is; one whose members are all
   known and stand alone has *ended*.

Nothing depends on the order in which things are given.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from seawall.model.campaign import HistoryKind
from seawall.model.stix.ids import derived_id
from seawall.warn.campaigns.interface import Prior

FOUNDERS = 5
"""Members whose keys make the id: enough that no two campaigns share them, few enough to be named on a screen."""
Key = tuple[str, str]


class Named(msgspec.Struct, frozen=True):
    """What became of groups and campaigns."""

    ids: tuple[str, ...]  # of each group
    founders: tuple[tuple[Key, ...], ...]  # of each group; empty when it was known before
    split_from: Mapping[int, str]  # group -> the campaign that it left
    merged_into: Mapping[str, str]  # campaign -> the one that took it in
    ended: frozenset[str]
    events: tuple[tuple[str, HistoryKind, str | None], ...]  # (campaign, what, other)


def name_groups(groups: Sequence[Sequence[Key]], moments: Mapping[Key, int], prior: Prior) -> Named:
    """Give each group (its members' keys; ``moments``: when each was first seen) the id of its campaign."""
    brought: dict[str, Counter[int]] = defaultdict(Counter)
    before: list[Counter[str]] = [Counter() for _ in groups]
    for number, members in enumerate(groups):
        for key in members:
            if (campaign := prior.members.get(key)) is not None:
                brought[campaign][number] += 1
                before[number][campaign] += 1
    home = {campaign: min(counts, key=lambda n: (-counts[n], n)) for campaign, counts in brought.items()}
    taken = _taken(home, before, prior)
    merged = {campaign: taken[number] for campaign, number in home.items() if taken[number] != campaign}
    used = set(prior.first_seen) | set(prior.members.values())
    ids: list[str] = []
    founders: list[tuple[Key, ...]] = []
    split: dict[int, str] = {}
    for number, members in enumerate(groups):
        if number in taken:
            ids.append(taken[number])
            founders.append(())
            continue
        first = tuple(sorted(members, key=lambda key: (moments[key], key))[:FOUNDERS])
        ids.append(_new_id(first, used))
        used.add(ids[-1])
        founders.append(first)
        if before[number]:
            origin, count = min(before[number].items(), key=lambda one: (-one[1], one[0]))
            if count >= 2:
                split[number] = merged.get(origin, origin)
    return Named(
        tuple(ids),
        tuple(founders),
        split,
        merged,
        _ended(moments, prior, set(home)),
        tuple(_events(ids, taken, split, merged)),
    )


def _taken(home: Mapping[str, int], before: Sequence[Counter[str]], prior: Prior) -> dict[int, str]:
    """Group -> the campaign that it is."""
    wanting: dict[int, list[str]] = defaultdict(list)
    for campaign, number in home.items():
        wanting[number].append(campaign)
    return {
        number: min(campaigns, key=lambda one: (-before[number][one], prior.first_seen.get(one, 0), one))
        for number, campaigns in wanting.items()
    }


def _new_id(founders: tuple[Key, ...], used: set[str]) -> str:
    parts = [part for key in founders for part in key]
    id, again = derived_id("campaign", *parts), 1
    while id in used:  # the same values founded one before, which went its own way since
        again += 1
        id = derived_id("campaign", *parts, str(again))
    return id


def _ended(moments: Mapping[Key, int], prior: Prior, homed: set[str]) -> frozenset[str]:
    """Campaigns that no group holds while all their members are known today."""
    unknown = {campaign for key, campaign in prior.members.items() if key not in moments}
    return frozenset(set(prior.members.values()) - homed - unknown)


def _events(
    ids: Sequence[str], taken: Mapping[int, str], split: Mapping[int, str], merged: Mapping[str, str]
) -> list[tuple[str, HistoryKind, str | None]]:
    found: list[tuple[str, HistoryKind, str | None]] = []
    for number, id in enumerate(ids):
        if number not in taken:
            found.append((id, HistoryKind.FOUNDED, None))
        if number in split:
            found += [(id, HistoryKind.SPLIT, split[number]), (split[number], HistoryKind.SPLIT, id)]
    for campaign, other in sorted(merged.items()):
        found += [(campaign, HistoryKind.MERGED, other), (other, HistoryKind.MERGED, campaign)]
    return found
