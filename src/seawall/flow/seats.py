"""As what peers and TAXII users sit at circles' tables: kept by name; whom nobody described is an official.

Another seat changes what somebody may be told, so two people stand for it (rule 9).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from seawall.flow.node import Node
from seawall.ledger import EventKind
from seawall.model import Fault, Refused
from seawall.model.circle import SEATED, CircleTerms, Seat, Track

NOTE = "seats"


def seats(node: Node) -> dict[str, Seat]:
    """Who sits as what, by name; who is missing is an official."""
    text = node.store.notes.get(NOTE)
    return msgspec.json.decode(text, type=dict[str, Seat]) if text else {}


def set_seat(node: Node, name: str, seat: str) -> dict[str, object]:
    """Say as what a peer or TAXII user sits. Returns name, seat and the circles that do not seat it any more.

    Raises Fault E-FLOW-455 for an unknown seat, E-FLOW-030 for a stranger, Refused E-FLOW-456 without a second person.
    """
    from seawall.flow.circles import check_members

    first, second = node.require("manage-peers"), node.approver
    try:
        wanted = Seat(seat.strip().lower())
    except ValueError:
        known = ", ".join(item.value for item in Seat)
        raise Fault("E-FLOW-455", "{given} is no seat; use one of {known}.", given=repr(seat[:40]),
                    known=known) from None  # fmt: skip
    check_members(node, (name,))
    if second is None:
        raise Refused("E-FLOW-456", "Another seat takes a second person; give their token with --approver-token.")
    node.store.approvals.both("seat", f"{name} {wanted.value}", first.name, second.name, node.clock())
    node.store.notes.set(NOTE, msgspec.json.encode(seats(node) | {name: wanted}, order="sorted").decode())
    node.event(EventKind.CIRCLE_TERMS, name, seat=wanted.value)
    standing = [terms.name for terms in node.store.circles.list() if name in terms.members]
    shut = [terms.name for terms in node.store.circles.list() if name in unseated(node, terms)]
    return {"name": name, "seat": wanted.value, "circles": standing, "not_seated_in": shut}


def unseated(node: Node, terms: CircleTerms) -> list[str]:
    """The members whom the circle's track does not seat."""
    known = seats(node)
    return sorted(name for name in terms.members if known.get(name, Seat.OFFICIAL) not in SEATED[terms.track])


def check_seats(node: Node, track: Track, members: Iterable[str]) -> None:
    """Pass when the track seats every one of these; raises Refused E-FLOW-457 naming the first whom it does not."""
    known = seats(node)
    for name in sorted(members):
        seat = known.get(name, Seat.OFFICIAL)
        if seat not in SEATED[track]:
            raise Refused(
                "E-FLOW-457",
                "Track {track} does not seat {name}, who sits as {seat}; it seats {seated}. "
                "Two people change it with 'seawall seats set'.",
                track=track.value,
                name=repr(name[:64]),
                seat=seat.value,
                seated=", ".join(sorted(SEATED[track])),
            )
