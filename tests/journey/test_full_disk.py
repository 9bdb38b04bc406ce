"""A disk that fills up in the middle: one clear sentence, a whole node, and exact counts once there is room again.

Two kinds of full disk: a small tmpfs (needs root), and a limit on the size of files, which the system keeps for anyone.
"""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from absent import absent
from journey.command_line import SeawallNode, environment, eve
from journey.kill_drill import quarantined, whole_lake
from seawall.flow.node import Node
from seawall.lake.manifest import load

FILES, LINES = 50, 600  # a file stays below the limit of SizeLimit, a batch of them does not
INDICATORS = 12_000
LEAVING = 3_000  # objects of three pages, each of which must be in the ledger before it leaves
ROOM = 1_500_000  # bytes: less than the log needs in the lake, and less than the indicators need in the store
LEDGER_ROOM = 40_000  # bytes: the store can be opened, and a leaf for a page does not fit


class Disk(Protocol):
    """A place for a node that can be nearly full."""

    folder: Path

    def fill(self, room: int, each: int) -> None:
        """From now on only ``room`` bytes fit, or no file may grow beyond ``each`` bytes."""

    def enlarge(self) -> None:
        """There is room again."""

    def before(self) -> None:
        """Runs in a command's process before it starts."""


class Tmpfs:
    """A file system of its own in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", folder], check=True, capture_output=True)

    def fill(self, room: int, each: int) -> None:
        """Leave ``room`` bytes beside what is there."""
        usage = shutil.disk_usage(self.folder)
        self._resize(usage.used + room)

    def enlarge(self) -> None:
        """Plenty."""
        self._resize(200_000_000)

    def before(self) -> None:
        """The file system does it all."""

    def _resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True)


class SizeLimit:
    """No file may grow beyond a size; a write that would is refused as on a full disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._limit = resource.RLIM_INFINITY

    def fill(self, room: int, each: int) -> None:
        """Commands that start now are limited."""
        self._limit = each

    def enlarge(self) -> None:
        """Commands that start now are free."""
        self._limit = resource.RLIM_INFINITY

    def before(self) -> None:
        """Take the limit on."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._limit, resource.RLIM_INFINITY))


def make_tmpfs(folder: Path) -> Disk:
    """A tmpfs; where nothing can be mounted the test is skipped, and under ``CI=true`` it fails."""
    try:
        return Tmpfs(folder)
    except (OSError, subprocess.CalledProcessError):
        absent("a file system can be mounted by root only")


@pytest.fixture(params=[make_tmpfs, SizeLimit], ids=["tmpfs", "size limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A place for a node, of either kind."""
    make: Callable[[Path], Disk] = request.param
    made = make(tmp_path / "disk")
    yield made
    if isinstance(made, Tmpfs):
        subprocess.run(["umount", made.folder], check=True)


def refused(disk: Disk, node: SeawallNode, code: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a command that meets the full disk: status 2, one sentence with this code, nothing on standard output."""
    done = subprocess.run(
        node.command(*arguments), capture_output=True, timeout=120, env=environment(), preexec_fn=disk.before
    )
    sentences = done.stderr.decode().strip().splitlines()
    assert (done.returncode, len(sentences)) == (2, 1), sentences
    assert sentences[0].startswith(f"{code}: "), sentences
    return done


def write_logs(folder: Path) -> set[tuple[str, int]]:
    """FILES logs of LINES distinct lines that hardly compress, each with one broken line; where those are."""
    dice = random.Random(4)
    folder.mkdir()
    broken = set()
    for number in range(FILES):
        path = folder / f"{number:02}.json"
        lines = [
            eve(
                f"2026-03-14T{dice.randrange(24):02}:{dice.randrange(60):02}:00.{dice.randrange(10**6):06}+0000",
                f"203.0.{dice.randrange(256)}.{dice.randrange(256)}",
                "10.1.0.5",
                sensor="tpe-1",
                http={"hostname": f"{dice.getrandbits(160):x}.example", "url": f"/{dice.getrandbits(300):x}"},
            )
            for _ in range(LINES)
        ]
        lines.insert(dice.randrange(LINES), "broken")
        path.write_text("\n".join(lines) + "\n")
        broken.add((str(path), lines.index("broken") + 1))
    return broken


def test_an_ingest_that_meets_a_full_disk_is_finished_by_the_next(disk: Disk, tmp_path: Path) -> None:
    """What was committed stays whole and counted once; nothing unfinished is left, neither seen nor unseen."""
    node = SeawallNode(disk.folder / "node", "TW")
    with (node.folder / "seawall.toml").open("a") as settings:
        settings.write("\n[lake]\nbatch_lines = 5000\n")
    broken = write_logs(tmp_path / "logs")
    disk.fill(ROOM, ROOM // 3)
    refused(disk, node, "E-LAKE-004", "ingest", tmp_path / "logs")
    rows, _ = whole_lake(node)
    assert rows < FILES * LINES
    disk.enlarge()
    report = node.run("ingest", tmp_path / "logs")
    assert (report["stored"] + rows, report["duplicates"]) == (FILES * LINES, rows)
    assert report["rejected"] == FILES
    assert whole_lake(node)[0] == FILES * LINES
    assert set(quarantined(node)) == broken
    assert quarantined(node).total() == FILES
    named = {node.folder / "lake" / part.path for part in load(node.folder / "lake").parts}
    assert set((node.folder / "lake").rglob("*.parquet")) == named
    assert not list(node.folder.rglob("*.new"))


def test_an_import_that_meets_a_full_disk_is_finished_by_the_next(disk: Disk, tmp_path: Path) -> None:
    """The store holds whole batches only, answers, and takes the rest once there is room."""
    node = SeawallNode(disk.folder / "node", "TW")
    values = [f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(INDICATORS)]
    (tmp_path / "list.csv").write_text("type,value\n" + "".join(f"ipv4,{value}\n" for value in values))
    disk.fill(ROOM, ROOM // 3)
    refused(disk, node, "E-STORE-004", "intel", "import", tmp_path / "list.csv", "--tlp", "green")
    disk.enlarge()
    with Node.open(node.folder) as opened:
        held = opened.store.indicators.count_by_type().get("ipv4", 0)
    assert held < INDICATORS
    report = node.run("intel", "import", tmp_path / "list.csv", "--tlp", "green")
    assert (report["new"], report["unchanged"]) == (INDICATORS - held, held)
    with Node.open(node.folder) as opened:
        assert opened.store.indicators.count_by_type() == {"ipv4": INDICATORS}


def test_nothing_leaves_when_the_ledger_cannot_be_written(disk: Disk, tmp_path: Path) -> None:
    """No leaf, no object: the export ends with a sentence, the ledger verifies, and the next export is complete."""
    node = SeawallNode(disk.folder / "node", "TW")
    rows = "".join(f"ipv4,198.18.{number // 250}.{number % 250}\n" for number in range(LEAVING))
    (tmp_path / "list.csv").write_text("type,value\n" + rows)
    node.here("intel", "import", tmp_path / "list.csv", "--tlp", "green")
    disk.fill(LEDGER_ROOM, LEDGER_ROOM)
    done = refused(disk, node, "E-LEDGER-005", "intel", "export", "--to", "csv")
    assert done.stdout.count(b"198.18.") < LEAVING
    disk.enlarge()
    assert node.run("ledger", "verify")["valid"] is True
    recorded = sum(leaf["objects"] for leaf in node.listing("ledger", "show") if leaf["kind"] == "release")
    assert done.stdout.count(b"indicator--") <= recorded
    assert node.raw("intel", "export", "--to", "csv").stdout.count(b"indicator--") == LEAVING
