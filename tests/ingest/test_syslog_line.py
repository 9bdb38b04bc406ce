"""Syslog headers of every age, and lines that only look like one."""

from __future__ import annotations

import pytest

from realdata import folder
from seawall.ingest.syslog_line import SyslogHeader, frames, parse_header
from seawall.model import to_microseconds
from seawall.model.moments import parse_moment

WRITTEN = to_microseconds(parse_moment("2026-03-14T12:00:00Z"))
NOON = to_microseconds(parse_moment("2026-03-14T03:12:00Z"))
HEADERS: dict[bytes, SyslogHeader] = {
    b'<34>1 2026-03-14T03:12:00.003Z fw-1 app 77 ID47 [x@1 a="b]\\"c"][y] \xef\xbb\xbfmessage': SyslogHeader(
        NOON + 3000, None, "fw-1", "app", b"message"
    ),
    b"<34>1 - - - - - -": SyslogHeader(None, None, None, None, b""),
    b"98 <34>1 2026-03-14T12:12:00+09:00 h a - - - m": SyslogHeader(NOON, None, "h", "a", b"m"),
    b"<34>1 2026-03-14T03:12:00 h a - - - m": SyslogHeader(None, "2026-03-14T03:12:00", "h", "a", b"m"),
    b"<34>Mar 14 03:12:00 fw-1 app[77]: message": SyslogHeader(None, "2026-03-14T03:12:00", "fw-1", "app", b"message"),
    b"Mar  4 03:12:00 app: message": SyslogHeader(None, "2026-03-04T03:12:00", None, "app", b"message"),
    b"<166>Aug 06 2016 20:39:42: %ASA-6-110002: x": SyslogHeader(
        None, "2016-08-06T20:39:42", None, None, b"%ASA-6-110002: x"
    ),
    b"<142>Jan  5 08:52:32 10.22.8.201 %ASA-6-106015: x": SyslogHeader(
        None, "2026-01-05T08:52:32", "10.22.8.201", None, b"%ASA-6-106015: x"
    ),
    b"Mar 14 03:12:00.25 GMT: x": SyslogHeader(NOON + 250_000, None, None, None, b"x"),
    b"Mar 14 12:12:00 2026 +09:00 h a: x": SyslogHeader(NOON, None, "h", "a", b"x"),
    b"Mar 14 03:12:00 host CEF:0|v": SyslogHeader(None, "2026-03-14T03:12:00", "host", None, b"CEF:0|v"),
    b"2026-03-13T23:12:00.000-0400 CEF:0|v": SyslogHeader(NOON, None, None, None, b"CEF:0|v"),
    b"2026-03-14T03:12:00+00:00 fw kernel: [1.2] IN=eth0": SyslogHeader(NOON, None, "fw", "kernel", b"[1.2] IN=eth0"),
    b"<13>CEF:0|v": SyslogHeader(None, None, None, None, b"CEF:0|v"),
    b"CEF:0|v": SyslogHeader(None, None, None, None, b"CEF:0|v"),
    b"Mar 14 25:61:00 h a: x": SyslogHeader(None, None, "h", "a", b"x"),
    b"no header at all": SyslogHeader(None, None, None, None, b"no header at all"),
    b"": SyslogHeader(None, None, None, None, b""),
    b"<34>": SyslogHeader(None, None, None, None, b""),
}


@pytest.mark.parametrize("line", HEADERS, ids=range(len(HEADERS)))
def test_a_header_gives_time_host_program_and_what_is_left(line: bytes) -> None:
    """Old, new and daemon-written headers; what is missing is left out."""
    assert parse_header(line, year_of=WRITTEN) == HEADERS[line]


@pytest.mark.parametrize(
    ("line", "time"),
    [
        (b"Dec 31 23:59:59 h a: x", "2025-12-31T23:59:59"),
        (b"Mar 14 23:00:00 h a: x", "2026-03-14T23:00:00"),
        (b"Mar 15 11:59:59 h a: x", "2026-03-15T11:59:59"),
        (b"Mar 15 12:00:01 h a: x", "2025-03-15T12:00:01"),
        (b"Feb 29 00:00:00 h a: x", "2024-02-29T00:00:00"),
        (b"Feb 30 00:00:00 h a: x", None),
    ],
)
def test_a_time_without_year_is_the_latest_that_is_not_of_the_future(line: bytes, time: str | None) -> None:
    """A day is allowed for zones and fast clocks; a date that no year has is no time."""
    assert parse_header(line, year_of=WRITTEN).time_raw == time


def test_without_a_moment_the_year_is_counted_from_now() -> None:
    """The time is then at most a year back."""
    assert parse_header(b"Jan  1 00:00:00 h a: x", year_of=None).time_raw is not None


def test_hostile_headers_are_judged_in_time_that_grows_with_their_length() -> None:
    """Unclosed structured data, endless names and control characters."""
    for line in (
        b'<34>1 - h a - - [x a="' + b'\\"' * 100_000,
        b"<34>1 - h a - - " + b'[x a="b"]' * 50_000 + b"x",
        b"Mar 14 03:12:00 " + b"a" * 500_000,
        b"Mar 14 03:12:00 \x1b]0;title\x07: x",
        b"9" * 500_000,
    ):
        assert parse_header(line, year_of=WRITTEN).body


def test_counted_frames_without_line_ends_become_lines() -> None:
    """A count that is wrong costs the rest of the stream only its frames."""
    assert frames(b"7 <13>abc5 <13>d9 <13>e\nfgh") == b"<13>abc\n<13>d\n<13>e fgh\n"
    assert frames(b"7 <13>abc5 <13>dXYZ") == b"<13>abc\n<13>d\nXYZ"
    assert frames(b"7 <13>abc\n5 <13>d\n") is None
    assert frames(b"plain\n") is None


def test_every_line_of_a_real_firewall_has_time_and_body() -> None:
    """Cisco ASA with and without year and host."""
    lines = (folder("cef-metron") / "asa_raw_asa_raw").read_bytes().splitlines()
    headers = [parse_header(line, year_of=WRITTEN) for line in lines if line.strip()]
    assert len(headers) == 128 and all(header.time_raw and header.body.startswith(b"%ASA-") for header in headers)
