"""One process at a time: what two at once would number, send or decide twice."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seawall.model import Unavailable

LOOK_SECONDS = 0.1  # between two looks at the lock


@contextmanager
def alone(lock: Path, busy: Unavailable, *, seconds: float = 0.0, look: float = LOOK_SECONDS) -> Iterator[None]:
    """Hold the file ``lock`` meanwhile; it ends with the process, however that ends.

    Another process is waited for as long as ``seconds``, looked for every ``look``. Raises ``busy`` when that was not
    enough.
    """
    end = time.monotonic() + seconds
    with lock.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise busy from None
            time.sleep(look)
        yield
