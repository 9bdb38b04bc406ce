"""Bytes to chunks of complete lines, each line numbered and digested, in constant memory.

Reading goes in pieces that fit the processor's cache: a piece is read, its line ends found, and each line digested
while it is still there. A chunk is some tens of megabytes of such lines, put where the engine can read it as a file.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import xxhash

from seawall.ingest.interface import CHUNK_BYTES, LINE_BOUND, RAW_KEPT, Rejected

PIECE_BYTES = 1 << 20
BLANK_LENGTH = 64  # lines up to this long are looked at one by one; a longer blank line goes to the slow path
DIGEST_SEED = 0x5EA_3A11  # XXH3 128 bit: not cryptographic; the seed keeps it apart from other uses
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_TOO_LONG = "line-too-long"


class Stream(Protocol):
    """What chunks are read from."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill ``buffer`` from the front; 0 at the end. Raises BrokenInputError for a damaged or truncated input."""


class BrokenInputError(Exception):
    """The input ends in the middle, or is damaged from here on. What came before it is good."""


class EngineFile:
    """Memory that the engine can open as a file; a temporary file where the system has no such thing."""

    def __init__(self) -> None:
        self._kept = contextlib.ExitStack()
        try:
            self._descriptor = os.memfd_create("seawall-ingest")
            self.path = f"/proc/self/fd/{self._descriptor}"
        except (AttributeError, OSError):
            self._descriptor, self.path = tempfile.mkstemp(prefix="seawall-ingest-")
            self._kept.callback(os.unlink, self.path)

    def fill(self, parts: list[memoryview] | list[bytes]) -> None:
        """Replace the content. Pages are kept and overwritten: giving them back and getting new ones costs more."""
        at = 0
        for part in parts:
            rest = memoryview(part)
            while rest:
                done = os.pwrite(self._descriptor, rest, at)
                at, rest = at + done, rest[done:]
        os.ftruncate(self._descriptor, at)

    def close(self) -> None:
        """Give the memory back."""
        os.close(self._descriptor)
        self._kept.close()


class Chunk:
    """Complete, non-blank lines of one file, in order. Valid until the next chunk is asked for."""

    def __init__(
        self, buffer: memoryview, starts: np.ndarray, ends: np.ndarray, numbers: np.ndarray, digests: bytes
    ) -> None:
        self._buffer = buffer
        self._starts = starts
        self._ends = ends
        self.numbers = numbers  # 1 for the first line of the file
        halves = np.frombuffer(digests, dtype=">i8").astype(np.int64).reshape(-1, 2)
        self.digest_high = halves[:, 0].copy()
        self.digest_low = halves[:, 1].copy()
        self.rejected: list[Rejected] = []

    def __len__(self) -> int:
        return len(self.numbers)

    def line(self, index: int) -> bytes:
        """The raw line at ``index``, without its line end."""
        return bytes(self._buffer[int(self._starts[index]) : int(self._ends[index])])

    def begin_with(self, octet: int) -> np.ndarray:
        """Which lines begin with this octet; no line is empty."""
        return np.asarray(np.frombuffer(self._buffer, dtype=np.uint8)[self._starts] == octet)

    def reject(self, index: int, code: str, reason: str) -> Rejected:
        """The line at ``index`` as a rejected one."""
        start, end = int(self._starts[index]), int(self._ends[index])
        raw = bytes(self._buffer[start : min(end, start + RAW_KEPT)])
        return Rejected(int(self.numbers[index]), code, reason, raw, end - start)

    def runs(self) -> list[memoryview]:
        """The lines with their line ends, as the fewest stretches of memory."""
        if not len(self):
            return []
        breaks = np.flatnonzero(self._starts[1:] != self._ends[:-1] + 1)
        firsts = self._starts[np.concatenate(([0], breaks + 1))].tolist()
        lasts = self._ends[np.concatenate((breaks, [len(self) - 1]))].tolist()
        return [self._buffer[first : last + 1] for first, last in zip(firsts, lasts, strict=True)]

    def of_sensor(self, sensor: str, unnamed: np.ndarray) -> Chunk:
        """This chunk with the sensor in the digests of lines that name none: equal lines of two sensors are two."""
        chunk = self.only(np.arange(len(self)))
        mark = np.int64(xxhash.xxh3_64_intdigest(sensor.encode("utf-8", "surrogatepass")) >> 1)
        chunk.digest_high = np.where(unnamed, chunk.digest_high ^ mark, chunk.digest_high)
        return chunk

    def without(self, indices: list[int]) -> Chunk:
        """This chunk less some lines."""
        keep = np.ones(len(self), dtype=bool)
        keep[indices] = False
        return self.only(np.flatnonzero(keep))

    def only(self, indices: np.ndarray) -> Chunk:
        """Some lines of this chunk."""
        chunk = Chunk(self._buffer, self._starts[indices], self._ends[indices], self.numbers[indices], b"")
        chunk.digest_high, chunk.digest_low = self.digest_high[indices], self.digest_low[indices]
        return chunk


class _Scan:
    """Lines found so far in the buffer, and the beginning of the one that is not complete."""

    def __init__(self) -> None:
        self.starts: list[np.ndarray] = []
        self.ends: list[np.ndarray] = []
        self.numbers: list[np.ndarray] = []
        self.digests: list[bytes] = []
        self.rejected: list[Rejected] = []


class Buffer:
    """Memory for one chunk, used again for the next and for the next file: new pages are dear."""

    def __init__(self, size: int = CHUNK_BYTES) -> None:
        self.size = size
        self.octets = np.empty(size + PIECE_BYTES + LINE_BOUND + 2, dtype=np.uint8)
        self.view = self.octets.data


def chunks(stream: Stream, buffer: Buffer, first_line: int = 1) -> Iterator[Chunk]:
    """The lines of ``stream``. Blank lines are passed over, lines beyond LINE_BOUND rejected in ``Chunk.rejected``.
    ``first_line`` is the number of the first one, where the stream goes on with a file.

    A last line without line end counts, unless the stream breaks: BrokenInputError is raised after the chunk with the
    last complete line has been given out.
    """
    reader = _Reader(stream, buffer, first_line)
    while (chunk := reader.chunk()) is not None:
        yield chunk
    if reader.broken is not None:
        raise reader.broken


class _Reader:
    def __init__(self, stream: Stream, buffer: Buffer, first_line: int) -> None:
        self._stream = stream
        self._view = buffer.view
        self._octets = buffer.octets
        self._size = buffer.size
        self._piece_bytes = min(PIECE_BYTES, buffer.size)
        self._line = first_line  # number of the line that begins at _begin
        self._begin = 0
        self._fill = 0
        self._skipping: Rejected | None = None  # an endless line whose bytes are dropped as they come
        self._ended = False
        self._first = True
        self.broken: BrokenInputError | None = None

    def chunk(self) -> Chunk | None:
        """The next chunk; None at the end."""
        if self._ended:
            return None
        rest = self._fill - self._begin
        self._view[:rest] = bytes(self._view[self._begin : self._fill])
        self._begin, self._fill = 0, rest
        scan = _Scan()
        while self._fill < self._size and not self._ended:
            self._piece(scan)
        none = np.zeros(0, dtype=np.int64)
        made = Chunk(
            self._view,
            np.concatenate(scan.starts or [none]),
            np.concatenate(scan.ends or [none]),
            np.concatenate(scan.numbers or [none]),
            b"".join(scan.digests),
        )
        made.rejected = scan.rejected
        return made

    def _piece(self, scan: _Scan) -> None:
        try:
            got = self._stream.readinto(self._view[self._fill : self._fill + self._piece_bytes])
        except BrokenInputError as error:
            self.broken, self._ended = error, True
            return
        if self._first and got:
            self._first = False
            if bytes(self._view[:3]) == BYTE_ORDER_MARK:
                self._begin = 3
        if not got:
            self._ended = True
            if self._fill > self._begin or self._skipping:
                self._octets[self._fill] = 10
                self._lines(scan, np.array([self._fill]))
                self._fill += 1
            return
        ends = np.flatnonzero(self._octets[self._fill : self._fill + got] == 10) + self._fill
        self._fill += got
        if len(ends):
            self._lines(scan, ends)
        if self._fill - self._begin > LINE_BOUND:
            self._skip()

    def _skip(self) -> None:
        """Drop what has come of a line that is already too long; remember its beginning."""
        length = self._fill - self._begin
        if self._skipping is None:
            raw = bytes(self._view[self._begin : self._begin + RAW_KEPT])
            self._skipping = too_long(self._line, raw, length)
        else:
            self._skipping = too_long(self._line, self._skipping.raw, self._skipping.length + length)
        self._fill = self._begin

    def _lines(self, scan: _Scan, ends: np.ndarray) -> None:
        starts = np.concatenate(([self._begin], ends[:-1] + 1))
        numbers = np.arange(self._line, self._line + len(ends))
        self._line += len(ends)
        self._begin = int(ends[-1]) + 1
        lengths = ends - starts
        dropped: list[int] = []
        if self._skipping is not None:
            scan.rejected.append(too_long(int(numbers[0]), self._skipping.raw, self._skipping.length + int(lengths[0])))
            self._skipping = None
            dropped.append(0)
        for index in np.flatnonzero((lengths <= BLANK_LENGTH) | (lengths > LINE_BOUND)).tolist():
            if index in dropped:
                continue
            if lengths[index] > LINE_BOUND:
                raw = bytes(self._view[int(starts[index]) : int(starts[index]) + RAW_KEPT])
                scan.rejected.append(too_long(int(numbers[index]), raw, int(lengths[index])))
                dropped.append(index)
            elif not bytes(self._view[int(starts[index]) : int(ends[index])]).strip():
                dropped.append(index)
        if dropped:
            keep = np.ones(len(ends), dtype=bool)
            keep[dropped] = False
            starts, ends, numbers = starts[keep], ends[keep], numbers[keep]
        view, digest = self._view, xxhash.xxh3_128_digest
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        scan.digests.append(b"".join([digest(view[start:end], DIGEST_SEED) for start, end in pairs]))
        scan.starts.append(starts)
        scan.ends.append(ends)
        scan.numbers.append(numbers)


def too_long(line: int, raw: bytes, length: int) -> Rejected:
    """A line beyond the bound, as a rejected one."""
    return Rejected(line, LINE_TOO_LONG, f"it has more than {LINE_BOUND} bytes", raw, length)
