"""Writing a drop: recorded releases only (rule 1), whole or not at all.

The order: (1) bodies are packed into a hidden file beside the target, counted and hashed; (2) ``finish`` signs the
header that commits to them and puts it in front; (3) the caller notes the number; (4) ``place`` gives the file its
name. A process killed before (4) leaves no drop, and its number is known as not yet placed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import zstandard

from seawall.exchange.drop.bounds import DropBounds
from seawall.exchange.drop.header import DROP_TYPE, NOTICES, Header, Part, encoded, link_of
from seawall.identity import dsse
from seawall.model import Recorded, Release

LEVEL = 9  # a stick is slower than the processor; about 8:1 on indicators


class WrittenDrop(msgspec.Struct, frozen=True):
    """A finished drop under its hidden name."""

    header: Header
    link: str
    hidden: Path
    size: int  # bytes on disk

    def place(self, target: Path) -> None:
        """Give the file its name, replacing what had it; durable when this returns."""
        self.hidden.replace(target)
        _sync_folder(target.parent)

    def discard(self) -> None:
        """Remove the hidden file if it is still there."""
        self.hidden.unlink(missing_ok=True)


class DropWriter:
    """Collects one drop in ``folder``. A context manager: what was not finished is removed."""

    def __init__(self, folder: Path, bounds: DropBounds) -> None:
        self._bounds = bounds
        descriptor, name = tempfile.mkstemp(prefix=".drop-body-", dir=folder)
        self._body = Path(name)
        self._file = os.fdopen(descriptor, "w+b")
        self._packed = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).stream_writer(
            self._file, closefd=False
        )
        self._parts: list[Part] = []
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        self._body.unlink(missing_ok=True)

    @property
    def objects(self) -> int:
        """Objects so far."""
        return sum(part.objects for part in self._parts if part.circle != NOTICES)

    def has_room(self, release: Release) -> bool:
        """Whether this page fits within the bounds of one drop; any fits into an empty one."""
        size = sum(part.bytes for part in self._parts) + sum(len(item.body) + 1 for item in release.objects)
        count = self.objects + len(release.objects)
        return not self.objects or (count <= self._bounds.objects and size <= self._bounds.plain_bytes)

    def add(self, circle: str, recorded: Recorded[Release]) -> None:
        """Objects that were released in ``circle``; a circle's pages follow each other."""
        if not self._parts or self._parts[-1].circle != circle:
            self._parts.append(Part(circle, 0, 0, ""))
            self._digest = hashlib.sha256()
        self._write(item.body for item in recorded.value.objects)

    def add_notices(self, envelopes: Sequence[bytes]) -> None:
        """Signed notices, each on the ledger already; they stand before all objects."""
        if envelopes:
            self._parts.append(Part(NOTICES, 0, 0, ""))
            self._digest = hashlib.sha256()
            self._write(envelopes)

    def _write(self, bodies: Iterable[bytes]) -> None:
        part = self._parts[-1]
        count, size = part.objects, part.bytes
        for body in bodies:
            line = _one_line(body) + b"\n"
            self._digest.update(line)
            self._packed.write(line)
            count, size = count + 1, size + len(line)
        self._parts[-1] = Part(part.circle, count, size, self._digest.hexdigest())

    def finish(self, header: Header, signer: dsse.Signer | Callable[[bytes, str], bytes]) -> WrittenDrop:
        """Sign ``header`` with the parts written, and put it in front of them under a hidden name.

        For proofs that are no signatures ``signer(payload, type)`` gives the envelope.
        """
        self._packed.flush(zstandard.FLUSH_FRAME)
        self._file.flush()
        whole = msgspec.structs.replace(header, parts=tuple(self._parts))
        payload = encoded(whole)
        first_line = (signer(payload, DROP_TYPE) if callable(signer) else dsse.sign(payload, DROP_TYPE, signer)) + b"\n"
        descriptor, name = tempfile.mkstemp(prefix=".drop-", dir=self._body.parent)
        hidden = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as target:
                target.write(zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(first_line))
                self._file.seek(0)
                shutil.copyfileobj(self._file, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
                size = target.tell()
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
        return WrittenDrop(whole, link_of(whole, payload), hidden, size)


def _one_line(body: bytes) -> bytes:
    """The same JSON without line ends: an object of a peer is passed on as it came, on several lines perhaps."""
    return body if b"\n" not in body else msgspec.json.format(body, indent=-1)


def _sync_folder(folder: Path) -> None:
    """The name on disk, where the file system can say so: some of those on sticks cannot, and keep it all the same."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
