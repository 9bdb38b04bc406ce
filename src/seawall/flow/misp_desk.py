"""What of ours may go to a MISP, put on record before it goes.

Our own organisation's MISP gets events of the book, and indicators that stand in none, up to its ceiling: own use, as
an export to a file would be. A MISP of others is a member of a circle: it gets what stands in the circle's outbox for
it, redacted as for every member, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from seawall.codec.misp import to_events
from seawall.codec.misp.extension import carried
from seawall.exchange.misp import Doc, Offer, all_attributes, canonical, encode
from seawall.exchange.misp.merge import HEAD
from seawall.flow.context import release_context
from seawall.flow.entries import as_stored
from seawall.flow.misp_book import MispBook, new_uuid
from seawall.flow.misp_recalled import placed
from seawall.flow.misp_rows import to_doc, to_rows
from seawall.flow.misp_servers import OUTBOX, PLAIN, MispServer
from seawall.flow.misp_sightings import Told, circle_sightings, own_sightings
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes, may_receive, no_entries
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Actor, Fault, Recorded, Refused, Release, ReleasedObject, Tlp, UserRole
from seawall.model.misp import MispEvent
from seawall.model.outbox import OutboxPage, OutboxRow
from seawall.model.stix.versioning import timestamp
from seawall.model.stored import StoredObject
from seawall.policy import OwnUseItem, own_use, page_release

PAGE = 1_000
MAX_ATTRIBUTES = 20_000  # of one event told to a MISP that does not come from one; more go as a feed
SECOND = 1_000_000  # microseconds


class _Recalls:
    """What both desks put on record before a MISP is told to delete an event."""

    _node: Node
    _server: MispServer

    def recall(self, uuid: str) -> Recorded[LedgerEvent]:
        """That the event is taken back from there, because it was deleted here."""
        name = self._server.name
        details: dict[str, str | int | list[str]] = {"cause": "deleted", "receivers": [name]}
        if self._server.circle:
            details["circles"] = [self._server.circle]
        event = LedgerEvent(EventKind.RECALL, self._node.clock(), f"misp {name}", f"report--{uuid}", details)
        return self._node.ledger.record_event(event)


class OwnDesk(_Recalls):
    """For our own organisation's MISP."""

    def __init__(self, node: Node, server: MispServer) -> None:
        self._node, self._server = node, server
        self._book = MispBook(node)
        self._actor = Actor(f"misp {server.name}", UserRole.ADMIN)  # the ceiling decides, below
        self.problems: list[str] = []
        self.withheld = 0  # objects above the ceiling

    def offers(self, after: int) -> Iterator[Offer]:
        """Events of the book that changed, then what stands in no event."""
        if self._server.push == "none":
            return
        while changed := self._node.store.misp.changed_since(after, PAGE):
            for one in changed:
                after = one.change
                yield self._offer(one.uuid, one.change, deleted=one.deleted)
        if self._server.push == "all":
            yield from self._plain()

    def again(self, uuid: str, place: str) -> Iterator[Offer]:
        """An event of the book, or what a page of what stands in no event makes of it now."""
        if not place:
            state = self._node.store.misp.states([uuid])
            if uuid in state and self._server.push != "none":
                yield self._offer(uuid, 0, deleted=state[uuid])
            return
        page = _changed(self._node, *msgspec.json.decode(place, type=tuple[int, int]))
        if page is not None and self._server.push == "all":
            offered = as_offers(self._node, self._server.name, self._bodies(page[0]), self.problems, place)
            yield from (offer for offer in offered if offer.uuid == uuid)

    def sightings(self) -> Iterator[Told]:
        """What our sensors saw, up to the ceiling; goes with what stands in no event."""
        if self._server.push == "all":
            yield from own_sightings(self._node, self._server, self._actor)

    def record(self, uuid: str, doc: Doc) -> Recorded[Release]:
        """Own use, in the MISP's name."""
        moment = timestamp(doc["timestamp"] * SECOND)
        rows = to_rows(doc, unmarked=Tlp.CLEAR)
        tlp = max([rows.tlp, *(one.tlp for one in rows.attributes)])
        item = OwnUseItem(ReleasedObject(f"report--{uuid}", moment, encode(doc)), "report", tlp)
        decision = own_use(self._actor, [item], self._node.clock())
        self._node.ledger.record_many(decision.withheld)
        if not decision.releases:
            raise Refused("E-FLOW-188", "Policy does not let the event {uuid} go to the MISP.", uuid=uuid)
        return self._node.ledger.record(decision.releases[0])

    def _offer(self, uuid: str, change: int, *, deleted: bool) -> Offer:
        held = self._book.held(uuid)
        if held is None or deleted or held.deleted:
            return Offer(uuid, change, None, between_us=held is None or held.origin in (None, self._server.name))
        doc, withheld = self._below_ceiling(held)
        return Offer(uuid, change, doc, withheld)

    def _below_ceiling(self, held: MispEvent) -> tuple[Doc, int]:
        """The event as this MISP may hold it. What it holds and may not any more is told as deleted.

        What it marked so itself it knows, and keeps. Title and tags that are above the ceiling stay as it knows them.
        """
        ceiling, doc = self._server.ceiling, to_doc(held)
        above = {one.uuid for one in held.attributes if one.tlp > ceiling}
        head_above = held.tlp > ceiling and held.origin != self._server.name
        if not above and not head_above:
            return doc, 0
        raw = self._node.store.misp.known(self._server.name, held.uuid)
        told: Doc | None = msgspec.json.decode(raw) if raw is not None else None
        if head_above and told is None:
            return {**doc, "Attribute": [], "Object": []}, max(1, len(held.attributes))
        if head_above and told is not None:
            doc |= {name: told[name] for name in (*HEAD, "Tag") if name in told}
        there = to_rows(told, unmarked=self._server.unmarked).attributes if told is not None else ()
        theirs = {one.uuid for one in there if one.tlp > ceiling}
        known = {one.uuid for one in there}
        withheld = len(above - theirs)
        for holder in (doc, *doc["Object"]):
            holder["Attribute"] = [
                {**one, "deleted": True} if one["uuid"] in above - theirs else one
                for one in holder["Attribute"]
                if one["uuid"] not in above - theirs or one["uuid"] in known
            ]
        objects = {obj["uuid"]: obj for obj in told["Object"]} if told is not None else {}
        doc["Object"] = [
            # an object of which it may know nothing stays as it knows it, but for its attributes
            {**objects.get(obj["uuid"], obj), "Attribute": obj["Attribute"]}
            if all(one["uuid"] in above - theirs for one in obj["Attribute"])
            else obj
            for obj in doc["Object"]
            if obj["Attribute"]
        ]
        return doc, withheld

    def _plain(self) -> Iterator[Offer]:
        """Indicators and objects that changed and stand in no event of the book, a page at a time."""
        notes, key = self._node.store.notes, PLAIN.format(name=self._server.name)
        after = msgspec.json.decode(notes.get(key) or "[0,0]", type=tuple[int, int])
        while (page := _changed(self._node, *after)) is not None:
            place = msgspec.json.encode(after).decode()
            items, after = page
            yield from as_offers(self._node, self._server.name, self._bodies(items), self.problems, place)
            notes.set(key, msgspec.json.encode(after).decode())

    def _bodies(self, items: list[StoredObject]) -> list[bytes]:
        """What of these stands in no event and is not above the ceiling."""
        outside = self._outside(items)
        bodies = [item.body for item in outside if item.tlp <= self._server.ceiling]
        self.withheld += len(outside) - len(bodies)
        return bodies

    def _outside(self, items: list[StoredObject]) -> list[StoredObject]:
        """Those that do not come from an event that is kept as one."""
        events = [(carried(msgspec.json.decode(item.body)) or {}).get("event_uuid") for item in items]
        held = self._node.store.misp.states(uuid for uuid in events if isinstance(uuid, str))
        return [item for item, uuid in zip(items, events, strict=True) if uuid not in held]


class CircleDesk(_Recalls):
    """For a MISP that is a member of a circle."""

    def __init__(self, node: Node, server: MispServer) -> None:
        self._node, self._server = node, server
        self._terms = node.store.circles.get(server.circle)
        self.problems: list[str] = []
        self.withheld = 0  # refusals, by the fill of the outbox

    def offers(self, after: int) -> Iterator[Offer]:
        """Events made from what is new in the outbox for this member, in the outbox's own order."""
        node, name, terms = self._node, self._server.name, self._terms
        if not self._may():
            return
        self.withheld = fill_outboxes(node, circle=terms.name, recipient=name).withheld
        key = OUTBOX.format(name=name)
        while True:
            seen = node.store.notes.get(key) or ""
            page = self._page(seen)
            if not page.rows:
                return
            yield from as_offers(node, name, [row.body for row in placed(node, page.rows)], self.problems, seen)
            node.store.notes.set(key, str(page.last_added))

    def again(self, uuid: str, place: str) -> Iterator[Offer]:
        """What a page of the outbox makes of this event now."""
        if not self._may():
            return
        bodies = [row.body for row in placed(self._node, self._page(place).rows)]
        offered = as_offers(self._node, self._server.name, bodies, self.problems, place)
        yield from (offer for offer in offered if offer.uuid == uuid)

    def sightings(self) -> Iterator[Told]:
        """What our sensors saw and the circle releases to it."""
        if self._may():
            yield from circle_sightings(self._node, self._server, self._terms)

    def _may(self) -> bool:
        """Whether anything goes there now; a circle that does not let it is told once."""
        if self._server.push == "none":
            return False
        may = may_receive(self._node, self._terms, self._server.name)
        sentence = f"{self._server.name} may not receive in the circle {self._terms.name} now."
        if not may and sentence not in self.problems:
            self.problems.append(sentence)
        return may

    def _page(self, after: str) -> OutboxPage:
        """Rows added behind this moment."""
        seen = int(after) if after else None
        return self._node.store.outbox.page(self._terms.name, self._server.name, added_after=seen, limit=PAGE)

    def record(self, uuid: str, doc: Doc) -> Recorded[Release]:
        """A page of the outbox in MISP's form: membership, exclusion and agreement are tested again."""
        name = self._server.name
        row = OutboxRow(f"report--{uuid}", timestamp(doc["timestamp"] * SECOND), encode(doc), frozenset({name}))
        release = page_release([row], name, self._terms, release_context(self._node, self._terms, name))
        if release is None:
            raise Refused("E-FLOW-188", "Policy does not let the event {uuid} go to the MISP.", uuid=uuid)
        return self._node.ledger.record(release)


def as_offers(node: Node, name: str, bodies: Iterable[bytes], problems: list[str], place: str = "") -> Iterator[Offer]:
    """STIX objects as parts of MISP events, each laid over what the MISP ``name`` is known to hold of its event."""
    for event in to_events(bodies).events:
        try:
            doc = canonical(event, now=node.clock() // SECOND, new_uuid=new_uuid)
        except Fault as fault:
            problems.append(str(fault))
            continue
        doc.pop("_rejected", None)
        raw = node.store.misp.known(name, doc["uuid"])
        if raw is not None:
            doc = _laid_over(msgspec.json.decode(raw), doc)
        if len(all_attributes(doc)) <= MAX_ATTRIBUTES:
            yield Offer(doc["uuid"], 0, doc, place=place)
            continue
        sentence = f"The event {doc['uuid']} has more than {MAX_ATTRIBUTES} attributes; offer it as a feed."
        if sentence not in problems:
            problems.append(sentence)


def _laid_over(base: Doc, delta: Doc) -> Doc:
    """The event as it is there, with the parts that are told anew."""
    told = {**base, "timestamp": max(base["timestamp"], delta["timestamp"])}
    for kind in ("Attribute", "Object"):
        parts = {one["uuid"]: one for one in base[kind]} | {one["uuid"]: one for one in delta[kind]}
        told[kind] = list(parts.values())
    return told


def _changed(node: Node, indicators: int, objects: int) -> tuple[list[StoredObject], tuple[int, int]] | None:
    """The next page of what changed, indicators first, and where it ends; None at the end."""
    changed = node.store.indicators.changed_since(indicators, PAGE)
    if changed.items:
        once = {entry.indicator_id: as_stored(entry) for entry in changed.items}
        return list(once.values()), (changed.last, objects)
    page = node.store.objects.changed_since(objects, PAGE)
    if not page.items:
        return None
    return no_entries(node, page.items), (indicators, page.items[-1].sequence)
