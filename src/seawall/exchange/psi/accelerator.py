"""The accelerator: a kernel of its own package that does the same multiplications several times cheaper.

It is used where ``seawall-accelerator`` is installed, and never on its word alone: it is tried against a published
vector and against libsodium before the first use, then one product in a hundred is computed by libsodium as well.
Where one differs, all of its products are thrown away, libsodium computes them, and it is not used again in this
process.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from functools import cache
from random import SystemRandom
from types import ModuleType

from seawall.exchange.psi import group
from seawall.exchange.psi.group import ORDER, POINT_BYTES, UNIFORM_BYTES
from seawall.model import Refused

LOG = logging.getLogger(__name__)
VERSION = 1  # of the package's functions
ABSENT = "is not installed"
TRIED_SHARE = 100  # one product in so many is computed twice
TRIED_FIRST = 24  # elements of the try before the first use: three vectors of eight
_HALF = pow(2, -1, ORDER).to_bytes(32, "little")


class WrongError(Exception):
    """The accelerator gave a product that libsodium does not give."""


@dataclass(frozen=True)
class Accelerator:
    """One kernel of the package."""

    package: ModuleType
    kernel: str

    def times(self, scalar: bytes, packed: bytes, *, uniform: bool = False, keep: int = POINT_BYTES) -> bytes:
        """The first ``keep`` bytes of scalar * element for each. ``uniform``: elements of 64 bytes, mapped first.

        Raises Refused E-EXCHANGE-702 for an element that is no point or a product that is the identity, WrongError when
        a product that was tried is wrong.
        """
        half = group.product(scalar, _HALF)
        try:
            made: bytes = self.package.times(half, packed, uniform=uniform, keep=keep, kernel=self.kernel)
        except self.package.NotPointsError:
            raise group.bad_element() from None
        size = UNIFORM_BYTES if uniform else POINT_BYTES
        count = len(packed) // size
        for place in SystemRandom().sample(range(count), -(-count // TRIED_SHARE)):
            element = packed[place * size : (place + 1) * size]
            point = group.to_point(element) if uniform else element
            if group.multiply(scalar, point)[:keep] != made[place * keep : (place + 1) * keep]:
                raise WrongError
        return made


@cache
def tried() -> tuple[Accelerator | None, str]:
    """The quickest kernel that this processor runs and that computes what libsodium does; or None, and why not."""
    try:
        import seawall_accelerator as package
    except ImportError:
        return None, ABSENT
    try:
        if package.VERSION != VERSION:
            why = "is of another version than this Seawall knows"
        elif right(found := Accelerator(package, package.kernels()[0])):
            return found, ""
        else:
            why = "does not compute what libsodium does"
    except OSError as error:
        why = f"cannot be loaded ({error})"
    LOG.error("seawall-accelerator %s; libsodium is used", why)
    return None, why


def right(one: Accelerator) -> bool:
    """Whether a kernel computes RFC 9497's first vector and what libsodium does, and refuses what is no point."""
    scalar, uniform = group.to_scalar(os.urandom(64)), os.urandom(UNIFORM_BYTES * TRIED_FIRST)
    points = b"".join(group.to_point(element) for element in group.split(uniform, UNIFORM_BYTES))
    products = b"".join(group.multiply(scalar, point) for point in group.split(points))
    blind, mapped, blinded = group.VECTOR
    try:
        told = (
            one.times(blind, mapped, uniform=True),
            one.times(scalar, uniform, uniform=True),
            one.times(scalar, points),
        )
    except (WrongError, Refused):
        return False
    return told == (blinded, products, products) and all(_refuses(one, scalar, bad) for bad in group.NOT_POINTS)


def _refuses(one: Accelerator, scalar: bytes, bad: bytes) -> bool:
    try:
        one.times(scalar, bad)
    except Refused:
        return True
    return False


def usable() -> Accelerator | None:
    """What is installed and right, unless it was found wrong since."""
    return None if _WRONG.is_set() else tried()[0]


def distrusted() -> bool:
    """Whether it was found wrong since this process began."""
    return _WRONG.is_set()


def distrust() -> None:
    """It was wrong, here or in a worker of ours: do without it from here on, and say so once."""
    if not _WRONG.is_set():
        _WRONG.set()
        LOG.error(
            "seawall-accelerator gave a wrong product, which was thrown away; comparisons go on with libsodium. "
            "Remove the package, and have this machine's memory and processor looked at."
        )


_WRONG = threading.Event()
