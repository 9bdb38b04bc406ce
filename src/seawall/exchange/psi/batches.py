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
    made = _by_accelerator(scalar, uniform, len(values), POINT_BYTES, uniform=True) if accelerated else None
    return group.map_all(scalar, uniform) if made is None else made


def evaluate_all(scalar: bytes, points: bytes, keep: int, *, accelerated: bool = True) -> bytes:
    """The first ``keep`` bytes of scalar * point, for each point. Raises Refused E-EXCHANGE-702 for one bad point."""
    if len(points) % POINT_BYTES:
        raise group.bad_element()
    made = _by_accelerator(scalar, points, len(points) // POINT_BYTES, keep) if accelerated else None
    return group.evaluate_all(scalar, points, keep) if made is None else made


def _by_accelerator(scalar: bytes, packed: bytes, count: int, keep: int, *, uniform: bool = False) -> bytes | None:
    """None: it is not worth it, none is at hand, or it was wrong just now."""
    one = accelerator.usable() if count >= WORTH else None
    if one is None:
        return None
    try:
        return one.times(scalar, packed, uniform=uniform, keep=keep)
    except WrongError:
        accelerator.distrust()
        return None
