"""How often each line stood in a followed file before: kept on disk, so that counting goes on after a restart.

Beside every file's position stand the digests of its lines in the lake, 16 bytes each, in order. They are written after
the lake's commit and before the positions, and cut back to what the positions say when a tail starts: a line that is
read again after a kill gets the occurrence it had.

    KEY.digests   | high low | high low | ...   little-endian signed 64-bit halves
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np

from seawall.ingest.identity import Lines, stands_in
from seawall.ingest.live.state import Remembered, unwritable

LINE_BYTES = 16
STRETCH_LINES = 200_000  # digests looked through at once; fewer stretches make positions short
SUFFIX = ".digests"


class _Staged(msgspec.Struct):
    """The lines of one file in the batch that is not committed yet."""

    halves: np.ndarray  # shape (lines, 2)
    first: int
    last: int


class LiveMemory:
    """Implements ``identity.Memory`` for files that are followed. Files are known by the numbers of the batch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[int, str] = {}
        self._stretches: dict[int, tuple[Remembered, ...]] = {}
        self._staged: dict[int, _Staged] = {}

    def begin(self, file: int, key: str, stretches: tuple[Remembered, ...]) -> None:
        """A file with what is remembered of it. Raises Unavailable E-INGEST-061."""
        self._keys[file] = key
        self._stretches[file] = stretches
        path = self._folder / f"{key}{SUFFIX}"
        count = sum(stretch.count for stretch in stretches)
        try:
            if path.exists():
                os.truncate(path, count * LINE_BYTES)
        except OSError as error:
            raise unwritable(self._folder, error) from error

    def remember(self, lines: Lines) -> None:
        """Note the lines of the batch that is being stored; ``keep`` or ``drop`` them."""
        for file in np.unique(lines.file).tolist():
            if file not in self._keys:
                continue
            mine = lines.file == file
            time = lines.time[mine]
            halves = np.stack([lines.high[mine], lines.low[mine]], axis=1)
            self._staged[file] = _Staged(halves, int(time.min()), int(time.max()))

    def count(self, lines: Lines, known: np.ndarray, occurrence: np.ndarray) -> None:
        """Add to ``occurrence`` of the known lines how often they stood in earlier batches of their file."""
        for file in np.unique(lines.file[known]).tolist():
            if self._stretches.get(file):
                self._count(lines, known[lines.file[known] == file], occurrence, file)

    def keep(self) -> None:
        """The batch is in the lake. On disk when this returns. Raises Unavailable E-INGEST-061."""
        for file, staged in self._staged.items():
            try:
                with (self._folder / f"{self._keys[file]}{SUFFIX}").open("ab") as target:
                    target.write(staged.halves.astype("<i8").tobytes())
                    target.flush()
                    os.fsync(target.fileno())
            except OSError as error:
                raise unwritable(self._folder, error) from error
            self._stretches[file] = _joined(self._stretches[file], staged)
        self._staged = {}

    def drop(self) -> None:
        """The batch did not reach the lake."""
        self._staged = {}

    def stretches(self, file: int) -> tuple[Remembered, ...]:
        """What is remembered of a file, for its position."""
        return self._stretches[file]

    def forget(self) -> None:
        """Nothing here is temporary."""

    def _count(self, lines: Lines, mine: np.ndarray, occurrence: np.ndarray, file: int) -> None:
        low, time = np.sort(lines.low[mine]), lines.time[mine]
        earliest, latest = int(time.min()), int(time.max())
        before: Counter[tuple[int, int]] = Counter()
        held = np.memmap(self._folder / f"{self._keys[file]}{SUFFIX}", dtype="<i8", mode="r").reshape(-1, 2)
        for stretch in self._stretches[file]:
            if stretch.first <= latest and stretch.last >= earliest:
                halves = held[stretch.start : stretch.start + stretch.count]
                equal = stands_in(halves[:, 1], low)
                before.update(map(tuple, halves[equal].tolist()))
        if before:
            for position in mine.tolist():
                occurrence[position] += before[(int(lines.high[position]), int(lines.low[position]))]


def _joined(stretches: tuple[Remembered, ...], staged: _Staged) -> tuple[Remembered, ...]:
    """Small stretches grow instead of becoming many."""
    count = len(staged.halves)
    if stretches and stretches[-1].count < STRETCH_LINES:
        last = stretches[-1]
        grown = Remembered(last.start, last.count + count, min(last.first, staged.first), max(last.last, staged.last))
        return (*stretches[:-1], grown)
    start = stretches[-1].start + stretches[-1].count if stretches else 0
    return (*stretches, Remembered(start, count, staged.first, staged.last))
