"""Who sees what, compiled to a ``Visibility`` that the store turns into its query: policy before paging."""

from __future__ import annotations

import msgspec

from seawall.model import Actor, Pap, Tlp, UserRole, Visibility
from seawall.model.circle import CircleTerms, Track

_TLP_OF_ROLE: dict[UserRole, Tlp] = {
    UserRole.READER: Tlp.AMBER,  # one of our organisation, without a need to know of the stricter kind
    UserRole.ANALYST: Tlp.AMBER_STRICT,
    UserRole.RELEASER: Tlp.RED,  # who decides about an object must see it
    UserRole.APPROVER: Tlp.RED,
    UserRole.ADMIN: Tlp.RED,
}
NOTHING = Visibility(tlp_at_most=Tlp.CLEAR, pap_at_most=Pap.CLEAR, types=frozenset())
_TRACK_TWO_CEILING = Tlp.GREEN


def visibility(actor: Actor, terms: CircleTerms | None = None) -> Visibility:
    """What ``actor`` may see, at all or (with ``terms``) inside one circle.

    Peers and TAXII clients see the outboxes of their circles and nothing else; an auditor sees the ledger only.
    """
    outside = actor.role is None or actor.role is UserRole.TAXII
    seat = actor.peer or actor.name
    if terms is None:
        if outside or actor.role not in _TLP_OF_ROLE:
            return NOTHING
        return Visibility(tlp_at_most=_TLP_OF_ROLE[actor.role])
    ceiling = min(terms.tlp_ceiling, _TRACK_TWO_CEILING) if terms.track is Track.TWO else terms.tlp_ceiling
    inside = Visibility(tlp_at_most=ceiling, pap_at_most=terms.pap_ceiling, types=terms.types, circle=terms.name)
    if outside:
        return inside if seat in terms.members and seat not in terms.exclusions else NOTHING
    if actor.role not in _TLP_OF_ROLE:
        return NOTHING
    return msgspec.structs.replace(inside, tlp_at_most=min(ceiling, _TLP_OF_ROLE[actor.role]))


def visibility_table() -> str:
    """The table of roles as Markdown, computed from ``visibility`` itself."""
    lines = ["| Who | Objects up to | Where |", "| --- | --- | --- |"]
    for role in UserRole:
        seen = visibility(Actor("somebody", role))
        objects = "none" if seen.types == frozenset() else f"TLP:{seen.tlp_at_most.label.upper()}"
        where = "everywhere on this node"
        if role is UserRole.TAXII:
            objects, where = "the circle's ceiling", "outboxes of circles they are seated in"
        elif role is UserRole.AUDITOR:
            where = "the ledger only"
        lines.append(f"| {role.value} | {objects} | {where} |")
    lines.append("| a peer | the circle's ceiling | outboxes of circles it is a member of |")
    return "\n".join(lines) + "\n"
