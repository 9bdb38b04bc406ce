"""A lake that lives on a real S3 server: answers as in a folder, one writer at a time, nothing half-visible."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake.s3_scenes import Shared, objects, rows_of, storage_of
from lake.scenes import DAY, ONE_COMMIT, add, commits, held, traffic
from lake.test_compaction import TABLE
from match.test_lake import hits
from seawall.lake import Lake, compact, retain
from seawall.lake.storage import lease as lease_room
from seawall.lake.storage import s3 as s3_room
from seawall.match import match
from seawall.model import Unavailable

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.timeout(300)]


def looked_up(lake: Lake, keys: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """What the roll-up knows about values, found in its places."""
    with lake.reading() as session:
        about = session.rollup_about(keys, ["type", "value", "high", "low", "day", "count"])
        found: list[dict[str, Any]] = session.sql(f"SELECT * FROM {about} ORDER BY ALL").to_pylist()
        return found


def test_the_same_answers_as_in_a_folder(shared: Shared, tmp_path: Path) -> None:
    """Rows, roll-up, hits and progress, also for another machine, after compaction and after retention."""
    here, there, other = Lake.open(tmp_path / "here"), shared.lake(), shared.lake("b", cache_mb=0)
    for number in range(4):
        for lake in (here, there if number % 2 else other):
            add(lake, traffic(number, 60))
            match(lake, TABLE)
    expected = held(here)
    assert expected["observations"]
    for _ in range(2):
        assert held(there) == held(other) == expected
        assert hits(there) == hits(other) == hits(here)
        assert match(other, TABLE).new.hits == 0
        done, same = compact(there), compact(here)
        assert (done.steps, done.after.files, done.after.rows) == (same.steps, same.after.files, same.after.rows)
    asked = [("ipv4", "198.51.100.7"), ("domain", "b.example.net"), ("cidr", "2001:db8::/125")]
    assert looked_up(there, asked) == looked_up(other, asked) == looked_up(here, asked) != []
    now = 3 * DAY - 1
    gone, too = retain(other, now, keep_days=2), retain(here, now, keep_days=2)
    assert (gone.days_removed, gone.after.rows) == (too.days_removed, too.after.rows) == (1, too.after.rows)
    assert held(there) == held(other) == held(here)
    assert not (tmp_path / "b" / "files").exists() or not list((tmp_path / "b" / "files").rglob("*.places"))


def test_collectors_take_turns(shared: Shared) -> None:
    """Three machines write at once: nothing is lost, no event number is given twice, and each gets its turn."""
    order: list[str] = []

    def collect(machine: str) -> None:
        lake = shared.lake(machine)
        for number in range(4):
            add(lake, traffic(number, 20, seed=ord(machine)))
            order.append(machine)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(collect, "abc"))
    assert rows_of(shared.lake("d")) == 3 * 4 * 20
    assert set(order[:8]) == set("abc"), "whoever waits comes before who has just written"
    assert not objects(shared.lake("d"), "writers/waiting"), "nobody waits any more"


def test_who_writes_is_told(shared: Shared) -> None:
    """A waiting writer hears the holder's process and machine, once."""
    first, second, told = shared.lake("a"), shared.lake("b"), list[str]()
    ready = threading.Event()

    def wait() -> None:
        with second.writing(lambda holder: (told.append(holder), ready.set())[0]) as writer:  # type: ignore[func-returns-value]
            writer.set_note("second", "1")

    with ThreadPoolExecutor(1) as pool, first.writing() as writer:
        waiting = pool.submit(wait)
        assert ready.wait(20)
        writer.set_note("first", "1")
    waiting.result()
    assert told == [f"process {os.getpid()} on {socket.gethostname()}"]
    assert shared.lake("c").manifest().notes == {"first": "1", "second": "1"}


KILLED = (
    """
import os, signal, sys
from pathlib import Path
from s3fs import S3FileSystem
from seawall.lake import Lake
from seawall.settings import LakeSettings
from seawall.lake.storage import lease
lease.LEASE_SECONDS, lease.POLL_SECONDS = 1.0, 0.1
lake = Lake.open(Path(sys.argv[1]), LakeSettings(folder=sys.argv[2], s3_endpoint=sys.argv[3]))
at, calls, call = int(sys.argv[4]), 0, S3FileSystem._call_s3
async def counting(self, method, *given, **named):
    global calls
    if method not in ("head_object", "get_object", "list_objects_v2"):
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
    return await call(self, method, *given, **named)
S3FileSystem._call_s3 = counting
"""
    + ONE_COMMIT
)


def test_a_writer_killed_at_any_request_leaves_all_or_nothing(
    shared: Shared, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each request that changes the bucket: data sets and note agree, and others go on soon."""
    monkeypatch.setattr(lease_room, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(s3_room, "GRACE", 0)
    committed, killed = 0, 0
    other = shared.lake("other")
    for at in range(1, 20):
        command = [sys.executable, "-c", KILLED, str(tmp_path / "killed"), shared.url, endpoint, str(at)]
        ran = subprocess.run(command, capture_output=True, text=True)
        notes = commits(other)
        assert notes in (committed, committed + 1), ran.stderr
        committed = notes
        if ran.stdout:
            break
        killed += 1
    else:
        pytest.fail("the writer never got to its end")
    assert committed >= 1
    assert killed >= 6
    assert other.tidy()
    assert len(objects(other, "derived/")) == 2 * committed + 1


def silent(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a lake's writer renew its lease no more."""
    monkeypatch.setattr(storage_of(lake)._writers, "_renew", lambda *_: None)


@pytest.mark.parametrize("looks", [True, False])
def test_a_writer_that_was_taken_over_changes_nothing(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, looks: bool
) -> None:
    """It hears so in a sentence, also if it looks a moment too early; its rows may be written again."""
    monkeypatch.setattr(lease_room, "LEASE_SECONDS", 0.5)
    slow, quick = shared.lake("slow"), shared.lake("quick")
    silent(slow, monkeypatch)
    if not looks:
        monkeypatch.setattr(storage_of(slow)._writers, "check", lambda: None)
    with pytest.raises(Unavailable, match="E-LAKE-041"), slow.writing() as writer:
        writer.append_derived("mine", pa.table({"n": [1]}))
        add(quick, traffic(0, 20))
    assert rows_of(slow) == 20
    assert slow.manifest().of("derived", name="mine") == ()
    add(slow, traffic(1, 20))
    assert rows_of(quick) == 40


def test_the_name_of_an_old_state_is_not_used_again(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that slept until the states after its own were cleared away does not commit behind them."""
    monkeypatch.setattr(lease_room, "LEASE_SECONDS", 0.5)
    monkeypatch.setattr(s3_room, "STATES_KEPT", -(10**15))
    slow, quick = shared.lake("slow"), shared.lake("quick")
    silent(slow, monkeypatch)
    monkeypatch.setattr(storage_of(slow)._writers, "check", lambda: None)
    with pytest.raises(Unavailable, match="E-LAKE-041"), slow.writing() as writer:
        writer.set_note("mine", "1")
        for number in range(3):
            add(quick, traffic(number, 20))
        quick.tidy()
        assert objects(quick, "manifests/") == ["manifests/000000000003.json"]
        monkeypatch.setattr(storage_of(slow)._bucket, "newest", lambda: None)
    monkeypatch.undo()
    assert "mine" not in quick.manifest().notes
    assert rows_of(quick) == 60


def test_a_lost_answer_is_no_lost_commit(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server created the manifest and its answer never came: the writer finds it and knows it for its own."""
    lake = shared.lake()
    files = storage_of(lake)._bucket.files
    send = files.pipe_file

    def lossy(name: str, data: bytes, **named: object) -> object:
        answer = send(name, data, **named)
        if "/manifests/" in name:
            raise ConnectionError("the answer was lost")
        return answer

    monkeypatch.setattr(files, "pipe_file", lossy)
    add(lake, traffic(0, 20))
    monkeypatch.undo()
    assert rows_of(lake) == 20


def test_replaced_files_stay_for_readers(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot is read to its end while others replace its files; they go a day later."""
    lake, reader = shared.lake("a"), shared.lake("b", cache_mb=0)
    for number in range(3):
        add(lake, traffic(number, 40))
    before = held(reader)
    with reader.reading() as session:
        compact(lake)
        assert len(session.sql(f"SELECT * FROM {session.observations()}")) == 120
    assert held(reader) == before
    many = len(objects(lake, "observations/"))
    clock = storage_of(lake)._clock
    monkeypatch.setattr(storage_of(lake), "_clock", lambda: clock() + s3_room.GRACE + 1_000_000)
    with lake.writing() as writer:
        writer.set_note("later", "1")
    assert len(objects(lake, "observations/")) == len(lake.manifest().of("observations")) < many
    assert held(reader) == before


def test_this_machine_keeps_what_it_may(shared: Shared, tmp_path: Path) -> None:
    """Files of this machine and what it read stay below the bound; the longest unused leave, and answers stay."""
    lake, other = shared.lake("a"), shared.lake("b")
    for number in range(3):
        add(lake, traffic(number, 40))
    expected = held(lake)
    assert held(other) == expected
    kept = {path.parent.name for path in (tmp_path / "b").rglob("*.parquet")}
    assert kept == {"rollup"}, "observations are read where they are"
    small = storage_of(shared.lake("a"))
    small._bound = 60_000
    with small.writing(None):
        left = sum(path.stat().st_size for path in (tmp_path / "a" / "files").rglob("*.parquet"))
    assert 0 < left <= 30_000
    assert held(lake) == expected


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_here_hides_nothing(shared: Shared, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """What cannot be kept on this machine is read in the bucket, and not fetched in vain for every read."""
    lake, other = shared.lake("a"), shared.lake("b")
    for at in range(2):
        add(lake, traffic(at, 40))
    compact(lake)
    tried: list[str] = []

    def full(name: str, *_: object) -> None:
        tried.append(name)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(storage_of(other)._bucket.files, "get_file", full)
    assert held(other) == held(lake)
    assert looked_up(other, [("ipv4", "198.51.100.7")]) == looked_up(lake, [("ipv4", "198.51.100.7")])
    assert len(tried) == 1


def test_what_a_late_task_of_a_cluster_wrote_does_not_count(shared: Shared) -> None:
    """Only the files of the folder itself are its data, as on a disk; what is deeper was never counted."""
    lake = shared.lake()
    storage = storage_of(lake)
    for name in ("part-0.parquet", "_SUCCESS", "_temporary/0/part-0.parquet"):
        storage._bucket.files.pipe_file(storage._bucket.full(f"temporary/made/{name}"), b"")
    assert storage.below("temporary/made") == [f"{shared.url}/temporary/made/part-0.parquet"]
    storage.unshare("temporary/made")
    assert objects(lake, "temporary/") == []


def test_compaction_removes_what_a_killed_writer_sent(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when nothing is left to merge."""
    lake = shared.lake()
    add(lake, traffic(0, 20))
    compact(lake)
    left = "observations/part-000009-000001-dead.parquet"
    storage_of(lake)._bucket.files.pipe_file(storage_of(lake)._bucket.full(left), b"")
    assert left in objects(lake)
    monkeypatch.setattr(s3_room, "GRACE", -60_000_000)
    assert compact(lake).steps == 0
    assert left not in objects(lake)
    assert rows_of(lake) == 20
