"""Adding people and third-party TAXII clients: to which circles, and until when."""

from __future__ import annotations

import re

from seawall.flow.node import Node
from seawall.model import Fault, NotFound, UserRole, rfc3339, system_clock, to_microseconds
from seawall.model.moments import parse_moment

SPAN = re.compile(r"([1-9]\d{0,5})([dhm])", re.ASCII)
SECONDS = {"d": 86_400, "h": 3_600, "m": 60}


def add_user(node: Node, name: str, role: UserRole, *, circles: str | None, expires: str | None) -> dict[str, object]:
    """Add a user; the answer holds the token, which is shown once.

    Raises Refused E-FLOW-004, Fault E-FLOW-045 when ``circles`` is given for another role, NotFound for an unknown
    circle, Fault E-FLOW-046 for an end that cannot be read or has passed, E-FLOW-047 for a peer's name.
    """
    node.require("manage-users")
    require_no_peer(node, name)
    bound = None
    if circles is not None:
        if role is not UserRole.TAXII:
            raise Fault("E-FLOW-045", "Only a user of role taxii is bound to circles; leave --circles out.")
        bound = sorted({part.strip() for part in circles.split(",") if part.strip()})
        for circle in bound:
            node.store.circles.get(circle)
    expires_at = None if expires is None else _end(expires)
    token = node.store.users.add(name, role, node.clock(), circles=bound, expires_at=expires_at)
    return {
        "name": name,
        "role": role.value,
        "token": token,
        "circles": bound,
        "expires_at": None if expires_at is None else rfc3339(expires_at),
    }


def require_no_peer(node: Node, name: str) -> None:
    """Circles seat users and peers by name alone: one name for both would let either read what is for the other.

    Raises Fault E-FLOW-047.
    """
    try:
        node.store.peers.get(name)
    except NotFound:
        if node.store.mail_peers.find(name) is None:
            return
    raise _taken(name)


def require_no_user(node: Node, name: str) -> None:
    """The same for a peer's name; a user who was revoked keeps the name. Raises Fault E-FLOW-047."""
    try:
        node.store.users.get(name)
    except NotFound:
        return
    raise _taken(name)


def _taken(name: str) -> Fault:
    return Fault("E-FLOW-047", "The name {name} belongs to a user or a peer already; choose another.", name=name)


def _end(text: str) -> int:
    """The moment that ``90d``, ``12h``, ``30m`` from now or a timestamp means, in microseconds UTC."""
    now = system_clock()  # tokens are judged by the machine's own clock, whatever clock the node runs on
    if (match := SPAN.fullmatch(text)) is not None:
        return now + int(match[1]) * SECONDS[match[2]] * 1_000_000
    try:
        end = to_microseconds(parse_moment(text))
    except Fault:
        end = 0
    if end <= now:
        raise Fault(
            "E-FLOW-046",
            "{given} is no moment to come; give 90d, 12h, or a moment such as 2027-01-31T00:00:00Z.",
            given=ascii(text[:40]),
        )
    return end
