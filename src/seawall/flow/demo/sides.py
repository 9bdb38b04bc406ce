"""The two nodes of the demonstration: made, introduced to each other by two people each, and serving their peer."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seawall.flow.circles import CircleWish, create_circle, save_terms
from seawall.flow.node import Node, create_node
from seawall.flow.peers import add_peer, verify_peer
from seawall.model import Clock, UserRole, Warning

CIRCLE = "early-warning"
NAMES = {
    "TW": ("Taipei demonstration node", "Asia/Taipei"),
    "KR": ("Seoul demonstration node", "Asia/Seoul"),
    "XX": ("Third demonstration node", "UTC"),  # only in a season
}
CODE_NAMES = {"TW": "taipei", "KR": "seoul"}  # under which the *other* side knows this one
SECOND_PERSON = "second-person"
SHARED_TYPES = ("indicator", "sighting")
CAP_PER_HOUR, CAP_PER_DAY = 20_000, 100_000
"""A day's suspects and their sightings at scale 1, with room; the ordinary caps are for people who watch."""


class SimulatedClock:
    """The demonstration's present moment, moved by hand. Microseconds UTC."""

    def __init__(self, moment: int) -> None:
        self.moment = moment

    def __call__(self) -> int:
        """The moment, one microsecond later at each call: two things never happen at once."""
        self.moment += 1
        return self.moment

    def move_to(self, moment: int) -> None:
        """Forward only."""
        self.moment = max(self.moment, moment)


def with_sides(warning: Warning) -> Warning:
    """The warning with the peer's code name replaced by its economy, so that both nodes' warnings read alike."""
    sides = {name: side for side, name in CODE_NAMES.items()}
    other = sides.get(warning.other_side, warning.other_side) if warning.other_side is not None else None
    first = sides.get(warning.first_side, warning.first_side)
    return msgspec.structs.replace(warning, first_side=first, other_side=other)


def found_node(folder: Path, side: str, lang: str, clock: Clock) -> Node:
    """A new node with two people; the node is open."""
    name, timezone = NAMES[side]
    create_node(folder, name=name, economy=side, sector="unknown", timezone=timezone, lang=lang, clock=clock)
    with Node.open(folder, clock=clock) as node:
        token = node.store.users.add(SECOND_PERSON, UserRole.APPROVER, clock())
    second = folder / f"{SECOND_PERSON}.token"
    second.touch(mode=0o600)
    second.write_text(token + "\n", "ascii")
    return Node.open(folder, clock=clock, approver_token=second)


def introduce(node: Node, other: Node, other_side: str, url: str) -> None:
    """``node`` adds the card of ``other`` and two people compare the fingerprint, as over the telephone."""
    card = node.folder / f"{CODE_NAMES[other_side]}.card.json"
    card.write_bytes(other.keys.card())
    add_peer(node, card, url=url, code_name=CODE_NAMES[other_side])
    verify_peer(node, CODE_NAMES[other_side], other.keys.fingerprint)


def agree(node: Node, other_side: str, types: tuple[str, ...] = SHARED_TYPES) -> None:
    """State the circle's terms: ``types`` go without a click, and what comes in may block."""
    wish = CircleWish(
        name=CIRCLE,
        members=(CODE_NAMES[other_side],),
        tlp_ceiling="amber",
        tlp_floor="amber",
        pap_ceiling="amber",
        auto=types,
        auto_enforce=True,
        attribution=True,
    )
    create_circle(node, wish)
    terms = node.store.circles.get(CIRCLE)
    standing = tuple(
        msgspec.structs.replace(item, cap_per_hour=CAP_PER_HOUR, cap_per_day=CAP_PER_DAY) for item in terms.standing
    )
    save_terms(node, msgspec.structs.replace(terms, standing=standing), sensitive=True)
