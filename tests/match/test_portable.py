"""The portable stages on DuckDB: the answers of the embedded path and of the plain matcher, run after run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake import scenes
from lake.test_compaction import TABLE as WIDE
from match.fake_lake import DAY, FakeLake, FakeSession, keys, row
from match.naive import naive_hits
from match.test_lake import ROWS, TABLE, add, hits
from match.test_properties import EVENTS, KEYS, pairs
from seawall.lake import Lake, compact, retain
from seawall.match import MatchOptions, MatchReport, forget_rows, match
from seawall.match.portable import match_portably, rollup_totals
from seawall.settings import LakeSettings


class FakeComputing(FakeSession):
    """The fake lake's session, keeping tables in its memory."""

    def keep(self, name: str, query: str) -> None:
        """As the lake's."""
        self.register(name, self.sql(query))

    def hand_over(self, name: str) -> str:
        """As the lake's: text, because the fake writer takes nothing else."""
        return f"(SELECT * FROM {name})"


class TellingLake(FakeLake):
    """Its writer computes as well, so that handed-over names are known to it."""

    @contextmanager
    def writing(self, on_wait: object = None) -> Iterator[FakeComputing]:
        """As the lake's."""
        self.writer = FakeComputing(self)
        yield self.writer
        self.generation += 1
        self.datasets.update(self.writer.datasets)
        self.notes.update(self.writer.notes)

    @contextmanager
    def computing(self) -> Iterator[FakeComputing]:
        """The writer's own session."""
        yield self.writer


@settings(max_examples=12, deadline=None)
@given(events=EVENTS, entries=KEYS, exact=st.booleans(), until=st.lists(st.none() | st.integers(-5, 5), min_size=12))
def test_hits_are_those_of_the_plain_matcher(
    events: list[dict[str, object]], entries: list[tuple[str, str]], exact: bool, until: list[int | None]
) -> None:
    """Every pair, no pair twice, and the report of the embedded path."""
    rows = [row(number, **event) for number, event in enumerate(events, 1)]
    table = keys(*entries, valid_until=until[: len(entries)])
    lake, twin = TellingLake(), FakeLake()
    lake.add(rows)
    twin.add(rows)
    options = MatchOptions(exact=exact)
    report = match_portably(lake, lake.computing, table, options)
    assert pairs(lake) == sorted(naive_hits(rows, table, exact=exact))
    assert report == match(twin, table, options)


@settings(max_examples=8, deadline=None)
@given(first=EVENTS, second=EVENTS, entries=KEYS)
def test_pieces_add_up(
    first: list[dict[str, object]], second: list[dict[str, object]], entries: list[tuple[str, str]]
) -> None:
    """Rows and keys that arrive later give the totals, the increments and the hits of the embedded path."""
    rows = [row(number, **event) for number, event in enumerate([*first, *second], 1)]
    table = keys(*entries)
    lake, twin = TellingLake(), FakeLake()
    half = len(entries) // 2
    for part, known in ((rows[: len(first)], half), (rows[len(first) :], half), ([], len(entries))):
        lake.add(part)
        twin.add(part)
        there = match_portably(lake, lake.computing, table.slice(0, known))
        assert there == match(twin, table.slice(0, known))
        assert sorted(pairs(lake)) == sorted(pairs(twin))


def test_every_kind_of_text_is_compared() -> None:
    """Lists of CVE numbers, senders, fingerprints and file names meet their indicators."""
    rows = [
        row(1, cve="CVE-2024-1,CVE-2024-22", email="a@b.example", ja3="f" * 32),
        row(2, cve="CVE-2024-22", file_name="x.exe", md5="0" * 32),
        row(3, cve="CVE-2024-2", domain="one"),
    ]
    table = keys(
        ("cve", "CVE-2024-22"), ("cve", "CVE-2024-1"), ("email", "a@b.example"), ("ja3", "f" * 32),
        ("file_name", "x.exe"), ("md5", "0" * 32), ("domain", "one"),
    )  # fmt: skip
    lake = TellingLake()
    lake.add(rows)
    match_portably(lake, lake.computing, table)
    assert pairs(lake) == sorted(naive_hits(rows, table))


def test_a_name_of_many_labels_meets_each_parent_once() -> None:
    """A name with as many labels as the DNS allows costs passes, not answers."""
    name = ".".join(["a"] * 127)
    rows = [row(1, domain=name)]
    table = keys(("domain", "a.a"), ("domain", "a.a.a.a.a"), ("domain", "b.a"), ("domain", name))
    lake = TellingLake()
    lake.add(rows)
    match_portably(lake, lake.computing, table)
    assert pairs(lake) == sorted(naive_hits(rows, table))


def test_the_two_paths_take_turns_on_one_lake(tmp_path: Path) -> None:
    """What one path has matched the other does not match again, and a rebuild by either changes nothing."""
    lake = Lake.open(tmp_path / "lake", LakeSettings())
    add(lake, ROWS[:2])
    assert match(lake, TABLE.slice(0, 2)).new.hits == 2
    add(lake, ROWS[2:])
    report = match_portably(lake, lake.computing, TABLE)
    assert hits(lake) == sorted(naive_hits(ROWS, TABLE))
    assert match(lake, TABLE).new.hits == 0
    rebuilt = [match_portably(lake, lake.computing, TABLE, MatchOptions(rebuild=True)), match(lake, TABLE)]
    assert {one.hits for one in rebuilt} == {report.hits}
    assert match_portably(lake, lake.computing, TABLE).new.hits == 0


def test_since_limits_the_run(tmp_path: Path) -> None:
    """Earlier rows are left for a run without the limit."""
    lake, twin = (Lake.open(tmp_path / name, LakeSettings()) for name in ("lake", "twin"))
    for one in (lake, twin):
        add(one, ROWS)
    for options in (MatchOptions(since=8), MatchOptions()):
        assert match_portably(lake, lake.computing, TABLE, options) == match(twin, TABLE, options)


@pytest.mark.parametrize("compacted", [False, True])
def test_days_that_left_the_lake_count_as_they_do_embedded(tmp_path: Path, compacted: bool) -> None:
    """After compaction and retention: old hits stay, new indicators meet what the roll-up says, a rebuild agrees."""
    reports: list[list[MatchReport]] = [[], []]
    for place, told in enumerate(reports):
        lake = Lake.open(tmp_path / str(place), LakeSettings(memory_limit_mb=200))

        def run(table: pa.Table, *, rebuild: bool = False, lake: Lake = lake, place: int = place) -> MatchReport:
            options = MatchOptions(rebuild=rebuild)
            return match_portably(lake, lake.computing, table, options) if place else match(lake, table, options)

        for number in range(2):
            scenes.add(lake, scenes.traffic(number, 150, days=6))
        told.append(run(WIDE.slice(0, 2)))
        if compacted:
            compact(lake)
        retain(lake, 5 * DAY + 5, 2, removed=forget_rows)
        told.append(run(WIDE))
        scenes.add(lake, scenes.traffic(7, 50, days=1))
        told += [run(WIDE), run(WIDE, rebuild=True)]
    assert reports[0] == reports[1]
    assert reports[0][1].new.sightings > 0


def test_the_roll_up_is_merged(tmp_path: Path) -> None:
    """Rows of one key from two batches become one, with their counts added."""
    lake = Lake.open(tmp_path / "lake", LakeSettings())
    add(lake, ROWS)
    with lake.computing() as session:
        once = rollup_totals(session)
    add(lake, ROWS)
    with lake.computing() as session:
        twice = rollup_totals(session)
    assert msgspec.structs.replace(twice, records=once.records) == once
    assert twice.records == 2 * once.records


def test_a_failed_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """When the keys are unusable the earlier hits and their state stay as they were."""
    lake = Lake.open(tmp_path / "lake", LakeSettings())
    add(lake, ROWS)
    before = match_portably(lake, lake.computing, TABLE)
    broken = keys(("ipv4", "198.51.100.300"), first_number=50)
    with pytest.raises(Exception, match="E-MATCH-002"):
        match_portably(lake, lake.computing, pa.concat_tables([TABLE, broken]))
    assert match(lake, TABLE).hits == before.hits
