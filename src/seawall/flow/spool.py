"""Lines that were sent to us and wait for the lake: one file a delivery, on disk before the sender is told so.

Names sort by arrival: ``<nanoseconds>-<random>~<format>~<sensor in hexadecimal>.log``. A file is whole or not there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from seawall.model import Unavailable

FOLDER = "received"  # in the node's
ENDING = ".log"
PART = ".part"
STALE_SECONDS = 3600.0  # after which a part is of a killed process
BOUND = 1 << 30  # bytes that wait, at least a BLOCK for each delivery; senders keep queues and come again
BLOCK = 4096  # bytes that the smallest file takes
MEASURE_SECONDS = 1.0  # at least, between looks at what waits
SENSOR_BYTES = 60  # of a sensor's name in a file name, which holds 255 bytes
REFUSED = "refused"
_NAME = re.compile(r"(\d{20})-[0-9a-f]{12}~([^~]+)~((?:[0-9a-f]{2})*)\.log")


class Delivery(msgspec.Struct, frozen=True):
    """Lines of one format and one sensor (None: the lines name theirs), without line ends."""

    lines: Sequence[bytes]
    format: str
    sensor: str | None = None


class Waiting(msgspec.Struct, frozen=True):
    """Files of one format and sensor, oldest first."""

    paths: tuple[Path, ...]
    format: str
    sensor: str | None


class Aside(msgspec.Struct, frozen=True):
    """A delivery that could not be taken in."""

    path: Path
    received: int  # microseconds UTC
    format: str
    sensor: str | None
    bytes: int


class Spool:
    """The folder of waiting deliveries. Any number of threads may put; one process at a time takes."""

    def __init__(self, folder: Path, bound: int = BOUND) -> None:
        self.folder = folder
        self._bound = bound
        self._lock = threading.Lock()
        self._held: int | None = None
        self._next_measure = 0.0  # monotonic seconds

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; they are on disk when this returns.

        Raises Unavailable E-FLOW-090 when too much waits already, E-FLOW-091 when the disk refuses.
        """
        bodies = [b"\n".join(one.lines) + b"\n" for one in deliveries]
        size = sum(max(len(body), BLOCK) for body in bodies)
        with self._lock:
            if self._held is None:
                self._held = self.size()
            if self._held + size > self._bound and time.monotonic() >= self._next_measure:
                self._held = self.size()  # another process may have taken some in
                self._next_measure = time.monotonic() + MEASURE_SECONDS
            if self._held + size > self._bound:
                raise Unavailable(
                    "E-FLOW-090", "Too much waits to be taken in ({held} bytes); send it again later.", held=self._held
                )
            self._held += size
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for one, body in zip(deliveries, bodies, strict=True):
                self._write(_name(one), body)
            _sync_folder(self.folder)
        except OSError as error:
            with self._lock:
                self._held = None
            raise Unavailable(
                "E-FLOW-091",
                "What was sent cannot be kept in {folder}: {reason}.",
                folder=self.folder,
                reason=error.strerror or error,
            ) from None

    def _write(self, name: str, body: bytes) -> None:
        part = self.folder / (name + PART)
        try:
            with part.open("xb", buffering=0) as file:
                view = memoryview(body)
                while view:
                    view = view[file.write(view) :]
                os.fsync(file.fileno())
            part.rename(self.folder / name)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def size(self) -> int:
        """Bytes that wait."""
        total = 0
        for name in self._names():
            with contextlib.suppress(OSError):
                total += max((self.folder / name).stat().st_size, BLOCK)
        return total

    def count(self) -> int:
        """Deliveries that wait."""
        return len(self._names())

    def next(self, most: int, most_bytes: int) -> Waiting | None:
        """The oldest deliveries of one format and sensor; None when nothing waits. Call it while ``taking``."""
        names = sorted(self._names())
        if not names:
            return None
        kind = names[0].partition("~")[2]
        chosen: list[Path] = []
        size = 0
        for name in names:
            if name.partition("~")[2] == kind:
                path = self.folder / name
                size += path.stat().st_size
                if chosen and (len(chosen) >= most or size > most_bytes):
                    break
                chosen.append(path)
        format, _, sensor = kind.removesuffix(ENDING).partition("~")
        return Waiting(tuple(chosen), format, _sensor(sensor))

    def done(self, waiting: Waiting) -> None:
        """Forget what is in the lake now."""
        freed = 0
        for path in waiting.paths:
            freed += max(path.stat().st_size, BLOCK)
            path.unlink()
        with self._lock:
            if self._held is not None:
                self._held = max(0, self._held - freed)

    def set_aside(self, waiting: Waiting) -> None:
        """Keep what could not be taken in where a person finds it."""
        aside = self.folder / REFUSED
        aside.mkdir(mode=0o700, exist_ok=True)
        for path in waiting.paths:
            path.rename(aside / path.name)
        with self._lock:
            self._held = None

    def set_aside_count(self) -> int:
        """Deliveries that wait for a person."""
        try:
            return len(list((self.folder / REFUSED).iterdir()))
        except FileNotFoundError:
            return 0

    def aside(self) -> list[Aside]:
        """The deliveries that were set aside, oldest first; files that others put there are left out."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for path in sorted((self.folder / REFUSED).iterdir()):
                if (named := _NAME.fullmatch(path.name)) is not None:
                    moment, format, sensor = named.groups()
                    size = path.stat().st_size
                    found.append(Aside(path, int(moment) // 1_000, format, _sensor(sensor), size))
        return found

    def put_back(self) -> int:
        """Let what was set aside wait again, under its old names and so in its old order; how many deliveries."""
        back = self.aside()
        for one in back:
            one.path.rename(self.folder / one.path.name)
        with self._lock:
            self._held = None
        return len(back)

    @contextmanager
    def taking(self) -> Iterator[bool]:
        """Hold the right to take; False when another process has it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            self._sweep()
            yield True
        finally:
            os.close(descriptor)

    def _names(self) -> list[str]:
        try:
            return [path.name for path in self.folder.iterdir() if path.name.endswith(ENDING)]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _sweep(self) -> None:
        for path in self.folder.glob(f"*{PART}"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()


def _sensor(digits: str) -> str | None:
    return bytes.fromhex(digits).decode("utf-8", "replace") if digits else None


def _name(delivery: Delivery) -> str:
    sensor = (delivery.sensor or "").encode("utf-8", "surrogatepass")[:SENSOR_BYTES].hex()
    return f"{time.time_ns():020d}-{secrets.token_hex(6)}~{delivery.format}~{sensor}{ENDING}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
