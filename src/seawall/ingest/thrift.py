"""While an ingest runs, memory freed between two chunks is kept for the next one, and few looks are taken for cycles.

New pages are dear: the system clears each one before it gives it out. Chunks and batches ask for the same memory again
and again, and the allocators' defaults give it back in between. Python's collector looks through what an ingest makes
though none of it refers to itself. Together that was a tenth of all CPU time (decision 0002).
"""

from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pyarrow as pa

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # mallopt(3)
LARGEST = 32 << 20  # bytes of a piece that is kept at all, the most that glibc allows
KEPT = 1 << 30  # bytes that may be free at the end of the heap
PAD = 64 << 20  # bytes by which the heap grows
AFTERWARDS = 64 << 20  # where glibc's own adjustment of KEPT ends
COLLECTED_AFTER = (20_000, 20, 100)  # see gc.set_threshold


class _Before(msgspec.Struct, frozen=True):
    pool: pa.MemoryPool
    threshold: tuple[int, int, int]


_lock = threading.Lock()
_inside: list[_Before] = []  # what each found; the first found what was there before all


@contextmanager
def thrifty() -> Iterator[None]:
    """Inside, glibc's heap keeps what is freed, Arrow allocates there, and cycles are looked for rarely; at the end all
    that is free is given back.

    Elsewhere than on glibc memory is left as it is. Any number of threads may be inside.
    """
    libc = ctypes.CDLL(None)
    told = hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")
    with _lock:
        _inside.append(_Before(pa.default_memory_pool(), gc.get_threshold()))
        if len(_inside) == 1:
            gc.set_threshold(*COLLECTED_AFTER)
            if told:
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
                gc.set_threshold(*before.threshold)
                pa.set_memory_pool(before.pool)
                if told:
                    libc.mallopt(M_TRIM_THRESHOLD, AFTERWARDS)
                    libc.malloc_trim(ctypes.c_size_t(0))
