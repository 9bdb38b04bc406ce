"""When a message is due: escalation, quiet hours, and how long to wait after a failure. Pure."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from seawall.model import Fault, from_microseconds, to_microseconds
from seawall.warn.severity import Severity

MINUTE = 60_000_000  # microseconds
FIRST_WAIT, LONGEST_WAIT = MINUTE, 6 * 60 * MINUTE
MAX_ATTEMPTS = 14  # the last comes about two days after the first
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class QuietHours(msgspec.Struct, frozen=True):
    """From ``begin`` to ``end`` in local time, over midnight when ``end`` is earlier."""

    begin: time
    end: time

    @classmethod
    def read(cls, text: str) -> QuietHours | None:
        """``22:00-07:00``; None for an empty text. Raises Fault E-FLOW-840."""
        if not text:
            return None
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            raise Fault("E-FLOW-840", "Quiet hours are written 22:00-07:00, not {given}.", given=repr(text[:40]))
        hours = [int(part) for part in found.groups()]
        return cls(time(hours[0], hours[1]), time(hours[2], hours[3]))

    def end_after(self, at: int, zone: ZoneInfo) -> int:
        """The moment when quiet ends (microseconds UTC), or ``at`` itself when it is not quiet then."""
        local = from_microseconds(at).astimezone(zone)
        now = local.time().replace(tzinfo=None)
        if self.begin <= self.end:
            quiet, days = self.begin <= now < self.end, 0
        else:
            quiet, days = now >= self.begin or now < self.end, int(now >= self.begin)
        if not quiet:
            return at
        day = local.date() + timedelta(days=days)
        # a local time that daylight saving skips is taken as Python does (PEP 495): the hour before it ends
        return max(at, to_microseconds(datetime.combine(day, self.end, zone)))


def due_at(
    raised_at: int, severity: Severity, *, after_minutes: int, always: bool, quiet: QuietHours | None, zone: ZoneInfo
) -> int:
    """When a group raised at ``raised_at`` is told to one channel. Critical ones pass quiet hours."""
    at = raised_at + after_minutes * MINUTE
    if quiet is None or always or severity is Severity.CRITICAL:
        return at
    return quiet.end_after(at, zone)


def wait_after(attempts: int) -> int | None:
    """How long to wait after that many failures, in microseconds; None: no more."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return int(min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempts - 1)))
