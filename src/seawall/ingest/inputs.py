"""Where lines come from: files, folders, standard input; plain, gzip or zstd, told by their first bytes.

A file that a person named and that is no log is a problem; in a folder, what is no log is passed over.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from seawall.ingest.chunks import BrokenInputError
from seawall.ingest.compression import GZIP_MAGIC, ZSTD_MAGIC, Counting, Plain, Unfolded
from seawall.ingest.fingerprints import PIECE, new_hasher
from seawall.ingest.formats import plausible, recognise
from seawall.ingest.interface import Format

STDIN = "-"
HEAD_BYTES = 256 << 10  # looked at to tell the format
BINARY_LOOK = 4096  # bytes in which a NUL tells a binary file
WHOLE_BOUND = 256 << 20  # bytes of a JSON array, or of another whole document, that is taken apart in memory


class Input(msgspec.Struct, frozen=True):
    """One thing to read. ``named``: a person gave it, so silence about it would be wrong."""

    path: Path | None  # None: standard input
    label: str
    size: int | None  # bytes on disk; None for a stream
    named: bool

    @property
    def written(self) -> int | None:
        """When the file was last changed, in microseconds UTC; None for a stream."""
        try:
            return self.path.stat().st_mtime_ns // 1000 if self.path is not None and self.size is not None else None
        except OSError:
            return None


def discover(paths: Sequence[str | Path], problems: list[str]) -> list[Input]:
    """The files behind ``paths``, folders read recursively in name order; what cannot be read goes to ``problems``."""
    found: list[Input] = []
    for given in paths:
        if str(given) == STDIN:
            found.append(Input(None, "standard input", None, True))
            continue
        path = Path(given)
        try:
            status = path.stat()
        except (OSError, ValueError) as error:
            problems.append(f"{printable(path)}: {getattr(error, 'strerror', None) or error}")
            continue
        if stat.S_ISDIR(status.st_mode):
            inside = list(_inside(path, problems))
            if not inside:
                problems.append(f"{printable(path)}: the folder holds no readable file")
            found += inside
        else:
            found.append(Input(path, printable(path), status.st_size if stat.S_ISREG(status.st_mode) else None, True))
    return found


def _inside(folder: Path, problems: list[str]) -> Iterator[Input]:
    def refused(error: OSError) -> None:
        problems.append(f"{printable(Path(error.filename))}: {error.strerror}")

    for parent, folders, names in os.walk(folder, onerror=refused):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            with contextlib.suppress(OSError):
                status = path.stat()
                if stat.S_ISREG(status.st_mode):
                    yield Input(path, printable(path), status.st_size, False)


def printable(path: Path) -> str:
    """A path as text that any terminal and any encoder can take."""
    text = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)


class Source:
    """An open input: bytes after decompression, its format, and how far the reading has come.

    ``format`` is None for what is no log; ``reason`` then says why. Raises OSError when it cannot be opened.
    """

    def __init__(self, given: Input, wanted: Format | None, stdin: BinaryIO | None) -> None:
        self._kept = contextlib.ExitStack()
        self._broken: BrokenInputError | None = None
        self._hasher = new_hasher()
        self.bytes = 0
        self.format: Format | None = None
        self.reason = ""
        try:
            self._counted = Counting(self._open(given, stdin))
            start = self._counted.peek(4)
            self.compressed = start[:2] == GZIP_MAGIC or start == ZSTD_MAGIC
            self._plain: Plain = Unfolded(self._counted) if self.compressed else self._counted
            self._head = self._read(HEAD_BYTES)
            self.format = self._recognised(given, wanted)
            if self.format is not None and self._folded(self.format):
                self._plain, self._head = io.BytesIO(self._unfolded(self.format)), b""
        except BaseException:
            self.close()
            raise

    def _open(self, given: Input, stdin: BinaryIO | None) -> BinaryIO:
        if given.path is None:
            return stdin or sys.stdin.buffer
        return self._kept.enter_context(given.path.open("rb", buffering=0))

    @property
    def done(self) -> int:
        """Bytes read so far, as they lie on disk."""
        return self._counted.count

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill ``buffer`` from the front; 0 at the end. Raises BrokenInputError for a damaged or truncated input."""
        size = self._next(buffer)
        self._hasher.update(buffer[:size])
        self.bytes += size
        return size

    def _next(self, buffer: memoryview) -> int:
        if self._head:
            size = min(len(buffer), len(self._head))
            buffer[:size] = self._head[:size]
            self._head = self._head[size:]
            return size
        if self._broken is not None:
            raise self._broken
        try:
            return self._plain.readinto(buffer)
        except OSError as error:
            raise BrokenInputError(error.strerror or str(error)) from error

    @property
    def digest(self) -> str:
        """Hexadecimal digest of what was given out so far; ``bytes`` is its size."""
        return self._hasher.hexdigest()

    def exhaust(self) -> bool:
        """Read to the end for the digest alone; False when the input breaks."""
        buffer = memoryview(bytearray(PIECE))
        try:
            while self.readinto(buffer):
                pass
        except BrokenInputError:
            return False
        return True

    def close(self) -> None:
        """Close what we opened; the process's own standard input stays open."""
        self._kept.close()

    def _read(self, size: int) -> bytes:
        """Up to ``size`` bytes from the front; a break is remembered for later."""
        got = bytearray()
        try:
            while len(got) < size and (more := self._plain.read(size - len(got))):
                got += more
        except BrokenInputError as error:
            self._broken = error
        return bytes(got)

    def _recognised(self, given: Input, wanted: Format | None) -> Format | None:
        if not self._head:
            self.reason = str(self._broken or "the file is empty")
            return None
        if wanted is not None:
            return wanted
        if (found := recognise(self._head)) is not None:
            return found
        if given.named and b"\0" not in self._head[:BINARY_LOOK] and (found := plausible(self._head)) is not None:
            return found
        binary = b"\0" in self._head[:BINARY_LOOK]
        self.reason = "it is a binary file, no log" if binary else "no known log format; name it with --format"
        return None

    def _folded(self, format: Format) -> bool:
        """Whether the content is no list of lines; the head alone tells."""
        return format.unfold(self._head) is not None

    def _unfolded(self, format: Format) -> bytes:
        whole = self._head + self._read(WHOLE_BOUND)
        lines = format.unfold(whole)
        return whole if lines is None else lines
