"""Memory freed between two chunks is kept for the next one, while an ingest runs.

New pages are dear: the system clears each one before it gives it out. Chunks and batches ask for the same memory again
and again, and the allocators' defaults give it back in between: a tenth of all CPU time was that (decision 0002).
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # mallopt(3)
LARGEST = 32 << 20  # bytes of a piece that is kept at all, the most that glibc allows
KEPT = 1 << 30  # bytes that may be free at the end of the heap
PAD = 64 << 20  # bytes by which the heap grows
AFTERWARDS = 64 << 20  # where glibc's own adjustment of KEPT ends
_lock = threading.Lock()
_inside: list[pa.MemoryPool] = []  # Arrow's pool as each found it; the first found its own


@contextmanager
def pages_kept() -> Iterator[None]:
    """Inside, glibc's heap keeps what is freed, and Arrow allocates there; at the end all that is free is given back.

    Elsewhere than on glibc nothing changes. Any number of threads may be inside.
    """
    libc = ctypes.CDLL(None)
    if not (hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")):
        yield
        return
    with _lock:
        _inside.append(pa.default_memory_pool())
        if len(_inside) == 1:
            libc.mallopt(M_MMAP_THRESHOLD, LARGEST)
            libc.mallopt(M_TRIM_THRESHOLD, KEPT)
            libc.mallopt(M_TOP_PAD, PAD)
            pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                pa.set_memory_pool(before)
                libc.mallopt(M_TRIM_THRESHOLD, AFTERWARDS)
                libc.malloc_trim(ctypes.c_size_t(0))
