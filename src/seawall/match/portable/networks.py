"""Networks: an address lies in a range exactly when its first bits are the range's, so each prefix length is one join.

All nested ranges match. Range joins and longest-prefix searches lose the outer ones (engines differ there).
"""

from __future__ import annotations

from seawall.match.hits import in_range
from seawall.match.keys import range_lengths
from seawall.match.portable.stage import ComputingSession


def in_networks(session: ComputingSession, keys: str, seen: str) -> list[str]:
    """SQL, one for each prefix length among the keys: (high, low, indicator, type, until)."""
    return [
        f"SELECT a.high, a.low, k.number AS indicator, k.type, k.until FROM {seen} a "
        f"JOIN {keys}_range k ON k.length = {length:d} AND {in_range(length)}"
        for length in range_lengths(session, keys)
    ]
