"""The match run: what meets what, what is new, and what a second run does."""

from __future__ import annotations

import pyarrow as pa
import pytest

from match.fake_lake import FakeLake, keys, row
from match.naive import naive_hits
from seawall.match import MatchOptions, match
from seawall.model import Fault

PAIRS = (
    ("ipv4", "198.51.100.7"),
    ("cidr", "198.51.100.0/24"),
    ("cidr", "198.51.100.0/28"),
    ("cidr", "0.0.0.0/0"),
    ("ipv6", "2001:db8::7"),
    ("cidr", "2001:db8::/32"),
    ("cidr", "2001:db8::/127"),
    ("cidr", "2001:db8:0:0:8000::/65"),
    ("cidr", "::/0"),
    ("cidr", "f000::/4"),
    ("domain", "example.net"),
    ("domain", "a.b.example.net"),
    ("domain", "xn--fiqs8s.example"),
    ("domain", "net"),
    ("url", "http://x.example.net/a?b=1"),
    ("sha256", "ab" * 32),
    ("cve", "CVE-2025-0001"),
    ("cve", "CVE-2025-00010"),
    ("ja3", "0" * 32),
    ("file_name", "invoice.exe"),
)
ROWS = [
    row(1, src="198.51.100.7", dst="198.51.100.7"),
    row(2, src="198.51.100.9", dst="10.0.0.1", domain="a.b.example.net", url="http://x.example.net/a?b=1"),
    row(3, src="2001:db8::1", dst="2001:db8::7"),
    row(4, src="2001:db8:0:0:8000::5", dst="ffff::1"),
    row(5, dst="f800::1", domain="xn--fiqs8s.example"),
    row(6, domain="notexample.net", sha256="ab" * 32, cve="CVE-2025-0001,CVE-2025-0002"),
    row(7, domain="net", ja3="0" * 32, file_name="invoice.exe", url="http://x.example.net/a"),
    row(8, src="8.8.8.8", dst="2001:db8::7", cve="CVE-2025-00010", domain="z.xn--fiqs8s.example", side="B", time=5),
]


def stored_pairs(lake: FakeLake) -> list[tuple[int, int]]:
    hits = lake.datasets["hits"]
    return list(zip(hits["event"].to_pylist(), hits["indicator"].to_pylist(), strict=True))


@pytest.mark.parametrize("exact", [False, True])
def test_every_kind_of_value_meets_its_indicator(exact: bool) -> None:
    """Nested ranges, IPv6, parents, IDN, URLs, hashes and CVE lists match exactly as the plain matcher says."""
    lake, table = FakeLake(), keys(*PAIRS)
    lake.add(ROWS)
    report = match(lake, table, MatchOptions(exact=exact))
    expected = naive_hits(ROWS, table, exact=exact)
    assert sorted(stored_pairs(lake)) == sorted(expected)
    assert (report.hits, report.events) == (len(expected), len(ROWS))
    assert report.matched_events == len({event for event, _ in expected})
    assert report.indicators_hit == len({number for _, number in expected})
    assert sum(report.by_indicator_type.values()) == report.hits


def test_a_second_run_adds_nothing() -> None:
    """Running twice gives the same totals, no increment, and no commit."""
    lake, table = FakeLake(), keys(*PAIRS)
    lake.add(ROWS)
    first = match(lake, table)
    generation = lake.generation
    second = match(lake, table)
    assert (second.hits, second.new.hits, second.new.events) == (first.hits, 0, 0)
    assert lake.generation == generation


def test_any_order_of_arrival_ends_alike() -> None:
    """Rows and indicators arriving in pieces end with the hits of a rebuild."""
    table = keys(*PAIRS)
    whole = FakeLake()
    whole.add(ROWS)
    match(whole, table)
    pieces = FakeLake()
    match(pieces, table.slice(0, 3))
    pieces.add(ROWS[:3])
    match(pieces, table.slice(0, 9))
    pieces.add(ROWS[3:6])
    match(pieces, table.slice(0, 9), MatchOptions(since=1))
    pieces.add(ROWS[6:])
    match(pieces, table, MatchOptions(since=4))
    report = match(pieces, table)
    assert sorted(stored_pairs(pieces)) == sorted(stored_pairs(whole))
    rebuilt = match(pieces, table, MatchOptions(rebuild=True))
    assert sorted(stored_pairs(pieces)) == sorted(stored_pairs(whole))
    assert (rebuilt.hits, rebuilt.aggregates, rebuilt.both_sides) == (report.hits, report.aggregates, report.both_sides)


def test_rows_seen_again_are_not_counted_again() -> None:
    """Rows that return in a newer generation, as compaction makes them, give no second hit."""
    lake, table = FakeLake(), keys(*PAIRS)
    lake.add(ROWS)
    first = match(lake, table)
    lake.parts = [(lake.generation + 1, *part[1:]) for part in lake.parts]
    lake.generation += 1
    again = match(lake, table)
    assert (again.hits, again.new.hits) == (first.hits, 0)


def test_expiry_stops_new_hits_and_keeps_old_ones() -> None:
    """An event at or after valid_until is no hit; hits from before stay when the indicator expires."""
    lake = FakeLake()
    lake.add([row(1, domain="example.net", time=99), row(2, domain="example.net", time=100)])
    table = keys(("domain", "example.net"), valid_until=[100])
    assert match(lake, table).hits == 1
    lake.add([row(3, domain="example.net", time=101)])
    assert match(lake, table).hits == 1
    assert match(lake, table.slice(0, 0)).hits == 1


def test_the_lag_is_the_time_between_the_first_sightings_of_two_sides() -> None:
    """The median lag is exact to the half microsecond; campaigns count once."""
    lake = FakeLake()
    seen = [("a", 10, "A"), ("a", 25, "B"), ("a", 40, "B"), ("b", 60, "A"), ("b", 50, "B"), ("c", 1, "A")]
    lake.add([row(n, domain=f"{name}.test", time=at, side=side) for n, (name, at, side) in enumerate(seen)])
    report = match(lake, keys(("domain", "a.test"), ("domain", "b.test"), ("domain", "c.test")))
    assert report.both_sides is not None
    assert (report.both_sides.indicators, report.both_sides.campaigns) == (2, 2)
    assert report.both_sides.median_lag_seconds == 12.5e-6


def test_an_empty_lake_and_no_indicators_give_zeros() -> None:
    """Nothing in, zeros out, and no median is made up."""
    report = match(FakeLake(), keys())
    assert (report.events, report.hits, report.both_sides) == (0, 0, None)


def test_duplicate_keys_are_one_indicator() -> None:
    """The same number twice in the key table gives one hit."""
    lake, table = FakeLake(), keys(("domain", "a.test"))
    lake.add([row(1, domain="a.test")])
    assert match(lake, pa.concat_tables([table, table])).hits == 1


def test_unusable_keys_are_named() -> None:
    """A broken address and a missing column are told with the value and the column."""
    lake = FakeLake()
    with pytest.raises(Fault, match=r"E-MATCH-002.*1.2.3"):
        match(lake, keys(("ipv4", "1.2.3")))
    with pytest.raises(Fault, match=r"E-MATCH-001.*value"):
        match(lake, keys(("ipv4", "1.2.3.4")).drop_columns(["value"]))
