"""Warnings against the truth: the arithmetic of recall, precision and lead, and nothing else.

What counts as right is written in ``docs/reference/truth-format.md``; why, in ``docs/decisions/0004-simulator.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median

import msgspec

from seawall.flow.simulator import Truth, ValueTruth
from seawall.model import Warning

Key = tuple[str, str]
ORDINARY, ONE_SIDED = "ordinary", "one-sided-campaign"


class Warned(msgspec.Struct, frozen=True):
    """What grading needs of a warning. ``complete``: it says that both sides were hit."""

    type: str
    value: str
    first_side: str
    complete: bool
    raw_lead_seconds: float | None = None
    usable_lead_seconds: float | None = None


class Grade(msgspec.Struct, frozen=True):
    """The result. Rates are None where nothing stands below the line.

    ``early_*`` count notices about values that only one side has met so far: they claim no crossing and are not part
    of recall or precision. ``by_adversity``: false warnings; ``recall_by_kind``: found and findable by campaign kind.
    """

    warnings: int
    true: int
    false: int
    findable: int
    found: int
    recall: float | None
    precision: float | None
    right_first_side: float | None
    median_usable_lead_seconds: float | None
    median_raw_lead_seconds: float | None
    positive_leads: int
    early_of_campaigns: int
    early_others: int
    campaigns: int
    campaigns_crossing: int
    campaigns_found: int
    by_adversity: dict[str, int]
    by_type: dict[str, int]
    recall_by_kind: dict[str, tuple[int, int]]
    false_values: tuple[tuple[str, str, str], ...]  # type, value, adversity
    missed_values: tuple[tuple[str, str, str], ...]  # type, value, campaign


def from_json(items: Iterable[Mapping[str, object]]) -> list[Warned]:
    """Warnings as ``seawall warnings --json`` prints them."""
    return [
        Warned(
            str(item["type"]),
            str(item["value"]),
            str(item["first_side"]),
            item.get("other_first_seen") is not None,
            _number(item.get("raw_lead_seconds")),
            _number(item.get("usable_lead_seconds")),
        )
        for item in items
    ]


def from_warnings(items: Iterable[Warning]) -> list[Warned]:
    """Warnings as the node's own values."""
    return [
        Warned(
            item.type.value,
            item.value,
            item.first_side,
            item.other_first_seen is not None,
            item.raw_lead_seconds,
            item.usable_lead_seconds,
        )
        for item in items
    ]


def merge(*lists: Iterable[Warned]) -> list[Warned]:
    """One warning a value from several nodes: complete before early, the greater usable lead before the lesser."""
    best: dict[Key, Warned] = {}
    for item in (item for items in lists for item in items):
        held = best.get((item.type, item.value))
        if held is None or _rank(item) > _rank(held):
            best[item.type, item.value] = item
    return [best[key] for key in sorted(best)]


def _rank(item: Warned) -> tuple[bool, float]:
    return item.complete, -1.0 if item.usable_lead_seconds is None else item.usable_lead_seconds


def grade(warnings: Iterable[Warned], truth: Truth) -> Grade:
    """Judge each warning once; equal values count once."""
    known = {(item.type.value, item.value): item for item in truth.values}
    traps = {(trap.type.value, trap.value): trap.adversity for trap in truth.traps}
    distinct = {(item.type, item.value): item for item in merge(warnings)}
    complete = {key: item for key, item in distinct.items() if item.complete}
    right = {key: item for key, item in complete.items() if key in known and known[key].true and key not in traps}
    wrong = {key: _adversity(key, known, traps) for key in complete if key not in right}
    findable = {key: item for key, item in known.items() if item.findable}
    early = [key for key, item in distinct.items() if not item.complete]
    usable = [item.usable_lead_seconds for item in right.values() if item.usable_lead_seconds is not None]
    raw = [item.raw_lead_seconds for item in right.values() if item.raw_lead_seconds is not None]
    ordered = [(key, item) for key, item in right.items() if len(known[key].sides) > 1]
    found = findable.keys() & right.keys()
    return Grade(
        warnings=len(complete),
        true=len(right),
        false=len(wrong),
        findable=len(findable),
        found=len(found),
        recall=_share(len(found), len(findable)),
        precision=_share(len(right), len(complete)),
        right_first_side=_share(sum(item.first_side == first_side(known[key]) for key, item in ordered), len(ordered)),
        median_usable_lead_seconds=median(usable) if usable else None,
        median_raw_lead_seconds=median(raw) if raw else None,
        positive_leads=sum(lead > 0 for lead in usable),
        early_of_campaigns=sum(key in known and key not in traps for key in early),
        early_others=sum(key not in known or key in traps for key in early),
        campaigns=len(truth.campaigns) or len({item.campaign for item in truth.values}),
        campaigns_crossing=len({item.campaign for item in findable.values()}),
        campaigns_found=len({known[key].campaign for key in right}),
        by_adversity=dict(Counter(wrong.values()).most_common()),
        by_type=dict(Counter(key[0] for key in complete).most_common()),
        recall_by_kind=_recall_by_kind(truth, findable, found),
        false_values=tuple((*key, adversity) for key, adversity in sorted(wrong.items())),
        missed_values=tuple((*key, findable[key].campaign) for key in sorted(findable.keys() - found)),
    )


def first_side(value: ValueTruth) -> str:
    """The side that really met the value first."""
    return min(value.sides, key=lambda side: value.sides[side].first_seen)


def _adversity(key: Key, known: dict[Key, ValueTruth], traps: dict[Key, str]) -> str:
    if key in traps:
        return traps[key]
    return ONE_SIDED if key in known else ORDINARY


def _recall_by_kind(truth: Truth, findable: dict[Key, ValueTruth], found: set[Key]) -> dict[str, tuple[int, int]]:
    kinds = {campaign.id: campaign.kind for campaign in truth.campaigns}
    counts: dict[str, tuple[int, int]] = {}
    for key, item in findable.items():
        kind = kinds.get(item.campaign, "unknown")
        hit, of = counts.get(kind, (0, 0))
        counts[kind] = (hit + (key in found), of + 1)
    return dict(sorted(counts.items()))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
