"""How far each followed file has come into the lake: one file in the node folder, replaced whole after every commit.

A file is known by its device, its inode and a digest of its first bytes, so that a renamed file is the same file and a
new one under an old name (or an old inode) is another. Offsets count only bytes whose lines are in the lake, so after a
kill some lines are read again, and the lake knows them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import xxhash

from seawall.model import Fault, Unavailable
from seawall.model.unreadable import UNREADABLE

HEAD_BYTES = 1024  # first bytes that tell a file from another one in the same inode
POSITIONS_KEPT = 4096  # files remembered; the oldest that are gone are forgotten first
STATE = "positions.json"
LOCK = "tail.lock"


class Head(msgspec.Struct, frozen=True):
    """The first bytes of a file, as many as there were."""

    length: int
    digest: str

    @classmethod
    def of(cls, start: bytes) -> Head:
        """The head of a file that begins with ``start``."""
        kept = start[:HEAD_BYTES]
        return cls(len(kept), xxhash.xxh3_128_hexdigest(kept))

    def fits(self, start: bytes) -> bool:
        """True when a file that begins with ``start`` can be the same file, grown since."""
        return len(start) >= self.length and xxhash.xxh3_128_hexdigest(start[: self.length]) == self.digest


class Remembered(msgspec.Struct, frozen=True):
    """A stretch of a file's remembered digests: ``count`` from ``start`` on, with the time range of their lines."""

    start: int
    count: int
    first: int
    last: int


class Position(msgspec.Struct, frozen=True):
    """One file, and how much of it is in the lake."""

    key: str  # our own name for it, unique for ever
    path: str  # where it was last seen
    device: int
    inode: int
    head: Head
    offset: int = 0  # bytes
    lines: int = 0
    format: str = ""  # as recognised; empty: not yet
    remembered: tuple[Remembered, ...] = ()
    quarantined: int = 0  # bytes of its quarantine file
    ended: bool = False  # renamed or removed, and read to its end


class _State(msgspec.Struct, frozen=True):
    version: int
    positions: tuple[Position, ...]


VERSION = 1


def load_positions(folder: Path) -> tuple[Position, ...]:
    """What was saved in ``folder``; nothing before the first time. Raises Fault E-INGEST-060 when it is damaged."""
    path = folder / STATE
    try:
        state = msgspec.json.decode(path.read_bytes(), type=_State)
    except FileNotFoundError:
        return ()
    except (OSError, *UNREADABLE) as error:
        raise Fault(
            "E-INGEST-060",
            "Cannot use {path}: {reason}. Remove it: files are then read from their beginning, and no line is stored "
            "twice.",
            path=path,
            reason=error,
        ) from None
    return state.positions


def save_positions(folder: Path, positions: tuple[Position, ...]) -> None:
    """Replace what was saved; on disk when this returns. Raises Unavailable E-INGEST-061 when the disk refuses."""
    path, fresh = folder / STATE, folder / f"{STATE}.new"
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(_State(VERSION, positions)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: Path, error: OSError) -> Unavailable:
    """The disk refuses what a tail must keep."""
    return Unavailable(
        "E-INGEST-061",
        "The folder {folder} cannot be written: {reason}. Free some space and start again; nothing is lost.",
        folder=folder,
        reason=error.strerror or error,
    )


@contextmanager
def only_tail(folder: Path) -> Iterator[None]:
    """Be the one tail of a node. Raises Fault E-INGEST-062 when another one runs."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Fault(
                "E-INGEST-062",
                "Another tail already runs on this node; name all its sources in one command, or stop it first.",
            ) from None
        yield
    finally:
        os.close(descriptor)
