"""Who may be in the lake: one writer, any number of readers, and nobody while old files are swept away."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

WRITER = "writer.lock"
READERS = "readers.lock"
HOLDER_BYTES = 200  # a holder writes one short line


@contextmanager
def only_writer(folder: Path, on_wait: Callable[[str], None] | None) -> Iterator[None]:
    """Hold the writer lock. When another holds it, tell ``on_wait`` who, once, and wait."""
    descriptor = os.open(folder / WRITER, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                holder = os.pread(descriptor, HOLDER_BYTES, 0).decode("utf-8", "replace").strip() or "another process"
                on_wait(holder)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def one_reader(folder: Path) -> Iterator[None]:
    """Keep the files of a snapshot from being swept away while it is read."""
    descriptor = os.open(folder / READERS, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def no_readers(folder: Path) -> Iterator[bool]:
    """True while nobody reads (new readers wait until this ends); False at once when somebody does."""
    descriptor = os.open(folder / READERS, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
