"""Files made durable a moment after they were written to, in a thread: who receives must not wait for a disk.

A killed process loses nothing that it wrote; a machine that loses its power loses at most the last SYNC_SECONDS.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

SYNC_SECONDS = 1.0


class Syncing:
    """Syncs what it is told of, once in SYNC_SECONDS. ``close`` it: what is left is synced first."""

    def __init__(self) -> None:
        self._dirty: set[Path] = set()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._refused: OSError | None = None
        self._told = False
        self._thread: threading.Thread | None = None

    def wrote(self, path: Path) -> None:
        """A file got more bytes, or a folder another name. Raises OSError when the disk has refused something."""
        if self._refused is not None:
            self._told = True
            raise self._refused
        with self._lock:
            self._dirty.add(path)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="syncing", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Sync what is left and end. Raises OSError when the disk has refused something that nobody heard of."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        if self._refused is not None and not self._told:
            self._told = True
            raise self._refused

    def _run(self) -> None:
        try:
            while not self._ending.wait(SYNC_SECONDS):
                self._sync()
            self._sync()
        except OSError as error:
            self._refused = error

    def _sync(self) -> None:
        with self._lock:
            dirty, self._dirty = self._dirty, set()
        for path in sorted(dirty):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:  # in the lake, and removed
                continue
            try:
                os.fsync(descriptor)  # flushes the file's bytes whichever descriptor wrote them
            finally:
                os.close(descriptor)
