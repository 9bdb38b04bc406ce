"""Consumers of served feeds: added, shown, given a new token, removed. Tokens are shown once and kept as digests."""

from __future__ import annotations

import secrets

from seawall.flow.node import Node
from seawall.flow.served_feeds import FeedDesk
from seawall.flow.served_feeds_follow import LOCK
from seawall.flow.served_feeds_lines import BOUNCER, types_of
from seawall.flow.served_feeds_seen import forget_seen, last_seen
from seawall.flow.served_feeds_written import sole_file, write_list
from seawall.ledger import EventKind
from seawall.model import Fault, ObservableType, Tlp, rfc3339
from seawall.model.order import Place, Point
from seawall.model.served_feed import FeedTerms, ServedFeed
from seawall.policy import TLP_BY_PLACE
from seawall.protect import FEEDS

TOKEN_BYTES = 32  # 256 bits: cannot be guessed
TLP_UNLESS_SAID = {Place.OWN: Tlp.AMBER_STRICT, Place.COUNTRY: Tlp.GREEN, Place.CLOUD: Tlp.GREEN}
"""Beyond our own machines, more than the community's knowledge takes a person's word."""


def add_feed(
    node: Node,
    name: str,
    *,
    format: str,
    place: str | None = None,
    point: str | None = None,
    types: str | None = None,
    least_score: float = 0.0,
    tlp: str | None = None,
    watch: bool = False,
) -> dict[str, object]:
    """Add a consumer; the answer holds its token, which is shown once.

    ``types``: names separated by commas. Raises Refused E-FLOW-004, NotFound for an unknown point, Fault E-FLOW-964
    to E-FLOW-967 for terms that nothing could meet, E-STORE-030 and E-STORE-310 for the name.
    """
    person = node.require("enforce")
    if format != BOUNCER and format not in FEEDS:
        known = ", ".join(sorted([*FEEDS, BOUNCER]))
        raise Fault("E-FLOW-964", "There is no feed in the form {given}; use one of {known}.",
                    given=repr(format[:40]), known=known)  # fmt: skip
    where = _place(place, None if point is None else node.store.orders.point(point))
    terms = FeedTerms(
        format=format,
        place=where,
        point=point,
        types=_types(types),
        least_score=least_score,
        tlp_at_most=_clearance(tlp, where),
        watch=watch,
    )
    if len(types_of(terms)) < len(terms.types):
        carried = ", ".join(sorted(types_of(FeedTerms(format=format))))
        raise Fault("E-FLOW-965", "The form {format} carries only {types}.", format=format, types=carried)
    token = secrets.token_bytes(TOKEN_BYTES).hex()
    feed = node.store.served_feeds.add(name, terms, token, at=node.clock(), by=person.name)
    node.event(EventKind.FEED_ADDED, name, format=format, place=where.value, tlp_at_most=terms.tlp_at_most.label)
    return {**_shown(feed), "token": token}


def list_feeds(node: Node) -> list[dict[str, object]]:
    """All consumers, without tokens. Raises Refused E-FLOW-004."""
    node.require("read")
    return [_seen(node, _shown(feed), feed.number) for feed in node.store.served_feeds.list()]


def show_feed(node: Node, name: str) -> dict[str, object]:
    """One consumer with what it would get now: how many of each type, and what its format cannot carry.

    Its lines are brought up to date, as a poll would. Raises NotFound E-STORE-311, Refused E-FLOW-004.
    """
    node.require("enforce")
    feed = FeedDesk(node).current(node.store.served_feeds.named(name))
    held: dict[str, object] = {"by_type": node.store.served_feeds.counts(feed.number), "left_out": {}}
    if feed.terms.format != BOUNCER:
        held["left_out"] = write_list(node, feed, node.clock()).left_out
    end = node.store.served_feeds.first_end(feed.number)
    return {**_shown(feed), **held, "first_expiry": None if end is None else rfc3339(end)}


def rotate_feed(node: Node, name: str) -> dict[str, object]:
    """A new token, shown once; the old one opens nothing from the next request on. Raises NotFound E-STORE-311."""
    node.require("enforce")
    token = secrets.token_bytes(TOKEN_BYTES).hex()
    node.store.served_feeds.rotate(name, token, node.clock())
    node.event(EventKind.FEED_ROTATED, name)
    return {"name": name, "token": token}


def remove_feed(node: Node, name: str) -> dict[str, object]:
    """Forget a consumer; what it fetched it keeps until its own entries end. Raises NotFound E-STORE-311."""
    node.require("enforce")
    number = node.store.served_feeds.named(name).number
    node.store.served_feeds.remove(name)
    forget_seen(node, number)
    (node.folder / LOCK.format(number=number)).unlink(missing_ok=True)
    node.event(EventKind.FEED_REMOVED, name)
    return {"name": name, "removed": True}


def _seen(node: Node, shown: dict[str, object], number: int) -> dict[str, object]:
    seen = last_seen(node, number)
    return shown | {"last_seen": None if seen is None else rfc3339(seen)}


def _place(given: str | None, point: Point | None) -> Place:
    """Where the consumer stands: as said, or as its point does; they must agree."""
    try:
        said = None if given is None else Place(given.lower())
    except ValueError:
        known = ", ".join(place.value for place in Place)
        raise Fault("E-FLOW-966", "A consumer's place is one of {known}, not {given}.",
                    given=repr((given or "")[:40]), known=known) from None  # fmt: skip
    if point is not None and said not in (None, point.place):
        raise Fault("E-FLOW-968", "The point {point} stands at place {place}; leave --place out or say the same.",
                    point=point.name, place=point.place.value)  # fmt: skip
    return point.place if point is not None else said or Place.OWN


def _clearance(given: str | None, place: Place) -> Tlp:
    cleared = TLP_UNLESS_SAID[place] if given is None else Tlp.parse(given)
    if cleared > TLP_BY_PLACE[place]:
        raise Fault("E-FLOW-967", "A consumer at place {place} is cleared for at most TLP:{most}.",
                    place=place.value, most=TLP_BY_PLACE[place].label.upper())  # fmt: skip
    return cleared


def _types(given: str | None) -> tuple[ObservableType, ...]:
    names = sorted({part.strip().lower() for part in (given or "").split(",") if part.strip()})
    try:
        return tuple(ObservableType(name) for name in names)
    except ValueError as error:
        raise Fault("E-FLOW-969", "{given} is no type of value; use names such as ipv4, cidr, domain or url.",
                    given=ascii(str(error)[:60])) from None  # fmt: skip


def _shown(feed: ServedFeed) -> dict[str, object]:
    terms = feed.terms
    path = "/v1/decisions" if terms.format == BOUNCER else f"/feeds/{feed.name}"
    several = terms.format != BOUNCER and sole_file(terms) is None
    return {
        "name": feed.name,
        "format": terms.format,
        "place": terms.place.value,
        "point": terms.point,
        "types": sorted(kind.value for kind in types_of(terms)),
        "least_score": terms.least_score,
        "tlp_at_most": terms.tlp_at_most.label,
        "watch": terms.watch,
        "path": path,
        "files": list(FEEDS[terms.format].files) if several else [],
        "created_at": rfc3339(feed.created_at),
        "created_by": feed.created_by,
        "token_since": rfc3339(feed.token_since),
        "sequence": feed.sequence,
        "handed_at": None if feed.handed_at is None else rfc3339(feed.handed_at),
    }
