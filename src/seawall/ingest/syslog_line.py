"""The header of a syslog line, whatever its age: when, from which host, by which program, and what is left.

    <34>1 2026-03-14T03:12:00.003Z fw-1 app 77 ID47 [x@1 a="b"] message      RFC 5424
    <34>Mar 14 03:12:00 fw-1 app[77]: message                                RFC 3164, also with a year or fractions
    2026-03-14T03:12:00+09:00 fw-1 app[77]: message                          what daemons write into files
    98 <34>1 ...                                                             RFC 6587 3.4.1, one counted frame a line

Every part may be missing. A line without any header is all body.

The time of RFC 3164 has neither zone nor year. Without a zone it is given as ``time_raw``, for ``settle`` to read by
the zone of its sensor. The year is the latest one that does not put the line after ``year_of`` (the file's last
change, or now) by more than SKEW: a log is never of the future, and one read in January may begin in December.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

from seawall.ingest.values import moment
from seawall.model.clock import from_microseconds, system_clock

SKEW = timedelta(days=1)  # zones differ from UTC by up to 14 hours; the rest is for clocks that run ahead
YEARS_BACK = 8  # 29 February may be that far away (1896 to 1904)
HEADER_BOUND = 4096  # bytes looked at; RFC 5424 6.1 asks receivers for 2048
NIL = b"-"
_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1
    )
}
_FRAME = re.compile(rb"\d{1,7} (?=<\d{1,3}>)")
_PRIORITY = re.compile(rb"<\d{1,3}>")
_ISO = rb"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|z|[+-]\d\d:?\d\d)?"
_NEW = re.compile(  # VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]
    rb"[1-9]\d{0,2} (-|" + _ISO + rb") (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) "
    rb'(?:-|(?:\[[^\]"]*+(?:"(?:[^"\\]|\\.)*+"[^\]"]*+)*+\])++)(?: |$)(?:\xef\xbb\xbf)?',
    re.DOTALL,
)
_OLD_TIME = re.compile(
    rb"[*.]?(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(?P<day>\d{1,2})(?: (?P<year>\d{4}))? "
    rb"(?P<clock>\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?(?: (?P<late_year>(?:19|20)\d\d)(?=[ :]|$))?"
    rb"(?: (?P<zone>UTC|GMT|Z|[+-]\d\d:?\d\d)(?=[ :]|$))?(?P<end>:? |:$|$)"
)
_ISO_TIME = re.compile(rb"(" + _ISO + rb")(:? |:$|$)")
_BODY = re.compile(rb"(?:CEF|LEEF):")  # formats whose own first word looks like a program's name
_TAG = re.compile(rb"([A-Za-z0-9_][A-Za-z0-9_./@-]{0,63})(?:\[[^\]\s]{0,32}\])?:(?: |$)")
_HOST = re.compile(rb"([A-Za-z0-9_][A-Za-z0-9_.:%-]{0,254}) ")


class SyslogHeader(msgspec.Struct, frozen=True):
    """What stands before the message. At most one of the times is given; ``body`` is the rest of the line."""

    time_us: int | None  # microseconds UTC
    time_raw: str | None  # ISO 8601 without offset: local time of the sensor
    host: str | None
    app: str | None
    body: bytes


def parse_header(line: bytes, *, year_of: int | None) -> SyslogHeader:
    """The header of ``line``.

    ``year_of``: microseconds UTC of a moment by which the line was written, such as its file's last change; None: now.
    A time that cannot be is left out; nothing is raised.
    """
    at = 0
    if (frame := _FRAME.match(line)) is not None:
        at = frame.end()
    if (priority := _PRIORITY.match(line, at)) is not None:
        at = priority.end()
        if (new := _NEW.match(line, at)) is not None:
            return _rfc5424(new, line)
    if (iso := _ISO_TIME.match(line, at, HEADER_BOUND)) is not None:
        named, bare = _iso_time(iso[1].decode("ascii"))
        return _named(line, iso.end(), named, bare, host_follows=not iso[2].startswith(b":"))
    if (old := _OLD_TIME.match(line, at, HEADER_BOUND)) is not None:
        named, bare = _old_time(old, year_of)
        return _named(line, old.end(), named, bare, host_follows=not old["end"].startswith(b":"))
    return SyslogHeader(None, None, None, None, line[at:])


def frames(whole: bytes) -> bytes | None:
    """Counted frames that follow each other without line ends, one a line; None for what is made of lines already.

    RFC 6587 3.4.1. A line end inside a frame becomes a space. What follows a wrong count stands as it came.
    """
    first = _FRAME.match(whole)
    if first is None:
        return None
    after = first.end() + int(whole[: first.end() - 1])
    if whole[after : after + 1] in (b"", b"\n", b"\r") or _FRAME.match(whole, after) is None:
        return None
    found, at = [], 0
    while (frame := _FRAME.match(whole, at)) is not None:
        at = frame.end() + int(whole[frame.start() : frame.end() - 1])
        found.append(whole[frame.end() : at].replace(b"\n", b" "))
    return b"\n".join([*found, whole[at:]])


def _rfc5424(found: re.Match[bytes], line: bytes) -> SyslogHeader:
    time, bare = (None, None) if found[1] == NIL else _iso_time(found[1].decode("ascii"))
    return SyslogHeader(time, bare, _text(found[2]), _text(found[3]), line[found.end() :])


def _named(line: bytes, at: int, time: int | None, bare: str | None, *, host_follows: bool) -> SyslogHeader:
    """Host and program of what follows a time: ``host app[pid]: body`` with either left out."""
    host = app = None
    at_host = host_follows and _BODY.match(line, at) is None and _TAG.match(line, at) is None
    if at_host and (found := _HOST.match(line, at)) is not None:
        host, at = _text(found[1]), found.end()
    if _BODY.match(line, at) is None and (tag := _TAG.match(line, at)) is not None:
        app, at = _text(tag[1]), tag.end()
    return SyslogHeader(time, bare, host, app, line[at:])


def _iso_time(text: str) -> tuple[int | None, str | None]:
    """The moment of a time with offset, or the text of one without."""
    known = moment(text, None)
    if known is not None:
        return known, None
    return None, text if text[-1].isdigit() and "+" not in text and text.count("-") == 2 else None


def _old_time(found: re.Match[bytes], year_of: int | None) -> tuple[int | None, str | None]:
    given = found["year"] or found["late_year"]
    clock = found["clock"].decode("ascii")
    month, day = _MONTHS[found["month"]], int(found["day"])
    year = int(given) if given else _year(month, day, clock, system_clock() if year_of is None else year_of)
    if year is None:
        return None, None
    text = f"{year:04d}-{month:02d}-{day:02d}T{clock}"
    if found["fraction"]:
        text += "." + found["fraction"].decode("ascii")
    zone = found["zone"]
    if zone is None:
        return None, text
    return moment(text + ("Z" if zone in (b"UTC", b"GMT", b"Z") else zone.decode("ascii")), None), None


def _year(month: int, day: int, clock: str, by: int) -> int | None:
    """The latest year in which this date exists and is not after ``by``; None for no date."""
    limit = (from_microseconds(by) + SKEW).replace(tzinfo=None)
    hour, minute, second = (int(part) for part in clock.split(":"))
    for year in range(limit.year, limit.year - YEARS_BACK - 1, -1):
        try:
            made = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001  # its zone is not known yet
        except ValueError:
            continue
        if made <= limit:
            return year
    return None


def _text(word: bytes) -> str | None:
    return None if word == NIL else word.decode("utf-8", "backslashreplace")
