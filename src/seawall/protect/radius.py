"""Blast radius: how many of our own legitimate sessions a block would have cut, as a table built beforehand answers.

**What counts as legitimate.** A session without alarm (``radius_lake``) with a counterpart that

- at least ``MANY_HOSTS`` own addresses began sessions with and never alarmed about, or
- we had sessions with for at least ``LONG_HISTORY`` before the first alarm about it (or up to now, without alarm).

**What this cannot see.** A service that a single host of ours uses since last week counts as zero, and an implant that
many of our hosts carry unnoticed counts as legitimate: the first is why the table may ask for a person and never
replaces one, the second only delays a block. Whom nobody met in a lake that is too short is "not known", not zero.
"""

from __future__ import annotations

import math

import msgspec

DAY = 86_400_000_000  # microseconds

MANY_HOSTS = 3
"""A victim or two that no signature covered stay below; a service that people use does not stay there for long."""

LONG_HISTORY = 7 * DAY
"""Attackers' addresses and names live for days (LIVES in ``bounds``); what was met for a week before is older."""

BITS = 62
"""Of a bit set of own addresses, as in the lake's roll-up."""

LONGEST_KEY = 253
"""Characters of a name (RFC 1035): longer ones are none and not kept."""


class Horizon(msgspec.Struct, frozen=True, kw_only=True):
    """What the whole table stands on: as much as is needed to say that a value was *not* met."""

    built_at: int  # microseconds UTC
    first: int | None = None  # of the sessions in it, microseconds UTC; None: no session
    last: int | None = None
    sessions: int = 0  # records of our own hosts' conversations with others, legitimate or not
    days: int = 14  # how far back it looks
    least_sessions: int = 1_000  # below these two, a value that was not met tells nothing
    least_days: float = 1.0

    @property
    def covered_days(self) -> float:
        """Days between the first and the last session."""
        return 0.0 if self.first is None or self.last is None else (self.last - self.first) / DAY

    @property
    def enough(self) -> bool:
        """Whether "not met" may be believed."""
        return self.sessions >= self.least_sessions and self.covered_days >= self.least_days


class Radius(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a block of one value would have cut in the days that the table covers."""

    sessions: int  # legitimate ones
    hosts: int  # of ours that had them; of a network or a name with names below: the sum, so at most that many
    horizon: Horizon
    last: int | None = None  # the latest such session, microseconds UTC
    seen: int = 0  # all sessions with it, legitimate or not

    @property
    def known(self) -> bool:
        """Whether the answer means something: sessions were found, or enough was looked at to say there are none."""
        return self.sessions > 0 or self.horizon.enough


class Met(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What the table holds of one value. Moments in microseconds UTC."""

    out: int  # sessions without alarm that we began
    inn: int  # and that they began
    alarms: int
    hosts: int  # own addresses without alarm: the most of one day
    bits: int  # their bit set over all days
    alarm_bits: int
    first: int | None
    last: int | None
    first_alarm: int | None

    @property
    def quiet_hosts(self) -> int:
        """Own addresses that began sessions with it and never alarmed about it; over several days estimated by linear
        counting (Whang et al., 1990), never below the most of one day."""
        count = (self.bits & ~self.alarm_bits).bit_count()
        estimate = 256.0 if count >= BITS else -BITS * math.log(1 - count / BITS)
        return max(round(estimate), self.hosts if not self.alarm_bits else 0)

    @property
    def legitimate(self) -> bool:
        """Whether its sessions without alarm count; see the head of this file."""
        if self.quiet_hosts >= MANY_HOSTS:
            return True
        if self.first is None or self.last is None:
            return False
        until = self.last if self.first_alarm is None else min(self.last, self.first_alarm)
        return until - self.first >= LONG_HISTORY


def radius_of(rows: list[Met], horizon: Horizon) -> Radius:
    """The blast radius of a block that covers all these values."""
    good = [row for row in rows if row.legitimate]
    return Radius(
        sessions=sum(row.out + row.inn for row in good),
        hosts=sum(max(row.quiet_hosts, 1) for row in good),
        horizon=horizon,
        last=max((row.last for row in good if row.last is not None), default=None),
        seen=sum(row.out + row.inn + row.alarms for row in rows),
    )
