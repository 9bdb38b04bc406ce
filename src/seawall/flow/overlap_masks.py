"""Who does the multiplications of a run: this process for short lists, two others for long ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seawall.exchange import psi
from seawall.exchange.psi.interface import Multiplier


@contextmanager
def multiplying() -> Iterator[Multiplier]:
    """Something that multiplies points, until the block ends."""
    with psi.Workers() as workers:
        yield workers
