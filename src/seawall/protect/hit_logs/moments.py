"""The moment at the beginning of a log line, in the forms that resolvers, mail servers and syslog write."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from seawall.model import to_microseconds

_ISO = re.compile(r"(?:<\d{1,3}>1? ?)?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)")
_EPOCH = re.compile(r"\[(\d{9,11})\] ")  # Unbound
_BIND = re.compile(r"(\d\d-[A-Z][a-z][a-z]-\d{4} \d\d:\d\d:\d\d\.\d{3}) ")
_BSD = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d) ")  # RFC 3164: no year


def moment_of(line: str, now: int, zone: tzinfo) -> int | None:
    """Microseconds UTC, or None when the line does not begin with a moment.

    A moment without a zone is one of ``zone``; one without a year is the last such before tomorrow.
    """
    try:
        if found := _ISO.match(line):
            return _known(datetime.fromisoformat(found.group(1).replace(",", ".")), zone)
        if found := _EPOCH.match(line):
            return int(found.group(1)) * 1_000_000
        if found := _BIND.match(line):
            return _known(datetime.strptime(found.group(1), "%d-%b-%Y %H:%M:%S.%f"), zone)  # noqa: DTZ007
        if found := _BSD.match(line):
            return _yearless(found.group(1), now, zone)
    except (ValueError, OverflowError):
        return None
    return None


def _known(moment: datetime, zone: tzinfo) -> int:
    return to_microseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))


def _yearless(text: str, now: int, zone: tzinfo) -> int:
    today = datetime.fromtimestamp(now / 1_000_000, UTC).astimezone(zone)
    moment = datetime.strptime(f"{today.year} {text}", "%Y %b %d %H:%M:%S").replace(tzinfo=zone)
    return to_microseconds(moment if moment <= today + timedelta(days=1) else moment.replace(year=today.year - 1))
