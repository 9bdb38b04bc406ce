"""How many orders one enforcement point takes: at the same time, and new within an hour. Pure.

The node's side of rule 10: an agent's own limits hold whatever its node says, but they know nothing of whose word an
order is. Here our own goes first, so that a flood from one peer is what waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from seawall.model.order import Point, Zone

MOST = 2_000_000  # a cap beyond what all types together may be in the book is a typing error
BY_ZONE: Mapping[Zone, tuple[int, int]] = MappingProxyType(
    {
        # An edge takes what an agent takes in all (1,100,000) with room to spare, and all of it in its first hour.
        Zone.INTERNET_EDGE: (1_000_000, 1_000_000),
        # Smaller machines stand in offices: a resolver or proxy holds some 200,000 names in 100 MB.
        Zone.OFFICE: (200_000, 50_000),
        # Plants are only watched; their machines are old, and whoever tends them has to be able to follow.
        Zone.OT: (50_000, 5_000),
        Zone.SAFETY: (50_000, 5_000),
    }
)


class PointCaps(msgspec.Struct, frozen=True):
    """Orders that may stand at a point at the same time, and be new there within an hour (UTC)."""

    most: int
    per_hour: int


def caps_of(point: Point) -> PointCaps:
    """What a point was given, else what its zone is given."""
    most, per_hour = BY_ZONE[point.zone]
    return PointCaps(most if point.most is None else point.most, per_hour if point.per_hour is None else point.per_hour)
