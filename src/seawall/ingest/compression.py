"""Gzip and zstd streams, exact to the last byte: a truncated or damaged one gives all that can be read, then says so.

The standard library's file objects lose the bytes before a break, and the zstd one does not notice a missing end.
"""

from __future__ import annotations

import zlib
from typing import Any, BinaryIO, Protocol

import zstandard

from seawall.ingest.chunks import BrokenInputError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_WINDOW = 128 << 20  # bytes; a frame that asks for more memory is refused
GZIP_PIECE = 64 << 10
GZIP_OUT = 1 << 20
ZSTD_PIECE = 2 << 10  # an RLE block of 4 bytes unfolds to 128 KiB: this bounds the output of one step to 64 MiB


class Plain(Protocol):
    """Bytes as they lie on disk or come from a pipe."""

    def read(self, size: int) -> bytes: ...
    def readinto(self, buffer: memoryview) -> int: ...


class Counting:
    """A file that tells how far it was read and lets one look at its beginning."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._ahead = b""
        self.count = 0

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes (fewer at the end), which stay to be read."""
        while len(self._ahead) < size and (more := self._raw.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        if self._ahead:
            got, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            got = self._raw.read(size) or b""
        self.count += len(got)
        return got

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` from the front; 0 at the end."""
        if self._ahead:
            got = self.read(len(buffer))
            buffer[: len(got)] = got
            return len(got)
        size: int = self._raw.readinto(buffer) or 0  # type: ignore[attr-defined]
        self.count += size
        return size


class Unfolded:
    """What comes out of a compressed file, member after member."""

    def __init__(self, raw: Counting) -> None:
        self._raw = raw
        self._gzip = raw.peek(4)[:2] == GZIP_MAGIC
        self._decoder: Any = None  # zlib and zstandard decoders; None between members
        self._waiting = b""  # compressed, not yet decoded
        self._ready = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end. Raises BrokenInputError where the input breaks."""
        while not self._ready:
            if not self._step():
                return b""
        got = bytes(self._ready[:size])
        self._ready = self._ready[len(got) :]
        return got

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` from the front as far as convenient; 0 at the end. Raises BrokenInputError."""
        filled = 0
        while filled < len(buffer):
            try:
                got = self.read(len(buffer) - filled)
            except BrokenInputError:
                if filled:
                    break  # first what is good; the next call meets the break again
                raise
            if not got:
                break
            buffer[filled : filled + len(got)] = got
            filled += len(got)
        return filled

    def _step(self) -> bool:
        """Decode a little more; False at the proper end."""
        if not self._waiting:
            self._waiting = self._raw.read(GZIP_PIECE if self._gzip else ZSTD_PIECE)
            if not self._waiting:
                if self._decoder is not None:
                    raise BrokenInputError("the compressed data ends in the middle")
                return False
        if self._decoder is None:
            if not self._waiting.strip(b"\0"):
                self._waiting = b""  # padding after the last member, as tape and block devices leave it
                return True
            self._decoder = self._new_decoder()
        try:
            out = self._decode()
        except (zlib.error, zstandard.ZstdError) as error:
            self._decoder = self._decoder or object()
            raise BrokenInputError(f"the compressed data is damaged ({error})") from None
        self._ready = memoryview(out)
        return True

    def _new_decoder(self) -> Any:
        if self._gzip:
            return zlib.decompressobj(wbits=31)
        return zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()

    def _decode(self) -> bytes:
        if self._gzip:
            out: bytes = self._decoder.decompress(self._waiting, GZIP_OUT)
            rest = self._decoder.unconsumed_tail
        else:
            out, rest = self._decoder.decompress(self._waiting), b""
        if self._decoder.eof:
            rest = self._decoder.unused_data
            self._decoder = None
        self._waiting = rest
        return out
