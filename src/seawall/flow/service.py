"""The node behind the TAXII doors: collections are outboxes, and every page that leaves has its leaf first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from seawall.exchange import (
    CollectionInfo,
    ObjectsQuery,
    Outcome,
    Outgoing,
    ReleasedPage,
    collection_id,
    manifest_record,
)
from seawall.flow.incoming import inbound_desk
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_one, may_receive
from seawall.flow.seats import seats
from seawall.flow.terms import terms_digest
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Actor, NotFound, Refused
from seawall.model.circle import CircleTerms
from seawall.model.outbox import OutboxFilter, OutboxPage, OutboxRow
from seawall.policy import PrivateValues, ReleaseContext, page_release

TERMS_PREFIX = "terms "


class NodeExchange:
    """Implements ``exchange.ExchangeService`` and ``exchange.ReleaseService`` for one node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collections(self, actor: Actor) -> Sequence[CollectionInfo]:
        """The circles in which this actor is seated; the description states our terms, so that both can compare."""
        found = []
        for terms in self._node.store.circles.list():
            if _seated(actor, terms):
                found.append(
                    CollectionInfo(
                        id=collection_id(self._node.keys.node_id, terms.name),
                        title=terms.name,
                        description=TERMS_PREFIX + terms_digest(terms),
                        can_read=True,
                        can_write=actor.peer is not None,
                    )
                )
        return found

    def page(self, actor: Actor, collection: str, query: ObjectsQuery) -> ReleasedPage:
        """One page of released objects, recorded before it is returned."""
        terms = self._circle(actor, collection)
        page = self._outbox(terms, actor, self._node.store.outbox.page, query)
        return self._released(actor, terms, page, page.rows)

    def manifest(self, actor: Actor, collection: str, query: ObjectsQuery) -> ReleasedPage:
        """As ``page``, with manifest records in place of objects."""
        terms = self._circle(actor, collection)
        page = self._outbox(terms, actor, self._node.store.outbox.manifest_page, query)
        records = [
            msgspec.structs.replace(row, body=manifest_record(row.object_id, row.version, row.added))
            for row in page.rows
        ]
        return self._released(actor, terms, page, records)

    def accept(self, actor: Actor, collection: str, bodies: Sequence[bytes]) -> Sequence[Outcome]:
        """What a peer posted goes over the inbound desk."""
        terms = self._circle(actor, collection)
        if actor.peer is None:
            raise Refused("E-FLOW-040", "Only peers may add objects to a collection.")
        return inbound_desk(self._node).take(actor.peer, terms.name, bodies).outcomes

    def delete(self, actor: Actor, collection: str, object_id: str, query: ObjectsQuery) -> None:
        """Clear an object out of the asker's own view of a collection; nobody else's view changes, recall is ours."""
        terms = self._circle(actor, collection)
        node = self._node
        gone = node.store.outbox.withdraw_from(terms.name, actor.name, object_id, node.clock(), query.versions)
        if not gone:
            raise NotFound("E-FLOW-041", "There is no such object in this collection.")
        details: dict[str, str | int | list[str]] = {"circle": terms.name, "versions": [version for _, version in gone]}
        node.ledger.record_event(LedgerEvent(EventKind.OBJECT_CLEARED, node.clock(), actor.name, object_id, details))

    def pending(self, peer: str, circle: str, after: str | None, limit: int) -> Outgoing:
        """What this peer has not been sent yet in this circle."""
        node = self._node
        terms = node.store.circles.get(circle)
        if not may_receive(node, terms, peer):
            return Outgoing()
        filled = fill_one(node, terms, peer)
        behind = int(after) if after is not None else None
        page = node.store.outbox.page(circle, peer, added_after=behind, limit=limit)
        released = self._released(Actor(peer, None, peer), terms, page, page.rows)
        cursor = str(page.last_added) if page.last_added is not None else after
        return Outgoing(released.released, cursor, page.more, filled.withheld)

    def _circle(self, actor: Actor, collection: str) -> CircleTerms:
        for terms in self._node.store.circles.list():
            if collection_id(self._node.keys.node_id, terms.name) == collection:
                if _seated(actor, terms):
                    return terms
                break
        raise NotFound("E-FLOW-042", "There is no such collection.")

    def _outbox(
        self, terms: CircleTerms, actor: Actor, read: Callable[..., OutboxPage], query: ObjectsQuery
    ) -> OutboxPage:
        """What ``read`` gives of the actor's outbox, filled just before; nothing for one who may not receive now."""
        if not may_receive(self._node, terms, actor.name):
            return OutboxPage()
        fill_one(self._node, terms, actor.name)
        return read(
            terms.name,
            actor.name,
            added_after=query.added_after,
            next=query.next,
            limit=query.limit,
            match=_match(query),
        )

    def _reading(self, actor: Actor) -> ReleaseContext:
        """What ``page_release`` looks at: the rows were decided when they were put out.

        Whoever has not agreed got no rows a moment ago (``may_receive``), so that is not asked again.
        """
        return ReleaseContext(
            at=self._node.clock(),
            node_id=self._node.keys.node_id,
            private=PrivateValues(is_own=self._node.own_assets.is_own),
            agreed_with=frozenset({actor.name}),
            seats=seats(self._node),
        )

    def _released(self, actor: Actor, terms: CircleTerms, page: OutboxPage, rows: Sequence[OutboxRow]) -> ReleasedPage:
        release = page_release(rows, actor.name, terms, self._reading(actor)) if rows else None
        recorded = self._node.ledger.record(release) if release is not None else None
        return ReleasedPage(
            released=recorded,
            more=page.more,
            next=page.next,
            first_added=page.first_added,
            last_added=page.last_added,
        )


def _seated(actor: Actor, terms: CircleTerms) -> bool:
    """Whether this circle seats the actor, and its token reaches it."""
    reached = actor.circles is None or terms.name in actor.circles
    return reached and actor.name in terms.members and actor.name not in terms.exclusions


def _match(query: ObjectsQuery) -> OutboxFilter:
    return OutboxFilter(
        ids=query.ids or None,
        types=query.types or None,
        versions=query.versions,
        spec_versions=query.spec_versions or None,
    )
