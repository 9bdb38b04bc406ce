"""Who does the multiplications of a run: this process for short lists, two others for long ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seawall.exchange import psi
from seawall.exchange.psi.interface import Multiplier
from seawall.model import Fault


@contextmanager
def multiplying() -> Iterator[Multiplier]:
    """Something that multiplies points, until the block ends."""
    with psi.Workers() as workers:
        yield workers


def arithmetic_told() -> tuple[bool, str]:
    """Whether what multiplies is in order, and what it is; for ``doctor``."""
    from seawall.exchange.psi import accelerator, group  # loads libsodium, which few commands need

    try:
        group.library()
    except Fault as fault:
        # a node that compares nothing needs none
        return fault.code == "E-EXCHANGE-700", str(fault)
    kernel, why = accelerator.tried()
    if kernel is not None:
        return True, f"libsodium, and the accelerator's kernel '{kernel.kernel}', which computes the same"
    return why == accelerator.ABSENT, f"libsodium alone: the accelerator {why}"
