"""Received lines reach the disk soon, and nobody waits for it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from seawall.ingest.live import syncing
from seawall.ingest.live.streams import Streams, left_over
from seawall.model import Unavailable


def test_what_was_received_is_on_the_disk_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and the folders of new ones are synced within a moment, beside the writing; what is left, at the end."""
    monkeypatch.setattr(syncing, "SYNC_SECONDS", 0.05)
    synced, soon, sync = list[str](), threading.Event(), os.fsync

    def noted(descriptor: int) -> None:
        sync(descriptor)
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        assert threading.current_thread().name == "syncing"
        soon.set()

    monkeypatch.setattr(os, "fsync", noted)
    streams = Streams(tmp_path, None)
    [segment] = streams.put(b"<13>Mar 14 03:12:00 gate sshd[1]: one", "192.0.2.1")
    assert soon.wait(20)
    streams.put(b"<13>Mar 14 03:12:01 gate sshd[1]: two", "192.0.2.1")
    streams.close()
    assert str(segment.path) in synced
    assert str(segment.path.parent) in synced
    assert {str(segment.path.with_name("stream.json")), str(tmp_path / "syslog"), str(tmp_path)} <= set(synced)
    assert synced[-1] == str(segment.path)


def test_a_disk_that_refuses_is_heard_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next line that comes is not taken, in a sentence."""
    monkeypatch.setattr(syncing, "SYNC_SECONDS", 0.01)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    streams = Streams(tmp_path, None)
    with pytest.raises(Unavailable, match=r"E-INGEST-061.*No space left"):
        for _ in range(2_000):
            streams.put(b"<13>Mar 14 03:12:00 gate sshd[1]: one", "192.0.2.1")
            time.sleep(0.01)
    streams.close()


def test_a_disk_that_refuses_at_the_end_is_heard_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when no line comes after the one that it refused."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    streams = Streams(tmp_path, None)
    streams.put(b"<13>Mar 14 03:12:00 gate sshd[1]: one", "192.0.2.1")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match=r"E-INGEST-061.*No space left"):
        streams.close()


def test_a_file_that_is_gone_is_no_error(tmp_path: Path) -> None:
    """Its lines were in the lake before the disk was asked."""
    made = syncing.Syncing()
    made.wrote(tmp_path / "gone.log")
    made.close()
    assert made._dirty == set()


@pytest.mark.parametrize("damage", ["empty", "missing"])
def test_lines_of_a_stream_that_nobody_knows_are_no_secret(tmp_path: Path, damage: str) -> None:
    """After a loss of power they are found as lines of no known format; the stream's next line mends what tells."""
    streams = Streams(tmp_path, None)
    line = b"<13>Mar 14 03:12:00 gate sshd[1]: one"
    [segment] = streams.put(line, "192.0.2.1")
    streams.close()
    assert [(found.format, found.sensor) for found in left_over(tmp_path)] == [(segment.format, "gate")]
    told = segment.path.with_name("stream.json")
    whole = told.read_bytes()
    if damage == "empty":
        told.write_bytes(b"")
    else:
        told.unlink()
    found = list(left_over(tmp_path))
    assert [(one.path, one.format.name, one.sensor, one.ended) for one in found] == [
        (segment.path, "unknown", "", True)
    ]
    streams = Streams(tmp_path, None)
    streams.put(line, "192.0.2.1")
    streams.close()
    assert told.read_bytes() == whole
