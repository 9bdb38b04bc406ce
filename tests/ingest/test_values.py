"""Values settled in Python, and what a detection record means."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realdata import folder
from seawall.ingest.meaning import RSIT, meaning
from seawall.ingest.values import halves, moment, name_and_url
from seawall.model import to_microseconds

MOMENT = 1_773_446_400_123_456


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-03-14T00:00:00.123456+0000", None, MOMENT),
        ("2026-03-14T00:00:00.123456Z", None, MOMENT),
        ("2026-03-14T00:00:00.123456789Z", None, MOMENT),
        ("2026-03-14T08:00:00.123456+08:00", None, MOMENT),
        ("2026-03-14T08:00:00.123456+08", None, MOMENT),
        ("2026-03-14T08:00:00.123456", "Asia/Taipei", MOMENT),
        ("2026-03-14T08:00:00.123456", "+08:00", MOMENT),
        ("2026-03-14 08:00:00,123456", "Asia/Taipei", MOMENT),
        ("2026-03-14T00:00:00Z", None, MOMENT - 123_456),
        ("2026-03-14T00:00:00.1Z", None, MOMENT - 23_456),
        ("2026-03-14T08:00:00.123456", None, None),
        ("2026-03-14T08:00:00.123456", "No/Where", None),
        ("2026-03-14T08:00:00.123456", "../../etc/passwd", None),
        ("2026-03-14T24:00:00Z", None, None),
        ("2026-03-14T23:59:60Z", None, None),
        ("2026-03-14T00:00:00+9900", None, None),
        ("1989-12-31T23:59:59Z", None, None),
        ("2100-01-01T00:00:00Z", None, None),
        ("", None, None),
    ],
)
def test_times_are_exact_or_nothing(text: str, zone: str | None, expected: int | None) -> None:
    """Microseconds UTC from any ISO 8601 spelling that names its offset."""
    assert moment(text, zone) == expected


@given(st.datetimes(min_value=datetime(1990, 1, 2), max_value=datetime(2099, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_moment_survives_being_written_and_read(when: datetime) -> None:
    """To the microsecond."""
    assert moment(when.isoformat(timespec="microseconds"), None) == to_microseconds(when)


@given(st.ip_addresses(v=6))
def test_addresses_become_their_two_halves(address: ipaddress.IPv6Address) -> None:
    """Signed halves put together give the address again."""
    pair = halves(str(address))
    assert pair is not None
    high, low = (half & (2**64 - 1) for half in pair)
    assert high << 64 | low == int(address)


@given(st.text(max_size=80), st.text(max_size=80), st.one_of(st.none(), st.text("0123456789", max_size=6)))
def test_no_host_or_path_breaks_the_url(host: str, path: str, port: str | None) -> None:
    """Whatever an attacker sends gives a URL or none, never an error."""
    domain, url = name_and_url(host, path, port)
    assert domain is None or (domain.isascii() and domain == domain.lower())
    assert url is None or url.startswith(("http://", "https://"))


def test_every_class_is_one_of_the_taxonomy() -> None:
    """The RSIT classes we give exist in version 1003."""
    import json

    taxonomy = json.loads((folder("misp-taxonomies") / "rsit.json").read_text("utf-8"))
    known = {f"{group['predicate']}:{entry['value']}" for group in taxonomy["values"] for entry in group["entry"]}
    assert set(RSIT.values()) <= known


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x CVE-2025-00001 y", "CVE-2025-00001"),
        ("cve-2021-44228", "CVE-2021-44228"),
        ("CVE_2021_44228", "CVE-2021-44228"),
        ("CVE 2021-44228", "CVE-2021-44228"),
        ("CVE-2021-44228 and CVE-2021-45046", "CVE-2021-44228,CVE-2021-45046"),
        ("CVE-21-1", None),
        ("release 2021-4422", None),
    ],
)
def test_vulnerabilities_are_read_from_names(text: str, named: str | None) -> None:
    """In any common spelling; bare numbers count in metadata only."""
    assert meaning("alert", "allowed", "", text, None, None, None, None, False).cve == named
