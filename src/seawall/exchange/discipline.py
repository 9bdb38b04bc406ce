"""What a peer did wrong, how heavily it counts, and when it is throttled or quarantined. Pure: no clock, no store.

Trouble of the network (no answer, a cut connection, a certificate that is not the peer's) is nobody's misdeed: who sits
on the wire must not be able to have a peer quarantined. Points fade: a day without misdeeds starts anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

SECOND = 1_000_000  # microseconds
WINDOW_SECONDS = 86_400  # misdeeds older than the last quiet day do not count
THROTTLE_POINTS = 6  # three answers that are too large, or six that cannot be read, within a day
QUARANTINE_POINTS = 12  # three pages with forged origins, or twelve unreadable answers: no accident lasts so long
THROTTLE_SECONDS = 900  # how long a throttled peer is served slowly, and not called
REASON_LENGTH = 300  # characters of a reason kept


class Misdeed(StrEnum):
    """Kinds of misbehaviour. The spelling is stored and stable."""

    MALFORMED = "malformed"  # not what the protocol or STIX describes
    OVERSIZE = "oversize"  # longer, deeper or more than was asked for or allowed
    FORGED = "forged"  # speaks for us or for another peer
    FLOOD = "flood"  # goes on after it was told to wait
    UNPROVED = "unproved"  # says that it committed to something in time, and what it shows says otherwise


POINTS: Mapping[Misdeed, int] = {
    Misdeed.MALFORMED: 1,
    Misdeed.OVERSIZE: 2,
    Misdeed.FLOOD: 2,
    Misdeed.FORGED: 4,
    Misdeed.UNPROVED: 4,
}

OF_CODE: Mapping[str, Misdeed] = {
    "E-EXCHANGE-104": Misdeed.MALFORMED,  # a redirect
    "E-EXCHANGE-105": Misdeed.MALFORMED,
    "E-EXCHANGE-107": Misdeed.MALFORMED,
    "E-EXCHANGE-113": Misdeed.MALFORMED,
    "E-EXCHANGE-114": Misdeed.MALFORMED,
    "E-EXCHANGE-115": Misdeed.MALFORMED,
    "E-EXCHANGE-117": Misdeed.MALFORMED,
    "E-EXCHANGE-106": Misdeed.OVERSIZE,
    "E-EXCHANGE-110": Misdeed.OVERSIZE,
    "E-EXCHANGE-111": Misdeed.OVERSIZE,
    "E-EXCHANGE-112": Misdeed.OVERSIZE,
    "E-EXCHANGE-116": Misdeed.OVERSIZE,
}
"""Faults of our client that are the peer's doing."""

OF_STATUS: Mapping[int, Misdeed] = {413: Misdeed.OVERSIZE, 422: Misdeed.MALFORMED}
"""Answers of our server to a POST that are the caller's doing. A body that drips (408) may be the network's."""


class Conduct(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one peer behaved lately. Moments in microseconds UTC."""

    counts: dict[str, int] = {}
    points: int = 0
    last_at: int = 0
    throttled_until: int = 0
    reason: str = ""  # of the last misdeed, one sentence for our own people
    quarantined_at: int = 0  # 0: not quarantined

    def is_throttled(self, at: int) -> bool:
        """Whether the peer is served slowly now."""
        return at < self.throttled_until


def judge(conduct: Conduct, misdeed: Misdeed, reason: str, at: int) -> Conduct:
    """The conduct after one more misdeed; ``quarantined_at`` and ``throttled_until`` say what follows."""
    if at - conduct.last_at > WINDOW_SECONDS * SECOND:
        conduct = Conduct(quarantined_at=conduct.quarantined_at)
    points = conduct.points + POINTS[misdeed]
    return Conduct(
        counts={**conduct.counts, misdeed.value: conduct.counts.get(misdeed.value, 0) + 1},
        points=points,
        last_at=at,
        throttled_until=at + THROTTLE_SECONDS * SECOND if points >= THROTTLE_POINTS else conduct.throttled_until,
        reason=reason[:REASON_LENGTH],
        quarantined_at=conduct.quarantined_at or (at if points >= QUARANTINE_POINTS else 0),
    )
