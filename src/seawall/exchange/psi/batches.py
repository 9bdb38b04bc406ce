"""The many multiplications of lists in this process: by the accelerator where one is at hand, else by libsodium."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.exchange.psi import accelerator, group
from seawall.exchange.psi.accelerator import WrongError
from seawall.exchange.psi.group import POINT_BYTES

WORTH = 16  # elements below which libsodium is as quick as eight lanes, of which some stay empty


def blind_all(scalar: bytes, dst: bytes, values: Sequence[bytes], *, accelerated: bool = True) -> bytes:
    """32 bytes for each value: scalar * hash_to_group(value, dst). ``accelerated``: the accelerator may be used."""
    uniform = group.expand_all(dst, values)
    one = accelerator.usable() if accelerated and len(values) >= WORTH else None
    if one is not None:
        try:
            return one.times(scalar, uniform, uniform=True)
        except WrongError:
            accelerator.distrust()
    return group.map_all(scalar, uniform)


def evaluate_all(scalar: bytes, points: bytes, keep: int, *, accelerated: bool = True) -> bytes:
    """The first ``keep`` bytes of scalar * point, for each point. Raises Refused E-EXCHANGE-702 for one bad point."""
    if len(points) % POINT_BYTES:
        raise group.bad_element()
    one = accelerator.usable() if accelerated and len(points) >= WORTH * POINT_BYTES else None
    if one is not None:
        try:
            return one.times(scalar, points, keep=keep)
        except WrongError:
            accelerator.distrust()
    return group.evaluate_all(scalar, points, keep)
