"""Compaction: fewer files, one roll-up row a key, and nothing that a reader, a number or a reference would notice."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from lake.scenes import DAY, add, held, traffic
from match.fake_lake import keys, row
from match.scenes import PlainScreens
from seawall.lake import Lake, compact
from seawall.match import MatchOptions, candidate_table, match, overlap_table, rollup_sightings, sighting_table
from seawall.model import Fault
from seawall.settings import LakeSettings
from seawall.warn import warning_table

BATCHES, ROWS = 8, 120
TABLE = keys(
    ("domain", "b.example.net"), ("domain", "h3.example.net"), ("cidr", "198.51.100.0/28"), ("ipv4", "198.51.100.33"),
    ("cidr", "2001:db8::/124"), ("url", "http://example.net/5?q=1"), ("sha256", f"{7:064x}"), ("domain", "net"),
)  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake of several batches, each of three days and two sides."""
    made = Lake.open(tmp_path / "lake", LakeSettings(memory_limit_mb=200))
    for number in range(BATCHES):
        add(made, traffic(number, ROWS))
    return made


def test_compaction_leaves_few_files_and_one_row_a_key(lake: Lake) -> None:
    """Rows, events and roll-up sums are those of before; a second run finds nothing to do."""
    before = held(lake)
    report = compact(lake)
    assert held(lake) == before
    assert (report.before.files, report.after.files) == (BATCHES * 7, 6 + 3)
    assert report.after.bytes < report.before.bytes
    with lake.reading() as session:
        keys_held = "type, value, high, low, role, basis, day, side, sector"
        twice = session.sql(f"SELECT {keys_held} FROM {session.rollup()} GROUP BY ALL HAVING count(*) > 1")
        assert len(twice) == 0
        generation = session.generation
    assert len(list(lake.folder.rglob("*.parquet"))) == 9
    again = compact(lake)
    assert (again.steps, again.before) == (0, again.after)
    with lake.reading() as session:
        assert session.generation == generation


def test_what_was_matched_and_warned_about_stays(lake: Lake) -> None:
    """Match totals, held hits, sightings, candidates and warnings are equal before and after, and to a rebuild."""
    first = match(lake, TABLE)

    def told() -> list[list[dict[str, object]]]:
        with lake.reading() as session:
            return [
                sighting_table(session, TABLE).to_pylist(),
                candidate_table(session, PlainScreens()).to_pylist(),
                warning_table(session, overlap_table(session, PlainScreens())).to_pylist(),
                rollup_sightings(session, TABLE).to_pylist(),
                session.sql(f"SELECT * FROM {session.derived('hits')} ORDER BY event, indicator").to_pylist(),
            ]

    before = told()
    compact(lake)
    assert told() == before
    again = match(lake, TABLE)
    assert (again.hits, again.matched_events, again.new.hits) == (first.hits, first.matched_events, 0)
    rebuilt = match(lake, TABLE, MatchOptions(rebuild=True))
    assert (rebuilt.hits, rebuilt.aggregates, rebuilt.both_sides) == (first.hits, first.aggregates, first.both_sides)


@pytest.mark.parametrize("seen", range(BATCHES + 1))
def test_who_reads_what_is_new_gets_each_row_once(lake: Lake, seen: int) -> None:
    """Whatever generation a reader had come to: later rows come once, earlier ones never again."""

    def later() -> list[int]:
        with lake.reading() as session:
            found = session.sql(f"SELECT event FROM {session.observations(seen)} ORDER BY event")
        events: list[int] = found["event"].to_pylist()
        return events

    before = later()
    assert before == list(range(seen * ROWS + 1, BATCHES * ROWS + 1))
    compact(lake)
    assert later() == before
    add(lake, traffic(BATCHES, ROWS))
    assert later() == [*before, *range(BATCHES * ROWS + 1, (BATCHES + 1) * ROWS + 1)]
    compact(lake)
    assert len(later()) == len(before) + ROWS


def test_merged_rollup_rows_are_never_told_twice(lake: Lake) -> None:
    """Who read the roll-up to its end gets what is new; who stopped in between hears that it must begin again."""
    with lake.reading() as session:
        generation = session.generation
    compact(lake)
    with lake.reading() as session:
        assert len(session.sql(f"SELECT * FROM {session.rollup(generation)}")) == 0
        with pytest.raises(Fault, match=r"E-LAKE-007.*generation 3.*newer than 8"):
            session.rollup(3)
    add(lake, traffic(BATCHES, ROWS))
    with lake.reading() as session:
        assert len(session.sql(f"SELECT * FROM {session.rollup(session.generation - 1)}")) > 0


def test_a_day_that_gets_late_rows_is_merged_again(lake: Lake) -> None:
    """Only that day is written anew, and the key has one row again."""
    compact(lake)
    untouched = {path.name for path in lake.folder.rglob("part-*")}
    add(lake, [dict(one, time=DAY + at) for at, one in enumerate(traffic(9, 20))])
    before = held(lake)
    compact(lake)
    assert held(lake) == before
    left = {path.name for path in lake.folder.rglob("part-*")} & untouched
    assert len(left) == 4 + 2 * 2


def test_a_reader_keeps_its_snapshot(lake: Lake) -> None:
    """What it reads stays on disk while it reads, and goes with the next writer after it."""
    with lake.reading() as session:
        relation = session.observations()
        compact(lake)
        assert len(session.sql(f"SELECT event FROM {relation}")) == BATCHES * ROWS
    assert lake.tidy()
    assert len(list(lake.folder.rglob("*.parquet"))) == 9


def test_ingest_compaction_and_readers_go_on_together(lake: Lake) -> None:
    """While one adds batches and another compacts, a reader always sees whole batches, and all of them at the end."""
    done = threading.Event()
    seen: list[int] = []

    def ingesting() -> None:
        other = Lake.open(lake.folder, LakeSettings(memory_limit_mb=100))
        for number in range(BATCHES, BATCHES + 6):
            add(other, traffic(number, ROWS))
        done.set()

    def reading() -> None:
        other = Lake.open(lake.folder, LakeSettings(memory_limit_mb=100))
        while not done.is_set():
            with other.reading() as session:
                rows = session.sql(
                    f"SELECT count(*) AS n, (SELECT sum(count) FROM {session.rollup()} WHERE type IN ('ipv4', 'ipv6'))"
                    f"::BIGINT AS rolled FROM {session.observations()}"
                ).to_pylist()[0]
            assert rows["rolled"] == 2 * rows["n"]
            seen.append(rows["n"])

    threads = [threading.Thread(target=ingesting), threading.Thread(target=reading)]
    for thread in threads:
        thread.start()
    while not done.is_set():
        compact(lake)
    for thread in threads:
        thread.join()
    assert seen == sorted(seen)
    assert {count % ROWS for count in seen} == {0}
    compact(lake)
    assert len(held(lake)["observations"]) == (BATCHES + 6) * ROWS


KILLED = """
import os, signal, sys
from pathlib import Path
from seawall.lake import Lake, compact
from seawall.settings import LakeSettings
at, calls = int(sys.argv[2]), 0
def counting(original):
    def step(*given, **named):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*given, **named)
    return step
os.fsync, Path.replace, Path.unlink = counting(os.fsync), counting(Path.replace), counting(Path.unlink)
compact(Lake.open(Path(sys.argv[1]), LakeSettings(memory_limit_mb=100)))
print("done")
"""


def test_a_killed_compaction_is_taken_up_again(lake: Lake) -> None:
    """Killed at one write after another: readers see the same rows each time, and it comes to its end."""
    match(lake, TABLE)
    before = held(lake)
    for at in range(2, 400, 7):
        ran = subprocess.run([sys.executable, "-c", KILLED, str(lake.folder), str(at)], capture_output=True, text=True)
        assert held(lake) == before
        if ran.stdout:
            break
        assert ran.returncode == -9, ran.stderr
    else:
        pytest.fail("the compaction never got to its end")
    compact(lake)
    assert lake.tidy()
    assert held(lake) == before
    assert len(list(lake.folder.rglob("*.parquet"))) == 10


def test_generated_names_stay_generated(tmp_path: Path) -> None:
    """Whether one batch or many brought the look-ups of a day, and before and after compaction."""
    names = [f"{number:04x}qxzkvbw{number:03x}.example" for number in range(40)]
    rows = [
        row(at + 1, time=at, src=f"10.0.0.{1 + at % 2}", dst="10.0.0.53", own_end="source", domain=name, basis=basis)
        for at, (name, basis) in enumerate((name, basis) for name in names for basis in ("none", "alert"))
    ]
    judged = []
    for size in (len(rows), 7):
        lake = Lake.open(tmp_path / f"lake-{size}", LakeSettings(memory_limit_mb=100))
        for at in range(0, len(rows), size):
            add(lake, rows[at : at + size])
        for _ in range(2):
            with lake.reading() as session:
                judged.append(candidate_table(session, PlainScreens()).to_pylist())
            compact(lake)
    assert judged[1:] == judged[:-1]
    assert not any(one["type"] == "domain" for one in judged[0])


def test_derived_sets_of_many_files_become_one(tmp_path: Path) -> None:
    """Their rows stay, also where an earlier file had fewer columns."""
    lake = Lake.open(tmp_path / "lake", LakeSettings(memory_limit_mb=100))
    for number in range(5):
        with lake.writing() as writer:
            columns = {"n": [number]} if number < 2 else {"n": [number], "more": ["x"]}
            writer.append_derived("found", pa.table(columns))
    assert compact(lake).after.files == 1
    with lake.reading() as session:
        rows = session.sql(f"SELECT * FROM {session.derived('found')}").to_pylist()
    assert [(row["n"], row["more"]) for row in rows] == [(0, None), (1, None), (2, "x"), (3, "x"), (4, "x")]
