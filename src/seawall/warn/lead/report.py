"""What an analysis of leads says, group by group. Times in seconds unless a name says otherwise; None: not known, or
too little to say it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.messages import mark

LEAST_BOTH = 10
"""Values met on both sides: below, no median and no test is told. Ten give a median's interval its first width that is
not the whole range (the 2nd to the 9th of them), and 7 of 10 is where Wilson's interval excludes a third."""


class By(StrEnum):
    """What stands together."""

    OBSERVABLE = "observable"
    CAMPAIGN = "campaign"
    SECTOR = "sector"
    PEER = "peer"
    TYPE = "type"
    ALL = "all"


class State(StrEnum):
    """Whether there is enough to say anything."""

    MEASURED = "measured"
    NOT_ENOUGH = "not-enough-data"
    ONE_SIDED = "one-sided"
    EMPTY = "empty"


FLAGS = {
    "clock-skew": mark("The other side's clock is probably wrong, so nothing is tested; somebody should set it right."),
    "claims-not-proved": mark("It says it was first more often than its commitments and messages prove."),
    "claims-everything-first": mark(
        "It says it saw nearly everything first, and nothing proves it: read nothing into that."
    ),
    "moments-not-told": mark("Of some values both hold, it has not told when it first saw them."),
    "told-too-late": mark("What it told came here after we had met it ourselves."),
    "assumed-delay": mark("Both sides lie in one lake: that we were told is assumed, with the delay of the settings."),
    "few-left": mark("Most values were taken out; what is left may not be typical."),
}
"""Name in the answers, and what it means. English; keys of the message catalogues."""


class WithinDays(msgspec.Struct, frozen=True):
    """P(seen here within so many days of being seen there), by Kaplan and Meier; ``at_risk`` were watched so long."""

    days: int
    share: float | None
    low: float | None
    high: float | None
    at_risk: int


class Clock(msgspec.Struct, frozen=True):
    """How far ahead of ours one side's clock probably is; told, never corrected."""

    party: str
    ahead_seconds: float
    low: float
    high: float
    gathered: int
    shared: int


class LeadGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One group's leads. Signed leads are positive where the value was first seen there."""

    group: str
    state: State
    both: int = 0
    only_there: int = 0  # not seen here yet: censored
    only_here: int = 0
    first_there: int = 0  # of both, by what each side says
    first_here: int = 0
    share_first_there: float | None = None
    share_low: float | None = None
    share_high: float | None = None
    proved_first_there: int = 0  # of first_there: we had evidence of it before we met it ourselves
    raw_lead_seconds: float | None = None  # median of all of both, signed
    raw_low: float | None = None
    raw_high: float | None = None
    told_in_time: int = 0  # of first_there: told before we met it
    usable_lead_seconds: float | None = None  # median over first_there; 0 where the word came late
    usable_low: float | None = None
    usable_high: float | None = None
    told_them_in_time: int = 0  # of first_here, the other way round
    their_usable_lead_seconds: float | None = None
    sharing_delay_seconds: float | None = None  # median from first seen there until told here
    within: tuple[WithinDays, ...] = ()
    tested: int = 0  # values that the null model saw
    null_share: float | None = None  # of values first there by chance alone
    null_low: float | None = None
    null_high: float | None = None
    null_lead_seconds: float | None = None
    lead_over_null_seconds: float | None = None  # on proved moments
    p_there: float | None = None  # chance alone shows there first as often
    q_there: float | None = None  # the same among all groups (false discovery rate)
    p_here: float | None = None
    q_here: float | None = None
    flags: tuple[str, ...] = ()
    taken_out: dict[str, int] = {}


class LeadReport(msgspec.Struct, frozen=True, kw_only=True):
    """All groups, and the whole."""

    by: By
    null: str
    draws: int
    seed: int
    whole: LeadGroup
    groups: tuple[LeadGroup, ...]
    clocks: tuple[Clock, ...] = ()  # of sides that are off
    parties: tuple[str, ...] = ()
    until: int | None = None  # we watched until then (microseconds UTC)
