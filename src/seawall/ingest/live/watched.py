"""One growing file: open, read to where it ends now, and told from another one that took its place."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path

import msgspec

from seawall.ingest.formats import plausible, recognise
from seawall.ingest.inputs import HEAD_BYTES as FORMAT_BYTES
from seawall.ingest.inputs import printable
from seawall.ingest.interface import Format
from seawall.ingest.live.blocks import Block, Cutter
from seawall.ingest.live.state import HEAD_BYTES, Head, Position

READ_BYTES = 1 << 20  # at once
ROUND_BYTES = 4 << 20  # of one file before the others have their turn
SIZES_KEPT = 10_000  # sizes seen and not read up to yet
UNKNOWN_BOUND = 64 << 10  # bytes of complete lines that no format knows: it is no log of ours


class Followed(msgspec.Struct, frozen=True):
    """What a file is, for whoever takes its blocks."""

    key: str
    label: str
    path: Path
    device: int
    inode: int
    head: Head
    format: Format
    ended: bool
    own: bool  # a spool file of ours: its lines are known by their place, not by their content
    sensor: str | None  # of lines that name none; None: as the options say


class Watched:
    """One open file. ``close`` it."""

    def __init__(self, path: Path, position: Position, descriptor: int, *, own: bool = False) -> None:
        self.path = path
        self.position = position  # as it was when this file was opened
        self.key = position.key
        self.device, self.inode = position.device, position.inode
        self.head = position.head
        self.own = own
        self.sensor: str | None = None
        self.format: Format | None = None
        self.unknown = False  # looked at in vain
        self.gone = False  # renamed or removed: it gets no more lines soon
        self.ended = False
        self.at = position.offset
        self.cutter = Cutter(position.key, position.offset, position.lines)
        self._descriptor = descriptor
        self.grew = time.monotonic()
        self._sizes: deque[tuple[float, int]] = deque([(self.grew, self.at)])  # how long it was, and when

    @property
    def label(self) -> str:
        """The path as it may be shown."""
        return printable(self.path)

    @property
    def followed(self) -> Followed | None:
        """What it is; None while its format is not known."""
        if self.format is None:
            return None
        return Followed(
            self.key,
            self.label,
            self.path,
            self.device,
            self.inode,
            self.head,
            self.format,
            self.ended,
            self.own,
            self.sensor,
        )

    @property
    def size(self) -> int:
        """Bytes in it now."""
        return os.fstat(self._descriptor).st_size

    def replaced(self) -> bool:
        """True when the content is not the one that was read: it was truncated, perhaps written anew since."""
        if self.size < self.at:
            return True
        return self.head.length > 0 and not self.head.fits(os.pread(self._descriptor, self.head.length, 0))

    def recognise(self, wanted: Format | None, *, named: bool) -> bool:
        """Whether its format is known; looks at the beginning as long as it is not."""
        if self.format is not None:
            return True
        if wanted is not None:
            self.format = wanted
            return True
        if self.unknown:
            return False
        start = os.pread(self._descriptor, FORMAT_BYTES, 0)
        lines = start[: start.rfind(b"\n") + 1]
        if lines.strip():
            self.format = recognise(lines)
            if self.format is None and named and b"\0" not in lines:
                self.format = plausible(lines)
            self.unknown = self.format is None and len(lines) >= UNKNOWN_BOUND
        return self.format is not None

    def is_no_list(self) -> bool:
        """True for what is no list of lines, such as a JSON array: it cannot be followed."""
        start = os.pread(self._descriptor, FORMAT_BYTES, 0)
        return self.format is not None and self.format.unfold(start) is not None

    def start(self, size: int) -> bytes:
        """The first bytes."""
        return os.pread(self._descriptor, size, 0)

    def read(self) -> list[Block]:
        """What came since the last time, as far as lines are complete."""
        made: list[Block] = []
        stop = self.at + ROUND_BYTES
        moment, size = time.monotonic(), self.size
        if size > self._sizes[-1][1] or len(self._sizes) == 1:
            self._sizes.append((moment, size))
        else:
            self._sizes[-1] = (moment, size)
        while self.at < stop and (got := os.pread(self._descriptor, READ_BYTES, self.at)):
            since = self._not_yet_there(self.at)
            self.at += len(got)
            self.grew = moment
            made += self.cutter.feed(got, since)
        if self.own:
            for block in made:
                block.held_by = self.path
        if made and self.head.length < HEAD_BYTES:
            self.head = Head.of(self.start(HEAD_BYTES))
        return made

    def _not_yet_there(self, offset: int) -> float:
        """The last moment at which the file was no longer than this."""
        while len(self._sizes) > 1 and self._sizes[1][1] <= offset:
            self._sizes.popleft()
        if len(self._sizes) > SIZES_KEPT:
            del self._sizes[1]  # what follows seems to wait a little longer than it did
        return self._sizes[0][0]

    def finish(self) -> list[Block]:
        """It ended: the last line, also without line end."""
        self.ended = True
        return self.cutter.finish(self.grew)

    def handed_over(self, path: Path, status: os.stat_result, descriptor: int) -> Watched:
        """The same content under another inode: a copy, made before this file was truncated."""
        position = msgspec.structs.replace(
            self.position, path=str(path), device=status.st_dev, inode=status.st_ino, head=self.head
        )
        other = Watched(path, position, descriptor)
        other.at, other.cutter, other.format = self.at, self.cutter, self.format
        other.gone = True
        return other

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)
