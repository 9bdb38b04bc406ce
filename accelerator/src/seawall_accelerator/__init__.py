"""Many points of ristretto255 (RFC 9496) times one secret scalar, by a compiled kernel.

    kernels() -> ("ifma", "portable")         what this processor runs, the quickest first
    times(half, packed, ...) -> bytes         every element times 2 * half

Whoever calls this should try it beside another implementation first, and go on to try a share of what it gives;
Seawall does (``seawall.exchange.psi.accelerator``).
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

__all__ = ["POINT_BYTES", "UNIFORM_BYTES", "VERSION", "NotPointsError", "kernels", "times"]

VERSION = 1  # of what the functions here take and give
POINT_BYTES = 32
UNIFORM_BYTES = 64
_NUMBERS = {"ifma": 2, "portable": 1}  # as kernel.c counts them


class NotPointsError(ValueError):
    """One of the elements is no canonical encoding of a point other than the identity, or one product is that."""


def kernels() -> tuple[str, ...]:
    """The kernels that this processor can run, the quickest first. Raises OSError when the library can't be loaded."""
    found = _library().seawall_kernels()
    return tuple(name for name, number in _NUMBERS.items() if found & number)


def times(half: bytes, packed: bytes, *, uniform: bool = False, keep: int = POINT_BYTES, kernel: str = "") -> bytes:
    """The first ``keep`` bytes of 2 * half * element, for each element of ``packed``, in its order.

    ``half``: a canonical scalar of 32 bytes, half of the one that is meant modulo the group's order. ``packed``: points
    of 32 bytes, or with ``uniform`` 64 uniform bytes each, mapped to the group as RFC 9496 section 4.3.4 says.
    ``kernel``: one of ``kernels()``, or the quickest. Time and memory touched do not depend on the scalar.
    Raises NotPointsError, ValueError for wrong lengths or an unknown kernel.
    """
    size = UNIFORM_BYTES if uniform else POINT_BYTES
    if len(half) != POINT_BYTES or len(packed) % size or not 0 < keep <= POINT_BYTES:
        raise ValueError("a scalar is 32 bytes, a point 32, uniform bytes are 64, and 1 to 32 bytes are kept")
    count = len(packed) // size
    made = ctypes.create_string_buffer(max(1, count * keep))
    number = _NUMBERS.get(kernel or kernels()[0], 0)
    told = _library().seawall_times(number, half, int(uniform), packed, count, keep, made)
    if told == 1:
        raise NotPointsError("an element is no point, or its product is the identity")
    if told:
        raise ValueError(f"this processor has no kernel {kernel!r}")
    return made.raw[: count * keep]


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(Path(__file__).with_name("kernel.so")))
    library.seawall_times.argtypes = [
        ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_char_p,
    ]  # fmt: skip
    return library
