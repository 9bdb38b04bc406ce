"""A circle for MISPs of others: what may go up to GREEN goes without a click."""

from __future__ import annotations

from seawall.flow.circles import CircleWish


def wish(name: str, *members: str) -> CircleWish:
    """The wish for such a circle."""
    return CircleWish(
        name=name,
        members=members,
        tlp_ceiling="green",
        tlp_floor="clear",
        auto=("indicator", "report", "identity", "grouping"),
        attribution=True,
    )
