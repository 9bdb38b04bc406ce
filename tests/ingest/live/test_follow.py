"""Files followed step by step: what is read, and as whose lines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest_scenes import eve
from seawall.ingest.interface import LINE_BOUND
from seawall.ingest.live import Block, Follower, Position, load_positions, only_tail, spool
from seawall.ingest.live.blocks import Cutter
from seawall.ingest.live.framing import Framing
from seawall.ingest.live.spool import Backlog
from seawall.ingest.live.state import STATE, Head, save_positions
from seawall.model import Fault


class Scene:
    """A follower, and the lines it gave so far by the name of their file."""

    def __init__(self, *targets: str | Path) -> None:
        self.said: list[str] = []
        self.follower = Follower([str(target) for target in targets], (), None, self.said.append)
        self.lines: list[bytes] = []
        self.keys: list[str] = []

    def read(self) -> list[bytes]:
        """What came since the last time, with a look at the folders."""
        self.follower._next_look = 0.0
        blocks, files = self.follower.poll()
        assert {block.key for block in blocks} <= files.keys()
        got = [line for block in blocks for line in (block.data or b"").splitlines()]
        self.lines += got
        self.keys += [block.key for block in blocks]
        return got


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """A log of two lines."""
    path = tmp_path / "eve.json"
    write(path, 1, 2)
    yield path


def write(path: Path, *numbers: int) -> None:
    """Add lines."""
    with path.open("ab") as file:
        file.write(b"".join(eve(number) + b"\n" for number in numbers))


def numbers(*wanted: int) -> list[bytes]:
    """Those lines."""
    return [eve(number) for number in wanted]


def test_half_a_line_waits(log: Path) -> None:
    """Only complete lines are given; the rest comes when its line end does."""
    scene = Scene(log)
    whole = eve(3) + b"\n"
    with log.open("ab") as file:
        file.write(whole[:20])
    assert scene.read() == numbers(1, 2)
    assert scene.read() == []
    with log.open("ab") as file:
        file.write(whole[20:])
    assert scene.read() == numbers(3)
    scene.follower.close()


def test_renamed_and_begun_anew(log: Path) -> None:
    """Lines written to the old file after the renaming are read as its own; the new file is another one."""
    scene = Scene(log)
    scene.read()
    with log.open("ab") as old:
        log.rename(log.with_name("eve.json.1"))
        write(log, 10)
        old.write(eve(3) + b"\n")
    assert sorted(scene.read()) == sorted(numbers(3, 10))
    assert len(set(scene.keys)) == 2
    scene.follower.close()


def test_copied_and_truncated(log: Path) -> None:
    """What stood in the file when it was truncated is read from the copy, once, also with a folder followed."""
    scene = Scene(log.parent)
    scene.read()
    write(log, 3)
    shutil.copyfile(log, log.with_name("eve.json.1"))
    os.truncate(log, 0)
    write(log, 10)
    for _ in range(3):
        scene.read()
    assert sorted(scene.lines) == sorted(numbers(1, 2, 3, 10))
    scene.follower.close()


def test_an_inode_that_is_used_again_is_a_new_file(log: Path) -> None:
    """The same inode with other content, even longer than before, is read from its beginning."""
    scene = Scene(log)
    scene.read()
    os.truncate(log, 0)
    write(log, *range(20, 30))
    assert scene.read() == numbers(*range(20, 30))
    scene.follower.close()


def test_what_cannot_be_followed_is_told_once(tmp_path: Path) -> None:
    """Compressed files are passed over; an array is told about; a file of no known format is not."""
    (tmp_path / "old.json.gz").write_bytes(b"\x1f\x8b rest")
    (tmp_path / "array.json").write_bytes(b"[" + eve(1) + b"]\n")
    (tmp_path / "notes.txt").write_text("hello\n")
    scene = Scene(tmp_path)
    for _ in range(3):
        assert scene.read() == []
    assert len(scene.said) == 1
    assert "array.json" in scene.said[0]
    scene.follower.close()


def test_positions_are_continued(log: Path) -> None:
    """A second follower begins where the positions say; a file that is gone and cannot be found is told about."""
    status = log.stat()
    start = log.read_bytes()
    first = len(eve(1)) + 1
    held = Position("k", str(log), status.st_dev, status.st_ino, Head.of(start), first, 1)
    lost = Position("l", str(log.with_name("lost.json")), 0, 1, Head.of(b"x" * 100), 50, 1)
    said: list[str] = []
    follower = Follower([str(log), lost.path], (held, lost), None, said.append)
    follower.resume()
    blocks, _ = follower.poll()
    assert [(block.key, block.start, block.first_line, block.data) for block in blocks] == [
        ("k", first, 2, eve(2) + b"\n")
    ]
    assert len(said) == 1
    assert "lost.json" in said[0]
    follower.close()


@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 20])
def test_a_line_beyond_the_bound_is_dropped_and_told(step: int) -> None:
    """However it comes, its neighbours are whole, offsets and numbers go on, and memory is bounded."""
    size = LINE_BOUND + 5000
    stream = b"first\n" + b"x" * size + b"\nlast\n" if step > 7 else b"first\nsecond\nlast\n"
    cutter = Cutter("k", 0, 0)
    blocks: list[Block] = []
    for start in range(0, len(stream), step):
        blocks += cutter.feed(stream[start : start + step], 0.0)
        assert len(cutter._rest) <= LINE_BOUND + step
    assert blocks[-1].end == len(stream)
    assert blocks[-1].first_line + blocks[-1].lines - 1 == 3
    assert sum(block.end - block.start for block in blocks) == len(stream)
    if step in (7, 1):
        assert b"".join(block.data or b"" for block in blocks) == stream


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_frames_however_they_come(step: int) -> None:
    """Counted and terminated messages, mixed and cut anywhere."""
    stream = b"7 <1>ab\nc<2>line\n<3>nul\0" + b"5 <4>xx12 not counted\n<5>rest"
    framing = Framing()
    got = [message for at in range(0, len(stream), step) for message in framing.feed(stream[at : at + step])]
    got += framing.finish()
    assert got == [b"<1>ab\nc", b"<2>line", b"<3>nul", b"<4>xx", b"12 not counted", b"<5>rest"]


def test_a_frame_beyond_the_bound_is_cut(moment: int) -> None:
    """A count that lies, or a message without end, does not fill memory; the next message is read."""
    framing = Framing()
    size = LINE_BOUND + 100
    got = framing.feed(f"{size} <1>".encode() + b"x" * (size - 3) + b"5 <2>ab")
    assert [len(message) for message in got] == [LINE_BOUND + 1, 5]
    for _ in range(40):
        assert framing.feed(b"y" * 100_000) == []
    assert len(framing._rest) <= LINE_BOUND + 1


def test_the_backlog_gives_back_what_it_spilled(tmp_path: Path) -> None:
    """Blocks beyond the bound go to disk and come back whole, in any number; both ends are said."""
    said: list[str] = []
    backlog = Backlog(tmp_path, 100, said.append)
    blocks = [Block("k", n * 60, n * 60 + 60, n, 1, bytes([n]) * 60) for n in range(5)]
    for block in blocks:
        backlog.add(block)
    assert [block.data is None for block in blocks] == [False, True, True, True, True]
    assert [backlog.load(block).data for block in blocks] == [bytes([n]) * 60 for n in range(5)]
    assert (backlog.spilled_lines, backlog.spilled_bytes, len(said)) == (4, 240, 2)
    backlog.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_backlog_is_emptied_before_it_takes_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file on disk has a bound, said once; it holds nothing that a file of our own holds already."""
    monkeypatch.setattr(spool, "SPILLED_BYTES", 100)
    said: list[str] = []
    backlog = Backlog(tmp_path, 0, said.append)
    own = tmp_path / "own.log"
    own.write_bytes(b"0123456789")
    held = Block("o", 2, 5, 1, 1, b"234", held_by=own)
    blocks = [Block("k", n * 60, n * 60 + 60, n, 1, bytes([n]) * 60) for n in range(2)]
    full = []
    for block in (held, *blocks):
        backlog.add(block)
        full.append(backlog.full)
    assert full == [False, False, True]
    assert (tmp_path / "overflow.spool").stat().st_size == 120
    assert backlog.load(held).data == b"234"
    full = []
    for block in blocks:
        data = backlog.load(block).data
        assert data == bytes([block.first_line]) * 60
        full.append(backlog.full)
    assert full == [True, False], "what is left stands at the end of the file"
    assert (tmp_path / "overflow.spool").stat().st_size == 0
    assert len(said) == 3
    backlog.close()


def test_who_may_not_read_misses_no_rotation(log: Path) -> None:
    """Files that are renamed twice meanwhile are held open, and read in their order afterwards."""
    scene = Scene(log)
    scene.read()
    for number in (3, 4):
        write(log, number)
        scene.follower._next_look = 0.0
        assert scene.follower.poll(reading=False) == ([], {})
        log.replace(log.with_name("eve.json.1"))
    write(log, 5)
    assert sorted(scene.read()) == sorted(numbers(3, 4, 5))
    scene.follower.close()


def test_damaged_positions_are_a_sentence(tmp_path: Path) -> None:
    """Positions that cannot be read end with a code and what to do; saved ones come back."""
    position = Position("k", "p", 1, 2, Head.of(b"abc"), 3, 1)
    save_positions(tmp_path, (position,))
    assert load_positions(tmp_path) == (position,)
    (tmp_path / STATE).write_bytes(b"{")
    with pytest.raises(Fault) as told:
        load_positions(tmp_path)
    assert told.value.code == "E-INGEST-060"


def test_one_tail_at_a_time(tmp_path: Path) -> None:
    """The second is refused while the first runs, and may come after it."""
    with only_tail(tmp_path), pytest.raises(Fault) as told, only_tail(tmp_path):
        pass
    assert told.value.code == "E-INGEST-062"
    with only_tail(tmp_path):
        pass
