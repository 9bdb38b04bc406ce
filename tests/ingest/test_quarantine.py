"""The quarantine under several processes: nobody's lines are mixed, and the dead leave nothing behind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest_scenes import Scene, eve
from seawall.ingest import read_quarantine
from seawall.ingest.interface import Rejected
from seawall.ingest.quarantine import Quarantine
from seawall.model import Unavailable

OTHER = """
import sys
from pathlib import Path
from seawall.ingest.interface import Rejected
from seawall.ingest.quarantine import Quarantine
quarantine = Quarantine(Path(sys.argv[1]), "a.json", "/a.json")
quarantine.add([Rejected(1, "not-json", "other", b"x", 1)])
print("added", flush=True)
sys.stdin.readline()
quarantine.close()
"""


def test_two_processes_reading_one_input_do_not_mix(tmp_path: Path) -> None:
    """Each writes for itself; both can finish, and what is visible is one of the two, whole."""
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "added\n"
    ours = Quarantine(tmp_path, "a.json", "/a.json")
    ours.add([Rejected(number, "not-json", "ours", b"x", 1) for number in (1, 2)])
    ours.close()
    assert [entry.reason for entry in read_quarantine(tmp_path)] == ["ours", "ours"]
    other.communicate("\n", timeout=30)
    assert other.returncode == 0
    assert [entry.reason for entry in read_quarantine(tmp_path)] == ["other"]


def test_what_a_dead_process_left_goes_with_the_next_ingest(scene: Scene) -> None:
    """The unfinished file of a process that runs stays; that of one that was killed is removed."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    scene.quarantine.mkdir()
    left, living = (scene.quarantine / f"a-0123456789abcdef.{number}.new" for number in (gone.pid, os.getppid()))
    left.touch()
    living.touch()
    scene.ingest(scene.write("a.json", [eve(1), b"broken"]))
    assert not left.exists()
    assert living.exists()
    assert len(list(read_quarantine(scene.quarantine))) == 1


def test_a_full_disk_is_told_and_leaves_nothing_half_written(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the folder; the unfinished file is gone, and the earlier one still there."""
    path = scene.write("a.json", [eve(1), b"broken"])
    scene.ingest(path)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match=r"E-INGEST-003.*No space left"):
        scene.ingest(path)
    assert len(list(read_quarantine(scene.quarantine))) == 1
    assert not list(scene.quarantine.glob("*.new"))
