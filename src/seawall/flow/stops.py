"""Whether the one key was turned: while it is, nothing leaves in a circle that has standing releases."""

from __future__ import annotations

import msgspec

from seawall.flow.node import Node
from seawall.model.circle import CircleTerms

EVERY = ""  # the stop that holds for all circles
STOP = "standing-stop:{circle}"
"""Key of the note of one stop: each its own, so that two people who stop at once do not undo each other's."""


class StandingStop(msgspec.Struct, frozen=True):
    """Who turned the key, and when (microseconds UTC)."""

    by: str
    at: int


def stopped(node: Node, circle: str) -> StandingStop | None:
    """Who stopped the standing releases of this circle, or of all, and when; None when they run."""
    held = node.store.notes.several([STOP.format(circle=EVERY), STOP.format(circle=circle)])
    return msgspec.json.decode(next(iter(held.values())), type=StandingStop) if held else None


def held_back(node: Node, terms: CircleTerms) -> bool:
    """Whether nothing may leave in this circle now."""
    return bool(terms.standing) and stopped(node, terms.name) is not None


def in_force(node: Node, terms: CircleTerms) -> CircleTerms:
    """The terms as they hold now: while stopped, each standing release says so of itself."""
    if not held_back(node, terms):
        return terms
    halted = tuple(msgspec.structs.replace(rule, suspended=True) for rule in terms.standing)
    return msgspec.structs.replace(terms, standing=halted)
