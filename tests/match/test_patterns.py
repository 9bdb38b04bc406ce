"""Indicators whose pattern is more than a list of values: hits, sightings and what was left out."""

from __future__ import annotations

import random
from collections.abc import Collection

import pyarrow as pa
import pytest

from match.fake_lake import DAY, FakeLake, FakeSession, keys, row
from seawall.match import MatchOptions, MatchReport, match, match_lake, patterns, sightings
from seawall.model import ObservableType

SECOND = 1_000_000
KNOCK = "([domain-name:value = 'a.example'] FOLLOWEDBY [file:name = 'b.exe']) WITHIN 60 SECONDS"
LIKE = "[domain-name:value LIKE '%.evil.example']"


def pattern_keys(*texts: str) -> pa.Table:
    """A key table of patterns, numbered from 1."""
    return keys(*(("pattern", text) for text in texts))


def hits(lake: FakeLake) -> set[tuple[int, int]]:
    """(event, indicator) of everything that was found."""
    table = lake.datasets.get("hits")
    return set() if table is None else set(zip(table["event"].to_pylist(), table["indicator"].to_pylist(), strict=True))


def met(lake: FakeLake, *texts: str, options: MatchOptions | None = None) -> MatchReport:
    """One run with these patterns."""
    return match(lake, pattern_keys(*texts), options)


def test_a_row_that_completes_a_sequence_is_its_hit() -> None:
    """The second of the two, within the minute, on one side; and a sighting with side, sector and count."""
    lake = FakeLake()
    lake.add([
        row(1, time=10 * SECOND, domain="a.example"),
        row(2, time=40 * SECOND, file_name="b.exe", sector="finance"),
        row(3, time=200 * SECOND, file_name="b.exe"),
        row(4, time=201 * SECOND, domain="a.example"),
        row(5, time=205 * SECOND, file_name="b.exe", side="B"),
    ])  # fmt: skip
    report = met(lake, KNOCK)
    assert hits(lake) == {(2, 1)}
    assert (report.hits, report.patterns.evaluated, report.patterns.left_out) == (1, 1, 0)
    assert report.by_indicator_type == {"pattern": 1}
    with lake.reading() as session:
        (seen,) = sightings(session, pattern_keys(KNOCK))
    assert (seen.type, seen.value, seen.side, seen.sectors) == (ObservableType.PATTERN, KNOCK, "A", ("finance",))
    assert (seen.first_seen, seen.count, seen.indicator_id) == (40 * SECOND, 1, "indicator--1")


def test_each_row_that_passes_a_single_bracket_is_a_hit() -> None:
    """Before the indicator's expiry."""
    lake = FakeLake()
    lake.add([row(n, time=n * SECOND, domain=f"x{n}.evil.example") for n in range(5)])
    assert match(lake, keys(("pattern", LIKE), valid_until=[3 * SECOND])).hits == 3


def test_new_rows_complete_what_earlier_ones_began() -> None:
    """In as many runs as one likes, late rows among them: the same hits as in one run over everything."""
    chance = random.Random(5)
    texts = [
        KNOCK, LIKE, "[domain-name:value = 'a.example'] FOLLOWEDBY [file:name = 'b.exe']",
        "([domain-name:value = 'a.example'] REPEATS 3 TIMES) WITHIN 90 SECONDS",
        "[domain-name:value = 'a.example' AND file:name = 'b.exe'] OR [network-traffic:dst_port = 4444]",
    ]  # fmt: skip
    for _ in range(3):
        rows = [
            row(
                n, time=chance.randrange(2_000) * SECOND, side=chance.choice("AB"),
                domain=chance.choice(["a.example", "x.evil.example", None]), dst="192.0.2.1",
                file_name=chance.choice(["b.exe", None, None]), dst_port=chance.choice([4444, 80]),
            )
            for n in range(60)
        ]  # fmt: skip
        whole, parts = FakeLake(), FakeLake()
        whole.add(rows)
        met(whole, *texts)
        for start in range(0, 60, 15):
            parts.add(rows[start : start + 15])
            report = met(parts, *texts)
        assert hits(parts) == hits(whole)
        assert report.hits == len(hits(whole))
        assert met(parts, *texts).new.hits == 0


def test_the_whole_pattern_matches_where_it_has_hits() -> None:
    """``match-pattern --lake`` and ``match`` never contradict each other on a lake of one side."""
    chance = random.Random(6)
    texts = [KNOCK, LIKE, "[file:name = 'b.exe'] FOLLOWEDBY [domain-name:value = 'a.example']"]
    for _ in range(5):
        lake = FakeLake()
        lake.add([
            row(n, time=chance.randrange(500) * SECOND, domain=chance.choice(["a.example", "x.evil.example", None]),
                file_name=chance.choice(["b.exe", None, None, None]))
            for n in range(6)
        ])  # fmt: skip
        met(lake, *texts)
        found = {number for _, number in hits(lake)}
        with lake.reading() as session:
            assert found == {n + 1 for n, text in enumerate(texts) if match_lake(session, text).matches}


def test_a_window_looks_back_no_further_than_it_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A WITHIN of a minute asks for the days around the new rows only."""
    lake = FakeLake()
    lake.add([row(n, time=n * DAY, domain="a.example") for n in range(10)])
    met(lake, KNOCK)
    asked: list[frozenset[int]] = []
    plain = FakeSession.observations

    def spy(self: FakeSession, after: int = 0, days: Collection[int] | None = None) -> str:
        asked.extend([frozenset(days)] if days is not None else [])
        return plain(self, after, days)

    monkeypatch.setattr(FakeSession, "observations", spy)
    lake.add([row(99, time=9 * DAY + 5 * SECOND, file_name="b.exe")])
    assert met(lake, KNOCK).new.hits == 1
    assert asked == [{8, 9}]


def test_what_cannot_be_asked_is_named_and_counted() -> None:
    """A path that rows do not hold, a look-behind, a text that is no pattern: the others are evaluated."""
    lake = FakeLake()
    lake.add([row(1, domain="x.evil.example")])
    texts = [LIKE, "[mutex:name = 'x'] FOLLOWEDBY [mutex:name = 'y']", "[domain-name:value MATCHES '(?<=a)b']", "no"]
    report = met(lake, *texts)
    assert (report.hits, report.patterns.evaluated, report.patterns.left_out) == (1, 1, 3)
    assert ["indicator--2" in text for text in report.problems] == [True, False, False]
    assert all(code in " ".join(report.problems) for code in ("E-MATCH-017", "E-MATCH-013"))
    document = report.document()
    assert document["patterns"] == {"evaluated": 1, "left_out": 3}
    assert len(document["problems"]) == 3  # type: ignore[arg-type]


def test_what_one_run_has_no_time_for_waits_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, and later runs go on until everything has been met, also without new rows."""
    lake = FakeLake()
    lake.add([row(n, time=n * SECOND, domain=f"x{n}.evil.example") for n in range(10)])
    texts = [LIKE, "[domain-name:value LIKE 'x1%']", "[domain-name:value LIKE 'x2%']"]
    monkeypatch.setattr(patterns, "MAX_WORK", 20)
    report = met(lake, *texts)
    assert (report.patterns.evaluated, report.patterns.left_out, report.hits) == (2, 1, 11)
    assert "indicator--3" in report.problems[0]
    report = met(lake, *texts)
    assert (report.patterns.evaluated, report.patterns.left_out, report.hits) == (3, 0, 12)
    assert met(lake, *texts).new.hits == 0


def test_what_never_fits_is_left_out_and_keeps_no_other_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern that nearly every row passes, beside one that few pass."""
    lake = FakeLake()
    lake.add([row(n, time=n * SECOND, domain=f"x{n}.evil.example") for n in range(10)])
    monkeypatch.setattr(patterns, "MAX_ROWS", 5)
    report = met(lake, LIKE, "[domain-name:value LIKE 'x1%']")
    assert (report.patterns.evaluated, report.patterns.left_out) == (1, 1)
    assert hits(lake) == {(1, 2)}
    monkeypatch.setattr(patterns, "MAX_ROWS", 50)
    lake.add([row(20, time=20 * SECOND, domain="y.evil.example")])
    assert met(lake, LIKE, "[domain-name:value LIKE 'x1%']").patterns.left_out == 0
    assert len(hits(lake)) == 12


def test_patterns_change_nothing_for_values() -> None:
    """Keys of both kinds in one run, and again from the beginning."""
    lake = FakeLake()
    lake.add([row(n, time=n * SECOND, domain=f"x{n}.evil.example", src="198.51.100.7") for n in range(10)])
    table = keys(("domain", "x3.evil.example"), ("pattern", LIKE), ("ipv4", "198.51.100.7"))
    assert match(lake, table).by_indicator_type == {"domain": 1, "ipv4": 10, "pattern": 10}
    assert match(lake, table, MatchOptions(rebuild=True)).hits == 21
    assert match(lake, table, MatchOptions(since=5 * SECOND, rebuild=True)).hits == 10
