"""Reading what a tool appended to its log since the last time; a rotated log is read from its start."""

from __future__ import annotations

import os
from pathlib import Path

MAX_READ = 64 << 20  # bytes at a time; the rest comes with the next call


class Followed:
    """One log file, from where it ends now. It may not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode, self._offset = _end_of(path)

    def lines(self) -> list[bytes]:
        """Whole lines that were added."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._inode, self._offset = status.st_ino, 0  # rotated
                file.seek(self._offset)
                held = file.read(MAX_READ)
        except FileNotFoundError:
            return []
        whole = held[: held.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.splitlines()

    @property
    def position(self) -> str:
        """Which file, and up to where it was read."""
        return f"{self._inode}:{self._offset}"

    def resume(self, position: str) -> None:
        """Go on where somebody stopped; another file, or a shorter one, is read from its start with the next call."""
        inode, _, offset = position.partition(":")
        if inode.isdigit() and offset.isdigit():
            self._inode, self._offset = int(inode), int(offset)


def _end_of(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_ino, status.st_size
