"""The program of a worker process; see ``workers``. It loads the mathematics and nothing else of the room."""

from __future__ import annotations

import sys
from typing import BinaryIO

import msgspec

from seawall.exchange.psi import accelerator, batches
from seawall.model import Refused


class Job(msgspec.Struct, frozen=True, array_like=True):
    """One piece of work: either ``values`` under ``dst``, or ``points``."""

    scalar: bytes
    keep: int  # bytes of each product
    accelerated: bool = True
    dst: bytes | None = None
    values: tuple[bytes, ...] = ()
    points: bytes = b""


class Done(msgspec.Struct, frozen=True, array_like=True):
    """What became of it."""

    made: bytes | None  # None for a point that is none
    distrusted: bool  # the accelerator gave a wrong product: what was made, libsodium made


def main() -> None:
    """Multiply until the other end of the pipe is closed."""
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    while length := reader.read(8):
        made = _made(msgspec.msgpack.decode(reader.read(int.from_bytes(length)), type=Job))
        _write(writer, msgspec.msgpack.encode(Done(made, accelerator.distrusted())))


def _made(job: Job) -> bytes | None:
    try:
        if job.dst is None:
            return batches.evaluate_all(job.scalar, job.points, job.keep, accelerated=job.accelerated)
        return batches.blind_all(job.scalar, job.dst, job.values, accelerated=job.accelerated)
    except Refused:
        return None


def _write(pipe: BinaryIO, data: bytes) -> None:
    pipe.write(len(data).to_bytes(8) + data)
    pipe.flush()


if __name__ == "__main__":
    main()
