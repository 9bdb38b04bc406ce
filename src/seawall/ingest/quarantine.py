"""Lines that could not be taken, kept with their reason: one NDJSON file an input, replaced when it is read again.

Two processes may read one input at once: each writes a file of its own, and whoever ends last replaces the other's.
A line is kept up to RAW_KEPT bytes, an input up to KEPT_PER_INPUT lines; every rejected line is counted.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import xxhash

from seawall.ingest.interface import Rejected
from seawall.model import Unavailable
from seawall.model.unreadable import UNREADABLE

KEPT_PER_INPUT = 100_000  # lines; enough to see what is wrong, small enough for any disk
NAME_LENGTH = 60
SUFFIX = ".ndjson"
UNFINISHED = ".new"


class QuarantineEntry(msgspec.Struct, frozen=True):
    """One rejected line. ``raw`` is base64 of its beginning; ``length`` that of the whole line in bytes."""

    file: str
    line: int
    code: str
    reason: str
    raw: str
    length: int


class Quarantine:
    """The rejected lines of one input. Nothing is visible before ``close``; no rejected line leaves no file."""

    def __init__(self, folder: Path, label: str, identity: str) -> None:
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", label.rsplit("/", 1)[-1])[-NAME_LENGTH:]
        stem = f"{plain}-{xxhash.xxh3_64_hexdigest(identity.encode('utf-8', 'surrogatepass'))}"
        self._path = folder / f"{stem}{SUFFIX}"
        self._fresh = folder / f"{stem}.{os.getpid()}{UNFINISHED}"
        self._label = label
        self._file: BinaryIO | None = None
        self.count = 0

    @property
    def left_out(self) -> int:
        """Rejected lines that were counted and not kept."""
        return max(0, self.count - KEPT_PER_INPUT)

    def add(self, rejected: list[Rejected]) -> None:
        """Keep some lines. Raises Unavailable E-INGEST-003 when the disk refuses."""
        kept = sorted(rejected, key=lambda one: one.line)[: max(0, KEPT_PER_INPUT - self.count)]
        self.count += len(rejected)
        if not kept:
            return
        with _told(self._fresh.parent):
            if self._file is None:
                self._fresh.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._fresh.open("wb")
            for one in kept:
                raw = base64.b64encode(one.raw).decode("ascii")
                entry = QuarantineEntry(self._label, one.line, one.code, one.reason, raw, one.length)
                self._file.write(msgspec.json.encode(entry) + b"\n")

    def close(self) -> None:
        """Make what was added visible, in place of what an earlier reading of this input left.

        Raises Unavailable E-INGEST-003 when the disk refuses.
        """
        with _told(self._fresh.parent):
            if self._file is not None:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                self._fresh.replace(self._path)
            elif not self.count:
                self._path.unlink(missing_ok=True)
        self._file = None

    def abandon(self) -> None:
        """Forget what was added: the input was not read to its end, and reading it again finds the same lines."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._fresh.unlink(missing_ok=True)
        self._file = None


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What the disk refuses, as a sentence."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            "E-INGEST-003",
            "The quarantine in {folder} cannot be written: {reason}. Free some space and run it again.",
            folder=folder,
            reason=error.strerror or error,
        ) from error


def sweep_quarantine(folder: Path) -> None:
    """Remove the unfinished files of processes that died."""
    for left in folder.glob(f"*{UNFINISHED}"):
        if not _runs(left.name.removesuffix(UNFINISHED).rpartition(".")[2]):
            left.unlink(missing_ok=True)


def _runs(process: str) -> bool:
    """Whether the process of this number lives; only then is its unfinished file still wanted."""
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    return True


def read_quarantine(folder: Path) -> Iterator[QuarantineEntry]:
    """Every kept line, input by input in name order; nothing when the folder does not exist."""
    if not folder.is_dir():
        return
    decoder = msgspec.json.Decoder(QuarantineEntry)
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open("rb") as file, contextlib.suppress(*UNREADABLE):
            for line in file:
                yield decoder.decode(line)
