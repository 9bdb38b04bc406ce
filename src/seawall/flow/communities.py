"""Communities: named sets of organisations, such as those that an adversary's body has joined.

A circle that excludes a community excludes everybody in it, also who joins later; what derives from anything in that
circle inherits the exclusion. Whoever was kept out once stays out until the circle is changed: leaving a community
opens no door by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from seawall.flow.node import Node
from seawall.ledger import EventKind
from seawall.model import Fault, NotFound, Refused

NOTE = "communities"
MAX_MEMBERS = 10_000  # of one community: FIRST has some 800 teams
MAX_COMMUNITIES = 1_000
_NAME = re.compile(r"[\w][\w .+-]{0,63}")


def communities(node: Node) -> dict[str, list[str]]:
    """Every community with its members, by name."""
    text = node.store.notes.get(NOTE)
    return msgspec.json.decode(text, type=dict[str, list[str]]) if text else {}


def set_community(node: Node, name: str, members: Iterable[str]) -> dict[str, object]:
    """Say who is in a community: peers' code names or TAXII users, also ones not known yet.

    Every circle that excludes it excludes the new members at once, as a new version of its terms. Taking somebody out
    takes a second person. Raises Fault E-FLOW-450 for an unusable name, E-FLOW-451 for too many, Refused E-FLOW-452.
    """
    first = node.require("manage-peers")
    wanted = sorted({member.strip() for member in members if member.strip()})
    for text in (name, *wanted):
        if not _NAME.fullmatch(text):
            raise Fault("E-FLOW-450", "{name} is no usable name of a community or member.", name=repr(text[:64]))
    known = communities(node)
    if len(wanted) > MAX_MEMBERS or len(known | {name: wanted}) > MAX_COMMUNITIES:
        raise Fault("E-FLOW-451", "A node holds at most {communities} communities of {members} members.",
                    communities=MAX_COMMUNITIES, members=MAX_MEMBERS)  # fmt: skip
    gone = sorted(set(known.get(name, ())) - set(wanted))
    if gone:
        if node.approver is None:
            raise Refused("E-FLOW-452", "Taking {member} out of {community} takes a second person; give their token "
                          "with --approver-token.", member=gone[0], community=repr(name))  # fmt: skip
        node.store.approvals.both("community", f"{name} {','.join(gone)}"[:1_000], first.name, node.approver.name,
                                  node.clock())  # fmt: skip
    node.store.notes.set(NOTE, msgspec.json.encode(known | {name: wanted}, order="sorted").decode())
    node.event(EventKind.CIRCLE_TERMS, name, community=name, members=len(wanted))
    return {"name": name, "members": wanted, "circles": _spread(node, name, frozenset(wanted))}


def expand(node: Node, names: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Names as typed -> (everybody they keep out, the communities among them)."""
    known = communities(node)
    given = frozenset(names)
    among = given & known.keys()
    return (given - among).union(*(known[name] for name in among)), frozenset(among)


def get_community(node: Node, name: str) -> list[str]:
    """Its members. Raises NotFound E-FLOW-453."""
    try:
        return communities(node)[name]
    except KeyError:
        raise NotFound("E-FLOW-453", "There is no community {name} here.", name=repr(name[:64])) from None


def _spread(node: Node, name: str, members: frozenset[str]) -> list[str]:
    """The circles that exclude the community; those that do not exclude all of it yet get a new version."""
    shut: list[str] = []
    for terms in node.store.circles.list():
        if name not in terms.excluded_communities:
            continue
        shut.append(terms.name)
        if not members <= terms.exclusions:
            fresh = msgspec.structs.replace(terms, exclusions=terms.exclusions | members, version=terms.version + 1)
            node.store.circles.save(fresh, node.clock())
            node.event(EventKind.CIRCLE_TERMS, terms.name, version=fresh.version, community=name)
    return shut
