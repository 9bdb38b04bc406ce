"""Padme: sizes that tell little (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PoPETs 2019, 4).

A length of E = floor(log2 L) keeps only its floor(log2 E) + 1 highest bits, rounded up. A length then tells
O(log log L) bits, and at most 12 % is added; from one megabyte on at most 3.1 %.
"""

from __future__ import annotations


def padded(length: int, *, least: int) -> int:
    """The size class of ``length``, both in bytes; never below ``least``."""
    if length <= least:
        return least
    exponent = length.bit_length() - 1
    kept = exponent.bit_length()  # floor(log2 exponent) + 1
    mask = (1 << max(exponent - kept, 0)) - 1
    return (length + mask) & ~mask
