"""Which lines the lake already holds.

A line's identity is its 128-bit digest and its occurrence: 0 for the first equal line of a file, 1 for the next. So
equal lines within one file are all stored, and a line that two files share is stored once. (A line names its sensor,
so the digest covers it.) Equal lines have equal times: only the line's own day, and there only files whose time range
it falls into, are looked at.

Most lines are new. A table with one byte for each of SLOTS digest values says so at once: a line whose slot is empty
is surely not held. The others, a few per cent by chance, are looked up exactly.
"""

from __future__ import annotations

import tempfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import pyarrow as pa

from seawall.lake import LakeSession, Part

SLOTS = 1 << 26  # bytes of memory; 4 M lines a day fill 6 %
CACHED_DIGESTS = 8_000_000  # low halves of digests kept sorted in memory, 64 MB
DAY = 86_400_000_000


class Lines(msgspec.Struct, frozen=True):
    """Lines of one batch in order. All arrays have one entry a line."""

    file: np.ndarray  # which file of this run
    time: np.ndarray
    high: np.ndarray
    low: np.ndarray


class Verdict(msgspec.Struct, frozen=True):
    """``occurrence`` of each line within its file, and whether the lake holds it."""

    occurrence: np.ndarray
    held: np.ndarray


class Memory(Protocol):
    """The lines of the files now being read that earlier batches brought, so that equal lines are counted on."""

    def remember(self, lines: Lines) -> None:
        """Keep the lines of a batch."""

    def count(self, lines: Lines, known: np.ndarray, occurrence: np.ndarray) -> None:
        """Add to ``occurrence`` of the known lines how often they stood in earlier batches of their file."""

    def forget(self) -> None:
        """Let go of temporary files."""


class Identity:
    """What this run knows of the lake's digests. One object serves one run; ``close`` it."""

    def __init__(self, memory: Memory | None = None) -> None:
        """``memory``: for files that are read in turns; without it each file is read from end to end."""
        self._filled = np.zeros(SLOTS, dtype=np.uint8)
        self._loaded: set[str] = set()  # parts whose digests are in the table
        self._days: set[int] = set()  # days whose parts are in the table
        self._sorted: OrderedDict[str, np.ndarray] = OrderedDict()
        self._earlier: Memory = memory or _EarlierLines()

    def judge(self, lines: Lines, session: LakeSession) -> Verdict:
        """Tell held lines from new ones, as of ``session``. Without a memory of its own kind, batches of one file must
        come one after the other."""
        held = np.zeros(len(lines.low), dtype=bool)
        days = set(np.unique(lines.time // DAY).tolist())
        self._load(days, session)
        repeated = _repeated(lines.low)
        occurrence = _occurrences(lines, repeated)
        parts = [part for part in session.parts() if part.day in days]
        known = self._known(lines, np.flatnonzero(self._filled[lines.low & (SLOTS - 1)]), parts, session)
        if len(known):
            self._earlier.count(lines, known, occurrence)
            held[known] = self._held(lines, known, occurrence, parts, session)
        _mark_shared(lines, repeated, occurrence, held)
        self._earlier.remember(lines)
        return Verdict(occurrence, held)

    def stored(self, lines: Lines, kept: np.ndarray, parts: tuple[Part, ...]) -> None:
        """Note what was just written: the lines ``kept`` (a mask), in ``parts``."""
        self._filled[lines.low[kept] & (SLOTS - 1)] = 1
        self._loaded.update(part.path for part in parts)

    def close(self) -> None:
        """Remove temporary files."""
        self._earlier.forget()

    def _load(self, days: set[int], session: LakeSession) -> None:
        self._days |= days
        for part in session.parts():
            if part.day in self._days and part.path not in self._loaded:
                low = session.read_part(part, ["digest_low"]).column(0).to_numpy()
                self._filled[low & (SLOTS - 1)] = 1
                self._loaded.add(part.path)

    def _known(self, lines: Lines, suspicious: np.ndarray, parts: list[Part], session: LakeSession) -> np.ndarray:
        """Of the suspicious lines, those whose digest's low half stands in a part of the right time."""
        if not len(suspicious):
            return suspicious
        suspicious = suspicious[np.argsort(lines.low[suspicious])]
        low = lines.low[suspicious]
        found = np.zeros(len(suspicious), dtype=bool)
        for part in _of_time(parts, lines.time[suspicious]):
            found |= stands_in(low, self._digests(part, session))
        return np.sort(suspicious[found])

    def _digests(self, part: Part, session: LakeSession) -> np.ndarray:
        """The low halves in ``part``, sorted; the most recently used stay in memory."""
        if (found := self._sorted.pop(part.path, None)) is None:
            found = np.sort(session.read_part(part, ["digest_low"]).column(0).to_numpy())
        self._sorted[part.path] = found
        while len(self._sorted) > 1 and sum(map(len, self._sorted.values())) > CACHED_DIGESTS:
            self._sorted.popitem(last=False)
        return found

    def _held(
        self, lines: Lines, known: np.ndarray, occurrence: np.ndarray, parts: list[Part], session: LakeSession
    ) -> np.ndarray:
        """For each known line, whether its whole identity is in the lake."""
        low = np.sort(lines.low[known])
        rows = []
        for part in _of_time(parts, lines.time[known]):
            if stands_in(low, self._digests(part, session)).any():
                table = session.read_part(part, ["digest_high", "digest_low", "occurrence"])
                rows.append(table.filter(pa.array(stands_in(table.column("digest_low").to_numpy(), low))))
        session.register("identity_held", pa.concat_tables(rows))
        asked = pa.table(
            {
                "position": np.arange(len(known)),
                "digest_high": lines.high[known],
                "digest_low": lines.low[known],
                "occurrence": occurrence[known],
            }
        )
        session.register("identity_asked", asked)
        found = session.sql(
            "SELECT position FROM identity_asked SEMI JOIN identity_held USING (digest_high, digest_low, occurrence)"
        )
        answer = np.zeros(len(known), dtype=bool)
        answer[found.column(0).to_numpy()] = True
        return answer


def _of_time(parts: list[Part], time: np.ndarray) -> list[Part]:
    first, last = int(time.min()), int(time.max())
    return [part for part in parts if part.first <= last and part.last >= first]


def stands_in(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which of ``values`` stand in ``ordered``; quickest when the values are in order too."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    at = np.searchsorted(ordered, values)
    return np.asarray(ordered[np.minimum(at, len(ordered) - 1)] == values)


def _repeated(low: np.ndarray) -> np.ndarray:
    """Positions of the lines whose low half stands more than once in the batch, in order."""
    ordered = np.sort(low)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.flatnonzero(stands_in(low, np.unique(twice))) if len(twice) else np.zeros(0, dtype=np.int64)


def _occurrences(lines: Lines, repeated: np.ndarray) -> np.ndarray:
    """How many equal lines of the same file stand before each line, as far as this batch goes."""
    occurrence = np.zeros(len(lines.low), dtype=np.int32)
    seen: dict[tuple[int, int, int], int] = {}
    keys = zip(*(array[repeated].tolist() for array in (lines.file, lines.high, lines.low)), strict=True)
    for position, key in zip(repeated.tolist(), keys, strict=True):
        before = seen.get(key, 0)
        occurrence[position] = before
        seen[key] = before + 1
    return occurrence


def _mark_shared(lines: Lines, repeated: np.ndarray, occurrence: np.ndarray, held: np.ndarray) -> None:
    """A line that an earlier file of the same batch brings too is held as soon as that one is stored."""
    seen: set[tuple[int, int, int]] = set()
    keys = zip(*(array[repeated].tolist() for array in (occurrence, lines.high, lines.low)), strict=True)
    for position, key in zip(repeated.tolist(), keys, strict=True):
        if key in seen:
            held[position] = True
        seen.add(key)


class _EarlierLines:
    """Digests of the earlier batches of the file now being read, on disk, with their time ranges."""

    def __init__(self) -> None:
        self._file = -1
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._saved: list[tuple[int, int, Path]] = []

    def remember(self, lines: Lines) -> None:
        """Keep the lines of the batch's last file: the next batch may go on with it."""
        if not len(lines.file):
            return
        file = int(lines.file[-1])
        if file != self._file:
            self.forget()
            self._file = file
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="seawall-ingest-")
        mine = lines.file == file
        path = Path(self._folder.name, f"{len(self._saved)}.npy")
        np.save(path, np.stack([lines.high[mine], lines.low[mine]]))
        self._saved.append((int(lines.time[mine].min()), int(lines.time[mine].max()), path))

    def count(self, lines: Lines, known: np.ndarray, occurrence: np.ndarray) -> None:
        """Add to ``occurrence`` of the known lines how often they stood in earlier batches of their file."""
        mine = known[lines.file[known] == self._file]
        if not len(mine):
            return
        low, time = np.sort(lines.low[mine]), lines.time[mine]
        before: Counter[tuple[int, int]] = Counter()
        for first, last, path in self._saved:
            if first <= int(time.max()) and last >= int(time.min()):
                high_and_low = np.load(path, mmap_mode="r")
                equal = stands_in(high_and_low[1], low)
                before.update(zip(*high_and_low[:, equal].tolist(), strict=True))
        if before:
            for position in mine.tolist():
                occurrence[position] += before[(int(lines.high[position]), int(lines.low[position]))]

    def forget(self) -> None:
        """Another file begins."""
        self._file, self._saved = -1, []
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
