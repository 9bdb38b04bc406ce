"""Retention: whole days leave, and only those; what they matched stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from lake.scenes import DAY, add, held, traffic
from lake.test_compaction import TABLE
from match.fake_lake import keys
from seawall.lake import Lake, LakeWriter, compact, retain
from seawall.match import MatchOptions, MatchReport, forget_rows, match, sighting_table
from seawall.match.portable import match_portably
from seawall.settings import LakeSettings

DAYS, ROWS = 6, 300
NOW = (DAYS - 1) * DAY + 5  # the last day of the traffic


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Six days of traffic in two batches."""
    made = Lake.open(tmp_path / "lake", LakeSettings(memory_limit_mb=200))
    for number in range(2):
        add(made, traffic(number, ROWS, days=DAYS))
    return made


def portably(lake: Lake, keys: pa.Table, options: MatchOptions | None = None) -> MatchReport:
    """The stages that Spark runs, here."""
    return match_portably(lake, lake.computing, keys, options)


Matching = Callable[..., MatchReport]


def removed(writer: LakeWriter, rows: int) -> None:
    """As a node does."""
    forget_rows(writer, rows)


@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize("keep", [1, 2, 5, 6, 99])
def test_whole_days_past_the_bound_leave(lake: Lake, keep: int, compacted: bool) -> None:
    """Today and the days before it that are to be kept stay to the row."""
    if compacted:
        compact(lake)
    before = held(lake)
    report = retain(lake, NOW, keep, keep)
    first = max(0, DAYS - keep)
    after = held(lake)
    assert after["observations"] == [row for row in before["observations"] if row["time"] >= first * DAY]
    assert after["rollup"] == [row for row in before["rollup"] if row["day"] >= first]
    assert report.days_removed == first
    assert report.before.rows - report.after.rows >= len(before["observations"]) - len(after["observations"])
    assert retain(lake, NOW, keep, keep).days_removed == 0


def test_nothing_leaves_without_a_setting(lake: Lake) -> None:
    """Also long afterwards."""
    before = held(lake)
    assert retain(lake, 10_000 * DAY).days_removed == 0
    assert held(lake) == before


@pytest.mark.parametrize(("keep", "rolled", "first"), [(2, 0, 0), (2, 4, 2), (4, 2, 2), (0, 2, 0)])
def test_the_rollup_stays_at_least_as_long_as_the_rows(lake: Lake, keep: int, rolled: int, first: int) -> None:
    """Without it, matching would not find the rows that are kept."""
    retain(lake, NOW, keep, rolled)
    assert min(row["day"] for row in held(lake)["rollup"]) == first


def test_old_matches_stay_as_history(lake: Lake) -> None:
    """Hits and sightings outlive their rows and the indicator's expiry; the totals tell the events that are left."""
    first = match(lake, TABLE)
    with lake.reading() as session:
        seen = sighting_table(session, TABLE).to_pylist()
    retain(lake, NOW, 2, 2, removed=removed)
    left = len(held(lake)["observations"])
    report = match(lake, TABLE)
    assert (report.hits, report.sightings, report.events) == (first.hits, first.sightings, left)
    add(lake, traffic(7, 50, days=1))
    expired = TABLE.set_column(TABLE.schema.get_field_index("valid_until"), "valid_until", [[1] * len(TABLE)])
    report = match(lake, expired)
    assert (report.hits, report.events, report.new.events) == (first.hits, left + 50, 50)
    with lake.reading() as session:
        assert [one["value"] for one in sighting_table(session, TABLE).to_pylist()] == [one["value"] for one in seen]


@pytest.mark.parametrize("matching", [match, portably])
def test_a_rebuild_keeps_the_history_too(lake: Lake, matching: Matching) -> None:
    """What rests on days that left cannot be computed again, so it is taken over."""
    first = match(lake, TABLE)
    retain(lake, NOW, 2, 2, removed=removed)
    rebuilt = matching(lake, TABLE, MatchOptions(rebuild=True))
    assert (rebuilt.hits, rebuilt.matched_events) == (first.hits, first.matched_events)


@pytest.mark.parametrize("matching", [match, portably])
def test_new_indicators_meet_days_of_which_only_the_rollup_is_left(lake: Lake, matching: Matching) -> None:
    """The sighting tells first, last and count by side as if the rows were still there."""
    table = keys(("domain", "b.example.net"), ("ipv4", "198.51.100.3"))
    before = match(lake, table)
    with lake.reading() as session:
        wanted = sighting_table(session, table).to_pylist()
    other = Lake.open(lake.folder.parent / "other", LakeSettings(memory_limit_mb=200))
    for number in range(2):
        add(other, traffic(number, ROWS, days=DAYS))
    match(other, keys())
    compact(other)
    retain(other, NOW, 2, removed=removed)
    report = matching(other, table)
    assert report.hits < before.hits
    assert report.sightings == before.sightings
    with other.reading() as session:
        found = sighting_table(session, table).to_pylist()
    for one, two in zip(wanted, found, strict=True):
        for name in ("type", "value", "side", "first_seen", "last_seen", "count", "hostile", "sectors", "basis"):
            assert one[name] == two[name], name
