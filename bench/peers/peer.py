"""What a peer must tell, and what all of them need: samples, environments of their own, CPU-seconds of a process.

Peers run in their own environments, so this module imports nothing but the standard library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[2]
STEPS = ("parse", "type", "match", "de-duplicate", "persist", "quarantine")
TICKS = os.sysconf("SC_CLK_TCK")


class UnobtainableError(Exception):
    """A peer cannot be installed or started here; the sentence says why."""


@dataclass(frozen=True)
class Sample:
    """The first lines of each file of a load, as one file, and the load's tables."""

    folder: Path  # eve/sample.json, indicators.csv, sensors.csv
    events: int

    @property
    def file(self) -> Path:
        """The lines."""
        return self.folder / "eve" / "sample.json"


@dataclass(frozen=True)
class Run:
    """One run: CPU-seconds, user and system, of all processes that did the job, and what it counted."""

    cpu_seconds: float
    counts: dict[str, int] = field(default_factory=dict)


class Peer(Protocol):
    """One program that is asked to do the job."""

    @property
    def name(self) -> str: ...
    @property
    def does(self) -> Mapping[str, str]:
        """For each of STEPS: yes, no, or which part of it."""
        ...

    @property
    def slow(self) -> bool:
        """It gets a smaller sample."""
        ...

    @property
    def foreign(self) -> bool:
        """Its start-up (a run of a few lines) is taken off."""
        ...

    def prepare(self, cache: Path) -> str:
        """Install it in ``cache`` unless that is done; its version. Raises UnobtainableError."""
        ...

    def run(self, sample: Sample, scratch: Path) -> Run:
        """Do the job on ``sample``, with files in the empty folder ``scratch``."""
        ...


def take_sample(load: Path, folder: Path, events: int) -> Sample:
    """Make a sample of ``events`` lines, alike many from each file. Raises FileNotFoundError for no load."""
    files = sorted((load / "eve").glob("*.json"))
    if not files:
        raise FileNotFoundError(f"{load} holds no eve/*.json")
    (folder / "eve").mkdir(parents=True)
    sample = Sample(folder, events)
    taken = 0
    with sample.file.open("wb") as to:
        for left, path in zip(range(len(files), 0, -1), files, strict=True):
            share = (events - taken) // left
            with path.open("rb") as lines:
                for line in islice(lines, share):
                    to.write(line)
                    taken += 1
    for name in ("indicators.csv", "sensors.csv"):
        (folder / name).symlink_to((load / name).resolve())
    return Sample(folder, taken)


def own_venv(cache: Path, name: str, *requirements: str) -> Path:
    """The interpreter of an environment in ``cache`` that holds ``requirements``, from the machine's package index."""
    folder = cache / name
    python = folder / "bin" / "python"
    done = folder / "installed"
    wanted = "\n".join(requirements)
    if done.is_file() and done.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    _installed([str(python), "-m", "pip", "install", "--quiet", *requirements])
    done.write_text(wanted)
    return python


def version_in(python: Path, package: str) -> str:
    """The version of a package in an environment."""
    asked = f"import importlib.metadata as m; print(m.version({package!r}))"
    return measured([python, "-c", asked])[1].strip()


def debian_files(cache: Path, name: str, *packages: str) -> Path:
    """A folder in ``cache`` with the files of Debian packages, unpacked but not installed: no root, no services."""
    folder = cache / name
    if (folder / "unpacked").is_file():
        return folder
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise UnobtainableError("it is taken from Debian packages, and this machine has no apt-get")
    shutil.rmtree(folder, ignore_errors=True)
    archives = folder / "archives"
    archives.mkdir(parents=True)
    _installed(["apt-get", "download", "--quiet", *packages], cwd=archives)
    for archive in sorted(archives.glob("*.deb")):
        _installed(["dpkg", "-x", str(archive), str(folder)])
    (folder / "unpacked").touch()
    return folder


def library_path(folder: Path) -> dict[str, str]:
    """The environment in which programs of ``debian_files`` find their libraries."""
    folders = sorted({str(path.parent) for path in (folder / "usr/lib").rglob("*.so*")})
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(folders)}


def measured(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, patience: float | None = None
) -> tuple[float, str]:
    """CPU-seconds of a command and all it started, and what it printed. Raises UnobtainableError when it fails.

    ``patience``: seconds after which it is stopped; what it used until then counts.
    """
    with (
        tempfile.TemporaryFile("w+", errors="replace") as printed,
        tempfile.TemporaryFile("w+", errors="replace") as complaints,
    ):
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=printed,
            stderr=complaints,
            env=dict(environment) if environment is not None else None,
            cwd=ROOT,
        )
        stopper = threading.Timer(patience or 0, process.kill)
        if patience is not None:
            stopper.start()
        _, status, used = os.wait4(process.pid, 0)
        stopped = patience is not None and not stopper.is_alive()
        stopper.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        for told in (printed, complaints):
            told.seek(0)
        if process.returncode and not stopped:
            raise UnobtainableError(f"{Path(command[0]).name} failed: {last_line(complaints.read() or printed.read())}")
        return used.ru_utime + used.ru_stime, printed.read()


@contextmanager
def server(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """A program in the background; its process id. It is stopped at the end."""
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(environment) if environment is not None else None,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def cpu_of(pid: int) -> float:
    """CPU-seconds that a running process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def does(*answers: str) -> dict[str, str]:
    """``answers`` in the order of STEPS."""
    return dict(zip(STEPS, answers, strict=True))


def this_python(arguments: Iterable[str | Path]) -> list[str | Path]:
    """A command of our own environment."""
    return [sys.executable, *arguments]


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip()[:200] for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def _installed(command: Sequence[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnobtainableError(last_line(done.stderr))
