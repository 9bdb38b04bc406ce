"""Bytes of a growing file, cut into blocks of complete lines.

file      |....committed....|..block..|..block..|rest without line end
offset    0                 |         |         |
                            start     end       waits until its line end comes
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from seawall.ingest.chunks import too_long
from seawall.ingest.interface import LINE_BOUND, RAW_KEPT, Rejected


class Block(msgspec.Struct):
    """Complete lines of one file, or one line that is too long to be kept. Only ``data`` changes: it may be spilled."""

    key: str  # the file's, see ``state.Position``
    start: int  # offset of the first byte in the file
    end: int
    first_line: int  # number of the first line
    lines: int
    data: bytes | None  # None: spilled, or to be read again
    since: float = 0.0  # monotonic seconds: the lines came after this moment
    rejected: Rejected | None = None
    spilled_at: int = -1  # offset in the spill file
    held_by: Path | None = None  # a file of our own that keeps the bytes until they are in the lake


class Cutter:
    """Cuts what is read of one file. A line beyond LINE_BOUND is dropped as it comes and told when it ends."""

    def __init__(self, key: str, offset: int, lines: int) -> None:
        self._key = key
        self._start = offset  # of the first byte not given out
        self._line = lines + 1
        self._rest = b""
        self._long: Rejected | None = None

    @property
    def waiting(self) -> int:
        """Bytes read and not given out, for want of a line end."""
        return len(self._rest) if self._long is None else self._long.length

    def feed(self, got: bytes, since: float) -> list[Block]:
        """The complete lines so far."""
        made: list[Block] = []
        if self._long is not None:
            head, found, got = got.partition(b"\n")
            self._long = too_long(self._line, self._long.raw, self._long.length + len(head))
            if not found:
                return made
            made.append(self._told(self._long, since))
            self._long = None
        last = got.rfind(b"\n")
        if last < 0:
            self._rest += got
            return made + self._bounded(since)
        data, self._rest = self._rest + got[: last + 1], got[last + 1 :]
        count = data.count(b"\n")
        made.append(Block(self._key, self._start, self._start + len(data), self._line, count, data, since))
        self._start += len(data)
        self._line += count
        return made + self._bounded(since)

    def finish(self, since: float) -> list[Block]:
        """The last line of a file that will not grow any more, though it has no line end."""
        if self._long is not None:
            made = [self._told(self._long, since, line_end=0)]
            self._long = None
            return made
        if not self._rest:
            return []
        data, self._rest = self._rest, b""
        block = Block(self._key, self._start, self._start + len(data), self._line, 1, data, since)
        self._start += len(data)
        self._line += 1
        return [block]

    def _bounded(self, since: float) -> list[Block]:
        if len(self._rest) > LINE_BOUND:
            self._long = too_long(self._line, self._rest[:RAW_KEPT], len(self._rest))
            self._rest = b""
        return []

    def _told(self, rejected: Rejected, since: float, *, line_end: int = 1) -> Block:
        end = self._start + rejected.length + line_end
        block = Block(self._key, self._start, end, self._line, 1, None, since, rejected)
        self._start = end
        self._line += 1
        return block
