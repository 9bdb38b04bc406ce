"""The lake: snapshots, one writer, all or nothing, nothing left behind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.scenes import ONE_COMMIT, commits
from seawall.lake import EngineRefusal, Lake
from seawall.lake.files import side_folder
from seawall.model import OBSERVATION_SCHEMA, ROLLUP_SCHEMA, Fault, Unavailable
from seawall.settings import LakeSettings

DAY = 86_400_000_000


def observations(times: list[int], sides: list[str] | None = None, **columns: Any) -> pa.Table:
    """Rows at these times, all other columns alike."""
    size = len(times)
    values: dict[str, Any] = {}
    for field in OBSERVATION_SCHEMA:
        if field.name != "event":
            value: Any = "x" if pa.types.is_string(field.type) else 1
            values[field.name] = pa.array([value] * size, field.type)
    values |= {"time": pa.array(times, pa.int64()), "side": pa.array(sides or ["TW"] * size)}
    return pa.table(values | columns)


def rollup(values: list[str]) -> pa.Table:
    """Roll-up rows of these values."""
    size = len(values)
    columns = {f.name: pa.array(["x" if pa.types.is_string(f.type) else 1] * size, f.type) for f in ROLLUP_SCHEMA}
    return pa.table(columns | {"value": pa.array(values, pa.string())})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake.open(tmp_path / "lake", LakeSettings(memory_limit_mb=200))


def count(lake: Lake, after: int = 0) -> int:
    """Rows a new reader sees."""
    with lake.reading() as session:
        found: int = session.sql(f"SELECT count(*) FROM {session.observations(after)}").column(0)[0].as_py()
        return found


def test_an_empty_lake_has_the_right_columns(lake: Lake) -> None:
    """Relations exist before anything was written."""
    with lake.reading() as session:
        assert session.sql(f"SELECT * FROM {session.observations()}").schema.names == OBSERVATION_SCHEMA.names
        assert session.sql(f"SELECT * FROM {session.rollup()}").schema.names == ROLLUP_SCHEMA.names
        assert (session.derived("x"), session.note("x"), session.generation) == (None, None, 0)


def test_rows_are_numbered_once_and_split_by_day_and_side(lake: Lake) -> None:
    """Numbers are unique over commits; each file holds one day and one side."""
    with lake.writing() as writer:
        parts = writer.append_observations(observations([0, DAY, 5, -1], ["TW", "TW", "KR", "TW"]))
    assert sorted((part.day, part.side) for part in parts) == [(-1, "TW"), (0, "KR"), (0, "TW"), (1, "TW")]
    with lake.writing() as writer:
        writer.append_observations(observations([7]))
    with lake.reading() as session:
        events = session.sql(f"SELECT event, time FROM {session.observations()} ORDER BY event").to_pylist()
    assert [(row["event"], row["time"]) for row in events] == [(1, 0), (2, DAY), (3, 5), (4, -1), (5, 7)]
    assert count(lake, after=1) == 1


def test_files_are_plain_parquet_with_the_schema_of_the_model(lake: Lake) -> None:
    """Any engine reads them: no dictionaries, unsigned or wide types in the logical schema."""
    kinds = pa.array(["a", "b"]).dictionary_encode()
    with lake.writing() as writer:
        (part,) = writer.append_observations(observations([1, 2], kind=kinds))
    read = pq.ParquetFile(lake.folder / part.path).schema_arrow
    assert [(field.name, field.type) for field in read] == [(f.name, f.type) for f in OBSERVATION_SCHEMA]


def test_a_snapshot_stays_as_it_was(lake: Lake) -> None:
    """A reader that began before a commit does not see it, even when what it reads is replaced."""
    with lake.writing() as writer:
        writer.append_observations(observations([1]))
        writer.replace_derived("hits", "(SELECT 1 AS a)")
    with lake.reading() as session:
        with lake.writing() as writer:
            writer.append_observations(observations([2]))
            writer.replace_derived("hits", "(SELECT 2 AS a)")
        with lake.writing() as writer:
            writer.set_note("k", "v")
        assert session.sql(f"SELECT count(*) AS n FROM {session.observations()}").to_pylist() == [{"n": 1}]
        assert session.sql(f"SELECT a FROM {session.derived('hits')}").to_pylist() == [{"a": 1}]
        assert session.note("k") is None
    with lake.reading() as session:
        assert session.sql(f"SELECT a FROM {session.derived('hits')}").to_pylist() == [{"a": 2}]
        assert (session.note("k"), session.generation) == ("v", 3)


def test_replaced_files_go_when_nobody_reads_them(lake: Lake) -> None:
    """They stay for readers of older snapshots and are swept by a later writer."""
    for number in range(4):
        with lake.writing() as writer:
            writer.replace_derived("hits", f"(SELECT {number} AS a)")
    with lake.writing():
        pass
    assert len(list((lake.folder / "derived").rglob("*.parquet"))) == 1


def test_an_exception_leaves_nothing(lake: Lake) -> None:
    """Neither rows nor notes nor files, and numbers go on as if nothing had been."""
    with pytest.raises(KeyError), lake.writing() as writer:
        writer.append_observations(observations([1, 2]))
        writer.append_rollup(rollup(["a"]))
        writer.append_derived("d", "(SELECT 1 AS a)")
        writer.set_note("a", "b")
        raise KeyError
    assert count(lake) == 0
    assert not list(lake.folder.rglob("*.parquet"))
    with lake.reading() as session:
        assert (session.generation, session.note("a")) == (0, None)


def test_a_writer_reads_its_own_work(lake: Lake) -> None:
    """Before the commit, for itself alone."""
    with lake.writing() as writer:
        writer.append_observations(observations([1, 2]))
        writer.append_observations(f"(SELECT * REPLACE (time + 10 AS time) FROM {writer.observations()})")
        assert writer.append_derived("d", f"(SELECT time FROM {writer.observations()})") == 4
        assert writer.append_derived("d", pa.table({"time": pa.array([9], pa.int64())})) == 1
        assert writer.sql(f"SELECT sum(time)::BIGINT AS s FROM {writer.derived('d')}").to_pylist() == [{"s": 35}]
        assert count(lake) == 0
    assert count(lake) == 4


def test_an_unfit_table_is_refused_by_name_of_its_column(lake: Lake) -> None:
    """Missing columns, NULL where none may be, values that do not fit."""
    whole = observations([1])
    for table, reason in (
        (whole.drop_columns(["digest_low"]), "digest_low cannot be stored: it is missing"),
        (observations([1], sector=pa.array([None], pa.string())), "sector cannot be stored: it holds NULL"),
        (observations([1], src_port=pa.array([2**40])), "src_port cannot be stored"),
    ):
        with pytest.raises(Fault, match=f"E-LAKE-006.*{reason}"), lake.writing() as writer:
            writer.append_observations(table)
    assert count(lake) == 0


def test_a_second_writer_waits_and_says_for_whom(lake: Lake) -> None:
    """It is told the holder once, then goes on with what the first one committed."""
    told: list[str] = []
    inside, done = threading.Event(), threading.Event()

    def second() -> None:
        inside.wait()
        with lake.writing(on_wait=lambda holder: (told.append(holder), done.set())[0]) as writer:  # type: ignore[func-returns-value]
            assert writer.generation == 1
            writer.append_observations(observations([2]))

    thread = threading.Thread(target=second)
    thread.start()
    with lake.writing() as writer:
        writer.append_observations(observations([1]))
        inside.set()
        assert done.wait(20)
    thread.join()
    assert told == [f"process {os.getpid()}"]
    assert count(lake) == 2


def test_registered_tables_and_parameters_reach_the_query(lake: Lake) -> None:
    """Values are bound, never pasted; Python variables are no tables."""
    hidden = pa.table({"a": [1]})
    with lake.reading() as session:
        session.register("given", pa.table({"a": np.arange(5)}))
        assert session.sql("SELECT a FROM given WHERE a > ?", [3]).to_pylist() == [{"a": 4}]
        assert session.sql("SELECT ? AS text", ["'; DROP TABLE x"]).to_pylist() == [{"text": "'; DROP TABLE x"}]
        with pytest.raises(EngineRefusal):
            session.sql("SELECT * FROM hidden")
    assert len(hidden) == 1


def test_nothing_is_fetched_from_elsewhere(lake: Lake) -> None:
    """Extensions are neither installed nor loaded by themselves."""
    with lake.scratch() as session:
        settings = session.sql(
            "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%extensions' OR name LIKE 'allow_comm%'"
        ).to_pylist()
        assert settings and {row["value"] for row in settings} == {"false"}
        with pytest.raises((EngineRefusal, Unavailable)):
            session.sql("SELECT * FROM read_parquet('https://127.0.0.1:9/x.parquet')")


@pytest.mark.parametrize("side", ["TW", "../../etc", "a/b", "", "x" * 500, "臺灣", "CON\0", "."])
def test_side_names_of_people_are_harmless_folder_names(lake: Lake, side: str) -> None:
    """They stay inside the lake and come back as they were."""
    name = side_folder(side)
    assert "/" not in name and name not in ("", ".", "..") and len(name) < 60 and name.isascii()
    with lake.writing() as writer:
        (part,) = writer.append_observations(observations([1], [side]))
    assert (lake.folder / part.path).resolve().is_relative_to(lake.folder.resolve())
    with lake.reading() as session:
        assert session.sql(f"SELECT side FROM {session.observations()}").to_pylist() == [{"side": side}]


def test_different_sides_never_share_a_folder() -> None:
    """Names that sanitise alike are told apart by a digest."""
    names = {side_folder(side) for side in ("a b", "a_b", "a/b", "a.b", "A B")}
    assert len(names) == 5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "Cannot use"),
        (b'{"version": 99}', "newer version"),
        (b'{"parts": [{"path": "../x", "kind": "observations", "generation": 1, "rows": 1}]}', "outside the lake"),
        (b'{"parts": [{"path": "/etc/x", "kind": "observations", "generation": 1, "rows": 1}]}', "outside the lake"),
    ],
)
def test_a_damaged_manifest_is_told(lake: Lake, content: bytes, reason: str) -> None:
    """And never overwritten."""
    (lake.folder / "manifest.json").write_bytes(content)
    with pytest.raises(Fault, match=f"E-LAKE-002.*{reason}"), lake.writing():
        pass
    assert (lake.folder / "manifest.json").read_bytes() == content


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    """The sentence names those we have."""
    with pytest.raises(Fault, match=r"E-LAKE-001.*duckdb"):
        Lake.open(tmp_path, LakeSettings(engine="abacus"))


def test_a_full_disk_changes_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever write fails: the lake is as before, and the sentence says so."""
    with lake.writing() as writer:
        writer.append_observations(observations([1]))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match=r"E-LAKE-004.*No space left"), lake.writing() as writer:
        writer.append_observations(observations([2]))
    with pytest.raises(Unavailable, match=r"E-LAKE-004.*No space left"), lake.writing() as writer:
        writer.set_note("a", "b")
    monkeypatch.undo()
    assert count(lake) == 1
    assert len(list(lake.folder.rglob("*.parquet"))) == 1


KILLED = (
    """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from seawall.lake import Lake
lake = Lake.open(Path(sys.argv[1]))
at = int(sys.argv[2])
calls = 0
def counting(original):
    def step(*given, **named):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*given, **named)
    return step
os.fsync, os.replace, os.rename = counting(os.fsync), counting(os.replace), counting(os.rename)
Path.replace, os.open = counting(Path.replace), counting(os.open)
"""
    + ONE_COMMIT
)


def test_a_writer_killed_at_any_step_leaves_all_or_nothing(lake: Lake) -> None:
    """Killed before each system call of a commit in turn: every data set and note agree about what happened."""
    committed = 0
    for at in range(1, 60):
        ran = subprocess.run([sys.executable, "-c", KILLED, str(lake.folder), str(at)], capture_output=True, text=True)
        notes = commits(lake)
        assert notes in (committed, committed + 1)
        committed = notes
        if ran.stdout:
            break
    else:
        pytest.fail("the writer never got to its end")
    assert committed >= 1


def test_a_rewritten_file_keeps_its_events(lake: Lake) -> None:
    """Rows put in place of a file keep their numbers and stand under their new side; readers see it at the commit."""
    with lake.writing() as writer:
        (part,) = writer.append_observations(observations([1, 2, 3]))
        writer.append_derived("found", pa.table({"n": [1]}))
        writer.set_note("state", "x")
    with lake.reading() as before, lake.writing() as writer:
        rows = writer.read_part(part, OBSERVATION_SCHEMA.names)
        at = rows.schema.get_field_index("side")
        made = writer.rewrite_observations(part, rows.set_column(at, "side", pa.array(["TW", "KR", "KR"])))
        writer.remove_derived("found")
        writer.remove_derived("never there")
        writer.remove_note("state")
        assert sorted((one.side, one.rows) for one in made) == [("KR", 2), ("TW", 1)]
        sides = before.sql(f"SELECT DISTINCT side FROM {before.observations()}")
        assert sides.column(0).to_pylist() == ["TW"]
    with lake.reading() as session:
        found = session.sql(f"SELECT event, side FROM {session.observations()} ORDER BY event").to_pylist()
        assert [(row["event"], row["side"]) for row in found] == [(1, "TW"), (2, "KR"), (3, "KR")]
        assert (session.derived("found"), session.note("state")) == (None, None)


def test_the_rollup_of_some_days_is_taken_out(lake: Lake) -> None:
    """Rows of other days stay, and files without any of the days are not written anew."""
    one, two = rollup(["a", "b", "c"]), rollup(["d"])
    at = one.schema.get_field_index("day")
    one = one.set_column(at, "day", pa.array([0, 1, 2], pa.int32())).set_column(
        one.schema.get_field_index("last"), "last", pa.array([1, DAY, 2 * DAY], pa.int64())
    )
    with lake.writing() as writer:
        writer.append_rollup(one)
        writer.append_rollup(two.set_column(at, "day", pa.array([0], pa.int32())))
    with lake.writing() as writer:
        writer.remove_rollup({1, 2})
    with lake.reading() as session:
        values = session.sql(f"SELECT value FROM {session.rollup()} ORDER BY value").column(0).to_pylist()
        assert values == ["a", "d"]
        assert len(session.sql(f"SELECT * FROM {session.rollup(1)}")) == 1
