"""The open files of one ledger and its lock: reading, appending with fsync, cutting. Knows bytes, not meanings."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from seawall.identity.sealing import Box
from seawall.ledger.layout import RECORD_BYTES, Leaf, unpack
from seawall.ledger.payloads import opened_payload
from seawall.model import Unavailable

OnWait = Callable[[str], None]
_CHUNK_RECORDS = 4096  # 640 KiB a read


class LedgerFiles:
    """Descriptors of ``lock``, ``leaves``, ``payloads`` and ``checkpoint``; opened again in a forked child."""

    def __init__(self, folder: Path, on_wait: OnWait | None, box: Box | None = None) -> None:
        self.folder = folder
        self.box = box  # of the node's vault: seals what leaves say
        self._on_wait = on_wait
        self._guard = threading.RLock()
        self._process = 0
        self._descriptors: dict[str, int] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_open(folder, error) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the ledger alone, among threads and processes; ``on_wait("ledger")`` is called once if it is taken."""
        with self._guard:
            lock = self._descriptor("lock")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._on_wait is not None:
                    self._on_wait("ledger")
                fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)

    def size(self, name: str) -> int:
        """Bytes in one of the files."""
        return os.fstat(self._descriptor(name)).st_size

    def read(self, name: str, offset: int, length: int) -> bytes:
        """``length`` bytes at ``offset``, fewer at the end."""
        return os.pread(self._descriptor(name), length, offset)

    def leaf(self, index: int) -> Leaf | None:
        """The record of leaf ``index``; None when it is absent or damaged."""
        return unpack(self.read("leaves", index * RECORD_BYTES, RECORD_BYTES))

    def leaves(self, start: int, stop: int) -> Iterator[Leaf | None]:
        """The records from ``start`` up to ``stop``, None for each damaged one."""
        for first in range(start, stop, _CHUNK_RECORDS):
            count = min(_CHUNK_RECORDS, stop - first)
            chunk = self.read("leaves", first * RECORD_BYTES, count * RECORD_BYTES)
            for position in range(0, count * RECORD_BYTES, RECORD_BYTES):
                yield unpack(chunk[position : position + RECORD_BYTES])

    def payload(self, leaf: Leaf) -> tuple[bytes, bytes] | None:
        """(salt, event) of a leaf; None once erased. Raises ValueError when damaged, Fault E-LEDGER-030 when closed."""
        return opened_payload(self.read("payloads", leaf.offset, leaf.length), leaf.index, self.box)

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Write ``data`` at ``offset`` (the end) and wait until it is on disk."""
        self.overwrite(name, offset, data)
        os.fdatasync(self._descriptor(name))

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        """Write ``data`` at ``offset`` without waiting for the disk. Raises Unavailable E-LEDGER-005."""
        descriptor, rest = self._descriptor(name), memoryview(data)
        try:
            while rest:
                written = os.pwrite(descriptor, rest, offset)
                rest, offset = rest[written:], offset + written
        except OSError as error:
            raise Unavailable(
                "E-LEDGER-005",
                "Cannot write the ledger in {folder}: {reason}. Nothing was released.",
                folder=self.folder,
                reason=error.strerror,
            ) from None

    def cut(self, name: str, length: int) -> int:
        """Shorten a file to ``length``; returns how many bytes went."""
        surplus = self.size(name) - length
        if surplus > 0:
            os.ftruncate(self._descriptor(name), length)
            os.fsync(self._descriptor(name))
        return max(surplus, 0)

    def sync_folder(self) -> None:
        """Wait until the files' names are on disk."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close everything; opening again is harmless."""
        with self._guard:
            for descriptor in self._descriptors.values():
                os.close(descriptor)
            self._descriptors.clear()

    def _descriptor(self, name: str) -> int:
        if self._process != os.getpid():  # a fork shares our flock: the child opens its own
            self.close()
            self._process = os.getpid()
        if name not in self._descriptors:
            try:
                self._descriptors[name] = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise _cannot_open(self.folder, error) from None
        return self._descriptors[name]


def _cannot_open(folder: Path, error: OSError) -> Unavailable:
    return Unavailable(
        "E-LEDGER-006", "Cannot open the ledger in {folder}: {reason}.", folder=folder, reason=error.strerror
    )
