"""Memory that is kept between chunks and given back at the end; few collections meanwhile."""

from __future__ import annotations

import ctypes
import gc
import resource
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from seawall.ingest.thrift import thrifty

PIECES, OCTETS = 40, 2 << 20


def new_pages() -> int:
    """How many pages the system has to clear for some arrays that are dropped at once."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(OCTETS, dtype=np.uint8) for _ in range(PIECES)]
    del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident() -> int:
    """Bytes of memory that the process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_pages_are_kept_inside_and_given_back_at_the_end() -> None:
    """What one round freed serves the next; afterwards the process is as small as before, and Arrow as it was."""
    pool, before = pa.default_memory_pool().backend_name, resident()
    with thrifty():
        assert pa.default_memory_pool().backend_name == "system"
        new_pages()
        with thrifty():
            assert new_pages() < PIECES * OCTETS // resource.getpagesize() // 10
        assert new_pages() < PIECES * OCTETS // resource.getpagesize() // 10, "who is done leaves it to the others"
    assert resident() < before + PIECES * OCTETS // 2
    assert pa.default_memory_pool().backend_name == pool


def test_threads_may_be_inside_together() -> None:
    """Whoever comes last puts everything back, in whatever order they leave."""
    pool, threshold = pa.default_memory_pool().backend_name, gc.get_threshold()
    first, second = thrifty(), thrifty()
    first.__enter__()
    worker = threading.Thread(target=second.__enter__)
    worker.start()
    worker.join()
    first.__exit__(None, None, None)
    assert gc.get_threshold() > threshold
    second.__exit__(None, None, None)
    assert gc.get_threshold() == threshold
    assert pa.default_memory_pool().backend_name == pool


def test_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be told to the allocator an ingest goes on as it is."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    pool = pa.default_memory_pool().backend_name
    with thrifty():
        assert pa.default_memory_pool().backend_name == pool
