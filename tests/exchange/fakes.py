"""A node in memory behind the exchange room: an ``ExchangeService``, cursors, a release service, an inbound desk."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec

from seawall.exchange import (
    CollectionInfo,
    InboundDesk,
    ObjectsQuery,
    Outcome,
    Outgoing,
    ReceivedObject,
    ReleasedPage,
    manifest_record,
)
from seawall.exchange import collection_id as id_of
from seawall.model import Actor, NotFound, Pap, Recorded, Refused, Release, ReleasedObject, Tlp
from seawall.model.stored import PutCounts, StoredObject

START = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z


class Row(msgspec.Struct, frozen=True):
    """One row of an outbox."""

    added: int
    id: str
    version: str
    body: bytes
    recipients: frozenset[str] | None = None


def indicator(number: int, *, version: str = "2026-03-14T00:00:00.000Z", padding: int = 0) -> bytes:
    """A valid STIX 2.1 indicator as bytes, distinct for each number."""
    return msgspec.json.encode(
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
            "created": "2026-03-14T00:00:00.000Z",
            "modified": version,
            "pattern": f"[ipv4-addr:value = '198.51.100.{number % 256}']",
            "pattern_type": "stix",
            "valid_from": "2026-03-14T00:00:00Z",
            "description": "x" * padding,
        }
    )


def released(objects: Sequence[ReleasedObject], recipient: str, circle: str, leaf: int = 0) -> Recorded[Release]:
    """A recorded release, as ledger and policy would make it."""
    return Recorded(Release(recipient, circle, "test", "1", START, tuple(objects)), leaf, "00" * 32)


class MemoryExchange:
    """The node behind a TAXII server, with outboxes in memory. Counts its leaves."""

    def __init__(
        self, node_id: str, members: dict[str, frozenset[str]], deleters: frozenset[str] = frozenset()
    ) -> None:
        self.node_id = node_id
        self.members = members  # circle -> actor names
        self.deleters = deleters
        self.rows: dict[str, list[Row]] = {circle: [] for circle in members}
        self.offer_posted = True
        self.posted: list[bytes] = []
        self.leaves = 0
        self._lock = threading.Lock()

    def add(self, circle: str, body: bytes, recipients: frozenset[str] | None = None) -> Row:
        """Put one object into the circle's outbox."""
        head = msgspec.json.decode(body)
        with self._lock:
            added = START + len(self.rows[circle]) + 1
            row = Row(added, head["id"], head.get("modified", head.get("created", "")), body, recipients)
            self.rows[circle].append(row)
        return row

    def collections(self, actor: Actor) -> Sequence[CollectionInfo]:
        return [
            CollectionInfo(id_of(self.node_id, circle), circle, f"The circle {circle}.")
            for circle, members in sorted(self.members.items())
            if actor.name in members
        ]

    def page(self, actor: Actor, collection: str, query: ObjectsQuery) -> ReleasedPage:
        return self._answer(actor, collection, query, [row.body for row in self._select(actor, collection, query)])

    def manifest(self, actor: Actor, collection: str, query: ObjectsQuery) -> ReleasedPage:
        rows = self._select(actor, collection, query)
        return self._answer(actor, collection, query, [manifest_record(r.id, r.version, r.added) for r in rows])

    def accept(self, actor: Actor, collection: str, bodies: Sequence[bytes]) -> Sequence[Outcome]:
        outcomes = []
        for body in bodies:
            try:
                head = msgspec.json.decode(body)
                outcomes.append(Outcome(head["id"], head.get("modified", "")))
                self.posted.append(body)
                if self.offer_posted:
                    self.add(self._circle(actor, collection), body)
            except (msgspec.MsgspecError, KeyError, AttributeError, TypeError):
                outcomes.append(Outcome("unnamed", "", "This is not an object with a type and an id."))
        return outcomes

    def delete(self, actor: Actor, collection: str, object_id: str, query: ObjectsQuery) -> None:
        circle = self._circle(actor, collection)
        assert query.ids == (object_id,)
        if actor.name not in self.deleters:
            raise Refused("E-TEST-001", "Not yours.")
        kept = [row for row in self.rows[circle] if row.id != object_id]
        if len(kept) == len(self.rows[circle]):
            raise NotFound("E-TEST-002", "Not there.")
        self.rows[circle] = kept

    def _circle(self, actor: Actor, collection: str) -> str:
        for circle, members in self.members.items():
            if id_of(self.node_id, circle) == collection and actor.name in members:
                return circle
        raise NotFound("E-TEST-002", "Not there.")

    def _select(self, actor: Actor, collection: str, query: ObjectsQuery) -> list[Row]:
        rows = [
            row
            for row in self.rows[self._circle(actor, collection)]
            if (row.recipients is None or actor.name in row.recipients)
            and (not query.ids or row.id in query.ids)
            and (not query.types or row.id.partition("--")[0] in query.types)
            and (not query.spec_versions or "2.1" in query.spec_versions)
        ]
        versions: dict[str, list[str]] = {}
        for row in rows:
            versions.setdefault(row.id, []).append(row.version)
        rows = [row for row in rows if _wanted(row, sorted(versions[row.id]), query.versions)]
        after = max(query.added_after or 0, int(query.next or 0))
        return [row for row in rows if row.added > after]

    def _answer(self, actor: Actor, collection: str, query: ObjectsQuery, bodies: list[bytes]) -> ReleasedPage:
        rows = self._select(actor, collection, query)[: query.limit]
        more = len(bodies) > query.limit
        if not rows:
            return ReleasedPage()
        self.leaves += 1
        objects = [ReleasedObject(r.id, r.version, body) for r, body in zip(rows, bodies, strict=False)]
        recorded = released(objects, actor.name, self._circle(actor, collection), self.leaves)
        return ReleasedPage(recorded, more, str(rows[-1].added) if more else None, rows[0].added, rows[-1].added)


def _wanted(row: Row, versions: list[str], asked: tuple[str, ...]) -> bool:
    return (
        "all" in asked
        or ("last" in asked and row.version == versions[-1])
        or ("first" in asked and row.version == versions[0])
        or row.version in asked
    )


class MemoryCursors:
    """Where each direction stands."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], str] = {}

    def cursor(self, peer: str, circle: str, direction: str) -> str | None:
        return self.kept.get((peer, circle, direction))

    def set_cursor(self, peer: str, circle: str, direction: str, cursor: str) -> None:
        self.kept[peer, circle, direction] = cursor


class MemoryReleases:
    """What may go to a peer: the outbox of a ``MemoryExchange``, a page at a time."""

    def __init__(self, exchange: MemoryExchange, withheld: int = 0) -> None:
        self.exchange = exchange
        self.withheld = withheld

    def pending(self, peer: str, circle: str, after: str | None, limit: int) -> Outgoing:
        query = ObjectsQuery(limit=limit, added_after=int(after or 0), versions=("all",))
        page = self.exchange.page(Actor(peer, None, peer), id_of(self.exchange.node_id, circle), query)
        cursor = str(page.last_added) if page.last_added is not None else after
        return Outgoing(page.released, cursor, page.more, 0 if after else self.withheld)


class MemoryDesk:
    """An inbound desk over a dictionary; ``fail_after`` batches it dies like a killed process."""

    def __init__(self, refuse: frozenset[str] = frozenset(), fail_after: int | None = None) -> None:
        self.objects: dict[tuple[str, str], StoredObject] = {}
        self.receipts: list[tuple[str, str, int]] = []
        self.batches = 0
        self._refuse = refuse
        self._fail_after = fail_after
        self.desk = InboundDesk(
            check=lambda body: None if b'"pattern_type"' in body else "A required property is missing.",
            admit=self._admit,
            keep=self._keep,
            receipt=lambda peer, circle, outcomes: self.receipts.append((peer, circle, len(outcomes))),
            clock=lambda: START,
        )

    def _admit(self, received: ReceivedObject) -> StoredObject | str:
        if received.id in self._refuse:
            return "Our policy does not take this."
        return StoredObject(
            received.id,
            received.type,
            received.version,
            None,
            received.body,
            Tlp.AMBER,
            Pap.AMBER,
            origin=received.peer,
        )

    def _keep(self, objects: Sequence[StoredObject]) -> PutCounts:
        if self._fail_after is not None and self.batches >= self._fail_after:
            raise KeyboardInterrupt
        self.batches += 1
        new = [item for item in objects if (item.id, item.version) not in self.objects]
        self.objects.update({(item.id, item.version): item for item in objects})
        return PutCounts(new=len(new), unchanged=len(objects) - len(new))
