"""Sizes that say little: Padme (Nikitin et al., PoPETs 2019, "Reducing Metadata Leakage from Encrypted Files").

A size keeps only as many leading bits as its own logarithm has; at most 12 % is added, and less the larger it is.
"""

from __future__ import annotations

QUARTERS = (4, 5, 6, 7)  # list lengths: {1, 1.25, 1.5, 1.75} x 2^k


def padme(size: int, *, least: int = 0) -> int:
    """The smallest padded size that holds ``size`` bytes, and never below ``least``; a padded size is its own."""
    size = max(size, least)
    if size < 2:
        return size
    exponent = size.bit_length() - 1
    free = max(exponent - exponent.bit_length(), 0)  # low bits that must be zero
    return -(-size >> free) << free


def is_padded(size: int) -> bool:
    """Whether a message of ``size`` bytes is in a padded class, and not empty."""
    return size > 0 and padme(size) == size


def list_class(count: int) -> int:
    """The smallest of {1, 1.25, 1.5, 1.75} x 2^k that is at least ``count`` (and at least 4)."""
    power = max((count - 1).bit_length() - 3, 0) if count > 4 else 0
    return next(
        quarters << step for step in range(power, power + 3) for quarters in QUARTERS if quarters << step >= count
    )
