"""How much a warning asks of us, in five levels, with the points that made it so. Pure: facts in, a judgement out.

The points are ours and are documented (docs/how-to/act-on-warnings.md): evidence gives up to half of them, what is at
stake here the rest. A level is a place in a queue, not a statement about the attacker.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from seawall.messages import mark


class Severity(IntEnum):
    """From what may wait to what may not."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """As commands and screens show it."""
        return self.name.lower()


LEAST_POINTS = {Severity.CRITICAL: 75, Severity.HIGH: 58, Severity.MEDIUM: 42, Severity.LOW: 25, Severity.INFO: 0}
"""Fewest points of each level. A value that both sides raised alarms about, without anything else, is high; one that a
peer alone saw, is medium; with one doubt, low."""
MANY_VALUES = 3  # of one campaign: two may be one visit
STALE_DAYS, OLD_DAYS = 30, 90  # since anybody last saw it when it reached the desk: addresses change hands sooner


class SeverityFacts(msgspec.Struct, frozen=True):
    """What the level rests on."""

    confidence: int  # 0..100
    met_here: bool
    own_sectors: tuple[str, ...] = ()  # of the warning's sectors, those in which we have sensors or assets
    critical_sectors: tuple[str, ...] = ()  # of these, those in which we hold critical assets
    campaign_values: int = 1  # warnings of the same campaign, itself included
    confirmed_by: int = 0  # parties who said so
    refuted_by: int = 0
    quiet_days: int = 0  # from the newest evidence to the day on which it reached the desk


class Because(msgspec.Struct, frozen=True):
    """One reason with its points: an English sentence with places, key of the message catalogues."""

    points: int
    text: str
    values: dict[str, str | int] = {}


class Judged(msgspec.Struct, frozen=True):
    """The level, all points, and where they came from."""

    severity: Severity
    points: int
    because: tuple[Because, ...]


def judge_severity(facts: SeverityFacts) -> Judged:
    """The level of one warning; the same facts give the same level."""
    found = [reason for reason in _reasons(facts) if reason.points]
    points = max(0, sum(reason.points for reason in found))
    level = next(level for level, least in LEAST_POINTS.items() if points >= least)
    return Judged(level, points, tuple(found))


def severity_named(name: str) -> Severity | None:
    """The level of this name; None when there is none."""
    return Severity.__members__.get(name.strip().upper())


def _reasons(facts: SeverityFacts) -> list[Because]:
    confidence = max(0, min(100, facts.confidence))
    found = [Because(confidence // 2, mark("Its confidence is {confidence} of 100."), {"confidence": confidence})]
    if facts.met_here:
        found.append(Because(20, mark("It was met here.")))
    else:
        found.append(Because(15, mark("It has not been met here yet: there may be time to act.")))
    if facts.own_sectors:
        sectors = ", ".join(facts.own_sectors)
        found.append(Because(8, mark("It hits sectors of ours: {sectors}."), {"sectors": sectors}))
    if facts.critical_sectors:
        sectors = ", ".join(facts.critical_sectors)
        found.append(Because(12, mark("We hold critical assets in: {sectors}."), {"sectors": sectors}))
    if facts.campaign_values >= MANY_VALUES:
        many = 10 if facts.campaign_values >= 10 else 5
        found.append(Because(many, mark("{count} values of its campaign hit us or peers."), _count(facts)))
    if facts.confirmed_by:
        found.append(Because(10, mark("{count} parties confirmed it."), {"count": facts.confirmed_by}))
    if facts.refuted_by:
        # bounded: peers that call everything false must not be able to hide what others saw
        found.append(Because(-10, mark("{count} parties called it a false alarm."), {"count": facts.refuted_by}))
    if facts.quiet_days >= STALE_DAYS:
        old = -10 if facts.quiet_days >= OLD_DAYS else -5
        found.append(Because(old, mark("Nobody had seen it for {days} days."), {"days": facts.quiet_days}))
    return found


def _count(facts: SeverityFacts) -> dict[str, str | int]:
    return {"count": facts.campaign_values}
