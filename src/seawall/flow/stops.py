"""Whether the one key was turned: while it is, nothing leaves in a circle that has standing releases."""

from __future__ import annotations

import msgspec

from seawall.flow.node import Node
from seawall.model.circle import CircleTerms

EVERY = ""  # the stop that holds for all circles
STOP = "standing-stop:{circle}"


class StandingStop(msgspec.Struct, frozen=True):
    """Who turned the key, and when (microseconds UTC)."""

    by: str
    at: int


def stopped(node: Node, circle: str) -> StandingStop | None:
    """Who stopped the standing releases of this circle, or of all, and when; None when they run."""
    for key in (EVERY, circle):
        text = node.store.notes.get(STOP.format(circle=key))
        if text is not None:
            return msgspec.json.decode(text, type=StandingStop)
    return None


def held_back(node: Node, terms: CircleTerms) -> bool:
    """Whether nothing may leave in this circle now."""
    return bool(terms.standing) and stopped(node, terms.name) is not None


def in_force(node: Node, terms: CircleTerms) -> CircleTerms:
    """The terms as they hold now: while stopped, each standing release says so of itself."""
    if not held_back(node, terms):
        return terms
    halted = tuple(msgspec.structs.replace(rule, suspended=True) for rule in terms.standing)
    return msgspec.structs.replace(terms, standing=halted)
