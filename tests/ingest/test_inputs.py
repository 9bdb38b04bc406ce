"""What can be named on the command line: files that are no logs, folders, damaged and odd files."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest
import zstandard

from ingest_scenes import Scene, counts, eve
from seawall.model import Fault

LINES = b"".join(eve(n) + b"\n" for n in range(2000))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\x7fELF\x02\x01\x01\0" + bytes(4000), "binary file"),
        (b"just some text\nand more\n", "no known log format"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (gzip.compress(LINES, mtime=0)[:20], "ends in the middle"),
        (b"\x1f\x8b garbage", "damaged"),
        (b"\x28\xb5\x2f\xfd garbage", "damaged"),
    ],
    ids=["empty", "binary", "text", "empty gzip", "cut gzip", "damaged gzip", "damaged zstd"],
)
def test_a_named_file_that_is_no_log_is_a_fault(scene: Scene, content: bytes, reason: str) -> None:
    """One sentence says what is wrong with it; beside a good file it is a problem of that file only."""
    path = scene.write("odd.json", content)
    with pytest.raises(Fault, match=rf"E-INGEST-001.*odd\.json: .*{reason}"):
        scene.ingest(path)
    report = scene.ingest(path, scene.write("good.json", [eve(1)]))
    assert counts(report) == (1, 0, 0) and report.files == 1
    assert len(report.problems) == 1 and reason in report.problems[0]


def test_missing_files_and_empty_folders_are_told(scene: Scene) -> None:
    """Neither is passed over in silence."""
    (scene.folder / "empty").mkdir()
    for name, reason in (("absent.json", "No such file"), ("empty", "holds no readable file")):
        with pytest.raises(Fault, match=rf"E-INGEST-001.*{reason}"):
            scene.ingest(scene.folder / name)


def test_in_a_folder_what_is_no_log_is_passed_over(scene: Scene) -> None:
    """Rules, captures, check lists and empty files beside the logs are neither rejects nor problems."""
    scene.write("in/a.json", [eve(1)])
    scene.write("in/deep/b.json.gz", gzip.compress(eve(2)))
    scene.write("in/expected.json", b'{\n "event_types": {"alert": 1},\n "match": {"event_type": "dns"}\n}\n')
    scene.write("in/test.rules", b'alert ip any any -> any any (msg:"x"; sid:1;)\n')
    scene.write("in/input.pcap", b"\xd4\xc3\xb2\xa1" + bytes(100))
    scene.write("in/empty.json", b"")
    report = scene.ingest(scene.folder / "in")
    assert (report.files, *counts(report), report.problems) == (2, 2, 0, 0, [])
    assert {Path(row["source_file"]).name for row in scene.rows("source_file")} == {"a.json", "b.json.gz"}


def test_a_folder_without_logs_is_a_fault(scene: Scene) -> None:
    """The sentence says that nothing there is a log."""
    scene.write("in/test.rules", b"alert ip any any -> any any (sid:1;)\n")
    with pytest.raises(Fault, match=r"E-INGEST-001.*no file there is a log"):
        scene.ingest(scene.folder / "in")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("kept", [0.5, 0.9, 0.999])
def test_a_truncated_compressed_file_keeps_its_complete_lines(scene: Scene, pack: object, kept: float) -> None:
    """Every line before the break is stored, the break is a problem, and the whole file brings the rest."""
    packed: bytes = pack(os.urandom(0) + LINES)  # type: ignore[operator]
    report = scene.ingest(scene.write("cut", packed[: int(len(packed) * kept)]), format="suricata-eve")
    assert report.rejected == 0
    assert "ends in the middle" in report.problems[0] and "complete lines were kept" in report.problems[0]
    rest = scene.ingest(scene.write("whole", packed))
    assert (rest.stored, rest.duplicates) == (2000 - report.stored, report.stored)


def test_a_gzip_file_of_several_members_is_read_to_its_end(scene: Scene) -> None:
    """As log rotation and parallel compressors write it; padding after the last member is no damage."""
    packed = gzip.compress(LINES[: len(LINES) // 2]) + gzip.compress(LINES[len(LINES) // 2 :]) + bytes(512)
    report = scene.ingest(scene.write("a.gz", packed))
    assert (counts(report), report.problems) == ((2000, 0, 0), [])


def test_byte_order_mark_blank_lines_and_missing_line_end_are_no_rejects(scene: Scene) -> None:
    """They are not lines of the log, or not part of one; line numbers still count them."""
    content = b"\xef\xbb\xbf" + eve(1) + b"\r\n\r\n\n   \n" + b" " * 500 + b"\n" + eve(2) + b"\n\n" + eve(3)
    assert counts(scene.ingest(scene.write("a.json", content))) == (3, 0, 0)
    assert [row["source_line"] for row in scene.rows("source_line")] == [1, 6, 8]
    assert counts(scene.ingest(scene.write("b.json", [eve(2), eve(3)]))) == (0, 2, 0)


def test_an_array_of_events_is_read_too(scene: Scene) -> None:
    """Pretty-printed or not; its elements are its lines."""
    content = b"[\n  " + eve(1).replace(b", ", b",\n    ") + b",\n" + eve(2) + b"\n]\n"
    assert counts(scene.ingest(scene.write("a.json", content))) == (2, 0, 0)


def test_a_fifo_is_read_like_a_stream(scene: Scene) -> None:
    """As shells hand over ``<(command)``."""
    fifo = scene.folder / "pipe"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(LINES))
    writer.start()
    report = scene.ingest(fifo)
    writer.join()
    assert counts(report) == (2000, 0, 0)


def test_odd_file_names_do_no_harm(scene: Scene) -> None:
    """Names with quotes, line ends, escapes and bytes that are no UTF-8 are kept as readable text."""
    names = ['it\'s "x".json', "a\nb\x1b[31m.json", os.fsdecode(b"\xff\xfe.json"), "$(x) %s {y}.json"]
    for number, name in enumerate(names):
        scene.write(name, [eve(number), b"broken"])
    report = scene.ingest(*(scene.folder / name for name in names))
    assert counts(report) == (4, 0, 4)
    assert all(row["source_file"].isprintable() for row in scene.rows("source_file"))
