"""Finding and opening what the user named: files, folders, ``.gz``."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import msgspec

from seawall.model import Fault

MAX_DOCUMENT = 1 << 30  # bytes of a JSON document held in memory, after decompression
MAX_LINE = 8 << 20  # characters read as one line; longer ones are cut there
SNIFFED = 64 * 1024  # bytes looked at to tell a format
_NOT_DATA = ("LICENSE", "LICENCE", "COPYING", "NOTICE")
_GZIP = b"\x1f\x8b"
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)


class Found(msgspec.Struct, frozen=True):
    """One file to read, and the name of its source: what the user named, a file or the folder it was found in."""

    path: Path
    source: str


def find_files(paths: Sequence[Path]) -> list[Found]:
    """The files to read: those named, and those below folders in order of name.

    Hidden files and licence texts below folders are left out. Raises Fault E-INTEL-001 when a path does not exist,
    E-INTEL-002 when a folder holds nothing readable.
    """
    found: list[Found] = []
    for path in paths:
        if path.is_dir():
            below = sorted(part for part in path.rglob("*") if part.is_file() and not _aside(part.relative_to(path)))
            if not below:
                raise Fault("E-INTEL-002", "The folder {path} holds no readable file.", path=path)
            found.extend(Found(part, path.resolve().name) for part in below)
        elif path.exists():
            found.append(Found(path, path.name.removesuffix(".gz")))
        else:
            raise Fault("E-INTEL-001", "There is no file or folder {path}.", path=path)
    return found


def _aside(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts) or path.name.upper().startswith(_NOT_DATA)


class Opened:
    """One open file, decompressed as it is read. Damage at its end is remembered, not raised."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: str | None = None
        self._raw = path.open("rb")
        packed = self._raw.peek(2)[:2] == _GZIP
        self._stream: gzip.GzipFile | io.BufferedReader = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        self.size = path.stat().st_size
        try:
            self.head = _first(self._stream)
        except _DAMAGED:
            self.head = b""
            self._note()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._raw.close()

    @property
    def done(self) -> int:
        """Bytes of the file on disk that were read."""
        return self._raw.tell()

    def everything(self) -> bytes:
        """The whole content. Raises Fault E-INTEL-004 beyond MAX_DOCUMENT."""
        parts, size = [self.head], len(self.head)
        while True:
            try:
                part = self._stream.read1(1 << 20)
            except _DAMAGED:
                self._note()
                break
            if not part:
                break
            size += len(part)
            if size > MAX_DOCUMENT:
                raise Fault("E-INTEL-004", "{path} is larger than the {limit} bytes that one document may have.",
                            path=self.path, limit=MAX_DOCUMENT)  # fmt: skip
            parts.append(part)
        return b"".join(parts)

    def lines(self) -> Iterator[str]:
        """The text line by line, line ends kept; what is not UTF-8 shows as U+FFFD, which is part of no value."""
        encoding = "utf-16" if self.head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
        joined = io.BufferedReader(cast(io.RawIOBase, _Joined(self.head, self._stream)), 1 << 18)
        text = io.TextIOWrapper(joined, encoding=encoding, errors="replace", newline="")
        try:
            yield from iter(partial(text.readline, MAX_LINE), "")
        except _DAMAGED:
            self._note()

    def _note(self) -> None:
        self.damage = "the compressed file is cut short or damaged; what could be unpacked was read"


class _Joined(io.RawIOBase):
    """What was looked at, then the rest. ``io`` reads one in front of the other as one stream."""

    def __init__(self, head: bytes, rest: gzip.GzipFile | io.BufferedReader) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._head:
            size = min(len(buffer), len(self._head))
            buffer[:size] = self._head[:size]
            self._head = self._head[size:]
            return size
        part = self._rest.read1(len(buffer))
        buffer[: len(part)] = part
        return len(part)


def _first(stream: gzip.GzipFile | io.BufferedReader) -> bytes:
    """Up to SNIFFED bytes, across the chunks that a compressed stream comes in."""
    parts, size = [], 0
    while size < SNIFFED and (part := stream.read1(SNIFFED - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
