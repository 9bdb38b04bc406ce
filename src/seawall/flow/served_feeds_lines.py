"""Which orders a consumer gets: its own terms first, then policy, then the ledger; what remains becomes lines.

The order of the steps, for one page of orders: (1) the consumer's terms choose; (2) policy decides about every
indicator that names the value, by TLP, clearance, place and PAP; (3) refusals and releases go on record; (4) only what
a recorded release names becomes a line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from seawall.flow.node import Node
from seawall.model import ObservableType, Release
from seawall.model.circle import CircleTerms
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.model.order import Order, Place
from seawall.model.served_feed import FeedLine, FeedTerms, ServedFeed
from seawall.policy import POLICY_VERSION, Decision, Standpoint, hand_out
from seawall.protect import FEEDS
from seawall.protect.actions import done_by
from seawall.store.indicator_named import Key, Named

BOUNCER = "bouncer"
"""The format of consumers who ask by CrowdSec's bouncer API; it has no file."""

BOUNCER_TYPES = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR})


def types_of(terms: FeedTerms) -> frozenset[ObservableType]:
    """What a consumer's tool can be told: the types of its format, or those of them that it asked for."""
    carried = BOUNCER_TYPES if terms.format == BOUNCER else FEEDS[terms.format].types
    return carried & frozenset(terms.types) if terms.types else carried


def circles_of(node: Node) -> dict[str, CircleTerms]:
    """For each member of a circle its terms; of several circles the one that permits clouds least."""
    found: dict[str, CircleTerms] = {}
    for terms in node.store.circles.list():
        for member in terms.members - terms.exclusions:
            if member not in found or terms.cloud_pap < found[member].cloud_pap:
                found[member] = terms
    return found


def decided_under(terms: FeedTerms, circles: Mapping[str, CircleTerms]) -> str:
    """A digest of what decisions about a consumer's lines depend on beside orders and indicators."""
    clouds = sorted((name, circle.name, circle.cloud_pap.label) for name, circle in circles.items())
    said = msgspec.json.encode([POLICY_VERSION, terms, clouds])
    return hashlib.sha256(said).hexdigest()


Entries = Mapping[Key, tuple[IndicatorEntry, ...]]


class Decider:
    """Turns orders, as they act at the consumer's point, into lines whose release is on record."""

    def __init__(self, node: Node, feed: ServedFeed, circles: Mapping[str, CircleTerms], at: int) -> None:
        self._node = node
        self._feed = feed
        self._types = types_of(feed.terms)
        self._standpoint = Standpoint(feed.terms.place, feed.terms.tlp_at_most)
        self._circles = circles
        self._at = at

    def chosen(self, order: Order) -> bool:
        """Whether the consumer's own terms ask for this order at this moment."""
        return (
            order.type in self._types
            and (order.score or 0.0) >= self._feed.terms.least_score
            and order.starts_at <= self._at < order.expires_at
            and self._does(order) is not None
        )

    def _does(self, order: Order) -> Action | None:
        """What the consumer's tool is to do by it; None: nothing that it can do, or that it asked for."""
        done = done_by(self._feed.terms.format, order.acts)
        if self._feed.terms.watch:
            return done or order.acts  # the format says that it cannot, and that is counted
        return done if done is not None and done.hinders else None

    def lines(self, orders: Sequence[Order]) -> list[FeedLine]:
        """The lines of those orders that are chosen and permitted; each release is on disk when this returns.

        Lines that the consumer has in just this form come without a release: theirs is on record already.
        """
        wanted = [order for order in orders if self.chosen(order)]
        if not wanted:
            return []
        named = self._node.store.indicators.named([(order.type, order.value) for order in wanted])
        entries = {key: tuple(self._judged(one) for one in several) for key, several in named.items()}
        lines: list[FeedLine] = []
        for action in Action:
            acting = [order for order in wanted if self._does(order) is action]
            lines += self._decided(acting, action, entries) if acting else ()
        return lines

    def _judged(self, named: Named) -> IndicatorEntry:
        """The entry as coming from that peer, of all who said it, whose circle permits clouds least."""
        if named.entry.origin is None or not named.origins:
            return named.entry
        strictest = min(named.origins, key=lambda peer: self._circles[peer].cloud_pap if peer in self._circles else -1)
        return msgspec.structs.replace(named.entry, origin=strictest)

    def _decided(self, orders: Sequence[Order], action: Action, entries: Entries) -> list[FeedLine]:
        """Steps 2 to 4 for orders with one action."""
        # an order whose value nobody names any more is about to go, and nothing can be released for it
        standing = [order for order in orders if (order.type, order.value) in entries]
        decision = self._asked(standing, action, entries)
        self._node.ledger.record_many(decision.withheld)
        may = _covered(standing, entries, decision.releases)
        own = self._feed.terms.place is Place.OWN
        lines = [_line(order, action, entries[order.type, order.value][0].indicator_id, own=own) for order in may]
        told = self._node.store.served_feeds.told(self._feed.number, lines) if self._feed.sequence else set()
        if told:  # only what is news goes on record
            fresh = [order for order in may if order.undo_id not in told]
            decision = self._asked(fresh, action, entries)
            leaving = {order.undo_id for order in _covered(fresh, entries, decision.releases)}
        else:
            leaving = {order.undo_id for order in may}
        leaf = ""
        for recorded in self._node.ledger.record_many(decision.releases):
            leaf = f"{recorded.leaf_index}:{recorded.leaf_hash}"
        released = [msgspec.structs.replace(line, release=leaf) for line in lines if line.undo_id in leaving]
        return [line for line in lines if line.undo_id in told] + released

    def _asked(self, orders: Sequence[Order], action: Action, entries: Entries) -> Decision:
        asked = [entry for order in orders for entry in entries[order.type, order.value]]
        return hand_out(asked, action, self._standpoint, self._circles, recipient(self._feed), self._at)


def _covered(orders: Sequence[Order], entries: Entries, releases: Sequence[Release]) -> list[Order]:
    """The orders whose value is let go by every indicator that names it."""
    may = {item.id for release in releases for item in release.objects}
    return [order for order in orders if all(entry.indicator_id in may for entry in entries[order.type, order.value])]


def recipient(feed: ServedFeed) -> str:
    """How ledger entries name a consumer; no person and no peer can have that name."""
    return f"feed:{feed.name}"


def latest(orders: Iterable[Order]) -> list[Order]:
    """Each order once, as it was named last."""
    return list({order.undo_id: order for order in orders}.values())


def _line(order: Order, action: Action, indicator_id: str, *, own: bool) -> FeedLine:
    """What is written of an order. Machines that are not ours learn the value, and nobody's name or words."""
    return FeedLine(
        undo_id=order.undo_id,
        action=action,
        type=order.type,
        value=order.value,
        expires_at=order.expires_at,
        reason=order.reason if own else "",
        source=order.source if own else "",
        indicator_id=indicator_id if own else "",
        release="",
    )
