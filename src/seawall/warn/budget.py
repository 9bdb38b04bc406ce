"""The budget of warnings a day: which groups are raised now, and which wait below it. Pure.

A group is a campaign, or a single value. What is raised costs one of the day's places whatever its size; what joins a
raised group costs nothing. The rest waits, is listed, and goes up when there is room or when its evidence grows.

People's answers move the bar: a level of severity whose warnings were *more likely false than true* (the lower end of
Wilson's 95 % interval of its share of refuted answers lies above one half, so at least four in a row) is held, except
for ``PROBES`` groups a day: without them nobody could ever find out that it has become better. Critical ones are never
held by the bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from seawall.warn.lead.intervals import Interval, wilson
from seawall.warn.severity import Severity

FALSE_MORE_OFTEN = 0.5  # share of refuted answers above which a level is held
PROBES = 1  # groups of a held level that are raised all the same, each day
LEAST_ANSWERS = 10  # below it a share is shown with "not enough data"


class WaitingGroup(msgspec.Struct, frozen=True):
    """A group that is not raised. ``rank``: points of its strongest warning; ``placed_at`` in microseconds UTC."""

    id: str
    severity: Severity
    rank: float
    placed_at: int
    values: int = 1


class LevelRecord(msgspec.Struct, frozen=True):
    """What people here answered about warnings of one level."""

    confirmed: int
    refuted: int

    @property
    def answers(self) -> int:
        """Of both kinds."""
        return self.confirmed + self.refuted

    def false_share(self) -> Interval:
        """Wilson's 95 % interval of the share of false alarms."""
        return wilson(self.refuted, self.answers)

    @property
    def is_held(self) -> bool:
        """Whether its warnings are more likely false than true."""
        return self.false_share().low > FALSE_MORE_OFTEN


class Chosen(msgspec.Struct, frozen=True):
    """Ids of the groups that go up now, in order of urgency; how many stay, and of these how many by the bar."""

    raised: tuple[str, ...]
    waiting: int
    held_by_bar: int


def choose(
    groups: Iterable[WaitingGroup],
    *,
    budget: int,
    raised_today: int,
    records: Mapping[Severity, LevelRecord],
    probes_today: int = 0,
) -> Chosen:
    """Pick what is raised now. ``budget`` 0: no limit. The order of ``groups`` changes nothing."""
    held_levels = {level for level, record in records.items() if record.is_held and level is not Severity.CRITICAL}
    ranked = sorted(groups, key=_urgency)
    room = len(ranked) if budget == 0 else max(0, budget - raised_today)
    probes = max(0, PROBES - probes_today)
    raised: list[str] = []
    held = 0
    for group in ranked:
        if group.severity in held_levels:
            if probes == 0:
                held += 1
                continue
            if len(raised) < room:
                probes -= 1
        if len(raised) < room:
            raised.append(group.id)
    return Chosen(tuple(raised), len(ranked) - len(raised), held)


def false_alarm_rate(records: Sequence[LevelRecord]) -> tuple[int, int, Interval | None]:
    """(refuted, answers, Wilson's interval of the share) over all levels; None below ``LEAST_ANSWERS``."""
    refuted = sum(record.refuted for record in records)
    answers = sum(record.answers for record in records)
    return refuted, answers, wilson(refuted, answers) if answers >= LEAST_ANSWERS else None


def _urgency(group: WaitingGroup) -> tuple[int, float, int, str]:
    return -int(group.severity), -group.rank, group.placed_at, group.id
