"""Who multiplies: this process, or two others that do nothing else.

A worker is a bare Python that loads the mathematics alone: it starts in a tenth of a second, knows no node, no store
and no key but the scalar of the list at hand, and forgets that when it ends. It is given work over its standard input
and ends with it:

    to it      8 bytes of length, then msgpack of a ``Job``
    from it    8 bytes of length, then msgpack of ``Done``

A worker that dies is replaced once for each piece of work; then one sentence says so. Nothing is lost: a part that was
not finished was not kept.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Self

import msgspec
from msgspec import structs

from seawall.exchange.psi import accelerator, batches, group
from seawall.exchange.psi.group import POINT_BYTES
from seawall.exchange.psi.worker_process import Done, Job
from seawall.model import Unavailable

PIECE = 2_048  # elements in one piece of work: 0.1 s, so that both workers end together
WORTH_WORKERS = 30_000  # elements of one part below which starting workers costs more time than it saves
PROGRAM = Path(__file__).with_name("worker_process.py")


class Here:
    """Multiplies in this process. Fulfils ``Multiplier``. ``accelerated``: the accelerator may be used."""

    def __init__(self, *, accelerated: bool = True) -> None:
        self._accelerated = accelerated

    def blind(self, scalar: bytes, dst: bytes, values: Sequence[bytes]) -> bytes:
        """32 bytes for each value."""
        return batches.blind_all(scalar, dst, values, accelerated=self._accelerated)

    def evaluate(self, scalar: bytes, points: bytes, *, keep: int = 16) -> bytes:
        """``keep`` bytes for each point. Raises Refused E-EXCHANGE-702 for a bad point."""
        return batches.evaluate_all(scalar, points, keep, accelerated=self._accelerated)


class Workers:
    """Multiplies in ``count`` processes, which are started when there is enough to do. Fulfils ``Multiplier``."""

    def __init__(self, count: int = 2, *, accelerated: bool = True) -> None:
        self._count = count
        self._here = Here(accelerated=accelerated)
        self._accelerated = accelerated
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._started = False
        self._starting = threading.Lock()

    def blind(self, scalar: bytes, dst: bytes, values: Sequence[bytes]) -> bytes:
        """32 bytes for each value. Raises Unavailable E-EXCHANGE-725 when workers keep dying."""
        if len(values) < WORTH_WORKERS:
            return self._here.blind(scalar, dst, values)
        pieces = (values[start : start + PIECE] for start in range(0, len(values), PIECE))
        return self._all(Job(scalar, POINT_BYTES, dst=dst, values=tuple(piece)) for piece in pieces)

    def evaluate(self, scalar: bytes, points: bytes, *, keep: int = 16) -> bytes:
        """``keep`` bytes for each point. Raises Refused E-EXCHANGE-702 for a bad point, Unavailable E-EXCHANGE-725."""
        if len(points) < WORTH_WORKERS * POINT_BYTES:
            return self._here.evaluate(scalar, points, keep=keep)
        return self._all(Job(scalar, keep, points=piece) for piece in group.split(points, PIECE * POINT_BYTES))

    def close(self) -> None:
        """End the workers; they are started again when there is more to do."""
        if self._started:
            for _ in range(self._count):
                self._idle.get().close()
            self._started = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _all(self, jobs: Iterator[Job]) -> bytes:
        group.library()  # says what is missing here, not in a worker
        with self._starting:
            if not self._started:
                for _ in range(self._count):
                    self._idle.put(_Worker())
                self._started = True
        with ThreadPoolExecutor(self._count) as pool:
            return b"".join(pool.map(self._one, jobs))

    def _one(self, job: Job) -> bytes:
        worker = self._idle.get()
        job = structs.replace(job, accelerated=self._accelerated and not accelerator.distrusted())
        try:
            for _ in range(2):
                try:
                    return worker.do(job)
                except (OSError, EOFError):
                    worker.close()
                    worker = _Worker()
        finally:
            self._idle.put(worker)
        raise Unavailable(
            "E-EXCHANGE-725",
            "A worker process of the comparison ended twice before it was done; nothing was lost, try again.",
        )


class _Worker:
    """One process, and the pipe to it."""

    def __init__(self) -> None:
        # -P: the folder of the program is no place to import from; what it would say when it is killed is said here
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def do(self, job: Job) -> bytes:
        """Raises EOFError or OSError when the process is gone, Refused E-EXCHANGE-702 for a bad point."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None  # noqa: S101  (both are pipes)
        write_frame(stdin, msgspec.msgpack.encode(job))
        answer = read_frame(stdout)
        if answer is None:
            raise EOFError
        done = msgspec.msgpack.decode(answer, type=Done)
        if done.distrusted:
            accelerator.distrust()
        if done.made is None:
            raise group.bad_element()
        return done.made

    def close(self) -> None:
        """End it and wait until it has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()


def write_frame(pipe: IO[bytes], data: bytes) -> None:
    """A length and so many bytes. Raises OSError when nobody reads."""
    left = memoryview(len(data).to_bytes(8) + data)
    while left:
        left = left[pipe.write(left) :]


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """The bytes of the next frame; None at the end."""
    length = _exactly(pipe, 8)
    return None if length is None else _exactly(pipe, int.from_bytes(length))


def _exactly(pipe: IO[bytes], count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        more = pipe.read(count - len(data))
        if not more:
            return None
        data += more
    return data
