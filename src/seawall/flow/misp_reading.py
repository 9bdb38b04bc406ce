"""What a MISP client may read here: policy's view, every answer recorded as own use, as an export would be."""

from __future__ import annotations

from collections.abc import Iterable

from seawall.exchange.misp import Doc, is_uuid
from seawall.exchange.misp.documents import without_files
from seawall.flow import misp_loose as loose
from seawall.flow.authority import require
from seawall.flow.misp_imported import imported_event, imported_item
from seawall.flow.misp_items import (
    attribute_item,
    event_item,
    loose_item,
    loose_shown,
    organisation,
    released,
    with_event,
)
from seawall.flow.misp_rows import seen_doc, shown_event, shown_object, shown_tag
from seawall.flow.node import Node
from seawall.model import Actor, Fault, NotFound, Visibility
from seawall.model.misp import MispEvent, MispQuery
from seawall.policy import OwnUseItem, visibility

MAX_EVENTS = 1_000  # of one answer
MAX_ATTRIBUTES = 10_000  # of one answer
MAX_ANSWER = 256 << 20  # bytes of events: as much as we read of a MISP's answer
MAX_LOOSE = 1_000  # indicators shown in the event that stands for them
SHORT = ("id", "timestamp", "published", "uuid")  # what MISP's own synchronisation asks of an index


class MispReading:
    """Searches and views; every answer is bytes of a recorded release."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def organisation(self) -> tuple[str, str]:
        """Our name and UUID as MISP's organisations have them."""
        return organisation(self._node)

    def attributes(
        self,
        actor: Actor,
        query: MispQuery,
        *,
        offset: int,
        limit: int,
        context: bool = False,
        enforce_warninglist: bool = False,
        attachments: bool = False,
    ) -> list[bytes]:
        """Attributes that meet the query, as JSON; those of events first, then indicators outside of them.

        Files attached to them come with ``attachments``. Raises Fault E-STORE-083 for more than one answer may hold.
        """
        seen = seen_by(actor)
        store, limit = self._node.store.misp, min(limit, MAX_ATTRIBUTES)
        rows = store.attributes(query, seen, offset=offset, limit=limit)
        if enforce_warninglist:
            rows = [(row, head) for row, head in rows if not self.warninglists(actor, [row.value])]
        items = [
            attribute_item(row, with_event(row, head, context=context, attachments=attachments)) for row, head in rows
        ]
        if len(rows) < limit and not enforce_warninglist:
            behind = max(0, offset - store.count(query, seen)) if offset and not rows else 0
            others = loose.find(self._node, query, seen, offset=behind, limit=limit - len(rows))
            head = self.loose_head(seen) if others else None
            items += [attribute_item(one.row, loose_shown(one, head, context=context)) for one in others]
        return released(self._node, actor, items)

    def events(
        self,
        actor: Actor,
        query: MispQuery,
        *,
        offset: int,
        limit: int,
        deleted: bool,
        metadata: bool,
        attachments: bool = False,
    ) -> list[bytes]:
        """Events that meet the query, each as ``{"Event": ...}``; files attached to them with ``attachments``.

        Raises Fault E-FLOW-171 for more than one answer may hold.
        """
        seen = seen_by(actor)
        limit = min(limit, MAX_EVENTS)
        found = self._node.store.misp.events(query, seen, offset=offset, limit=limit)
        items: list[OwnUseItem] = []
        size = 0
        for _, uuid in found:
            event = self._node.store.misp.get(uuid, seen)
            shown = shown_event(event, at_most=seen.tlp_at_most, deleted=deleted, attributes=not metadata)
            if not attachments:
                shown = without_files(shown)
            items.append(event_item(event, {"Event": shown}))
            size += len(items[-1].object.body)
            if size > MAX_ANSWER:
                raise Fault("E-FLOW-171", "The answer is larger than {most} bytes; ask for fewer events at a time.",
                            most=MAX_ANSWER)  # fmt: skip
        if len(found) < limit and not offset and not metadata and query.of_attributes():
            others = loose.find(self._node, query, seen, offset=0, limit=MAX_LOOSE)
            items += [loose_item(self._node, others, self.loose_head(seen))] if others else []
        return released(self._node, actor, items)

    def event(self, actor: Actor, key: str, *, deleted: bool = False) -> bytes:
        """One event as ``{"Event": ...}``. Raises NotFound E-STORE-081."""
        seen = seen_by(actor)
        if self.is_virtual(key, seen):
            others = loose.find(self._node, MispQuery(), seen, offset=0, limit=MAX_LOOSE)
            if others:
                return released(self._node, actor, [loose_item(self._node, others, None)])[0]
        try:
            event = self._node.store.misp.get(key, seen)
            item = event_item(event, {"Event": shown_event(event, at_most=seen.tlp_at_most, deleted=deleted)})
        except NotFound:
            imported = imported_event(self._node, key, seen) if is_uuid(key) and not self.buried(key) else None
            if imported is None:
                raise
            item = imported_item(imported)
        return released(self._node, actor, [item])[0]

    def buried(self, uuid: str) -> bool:
        """Whether the event was deleted here."""
        return self._node.store.misp.states([uuid.lower()]).get(uuid.lower(), False)

    def attribute(self, actor: Actor, key: str) -> bytes:
        """One attribute as ``{"Attribute": ...}``. Raises NotFound E-STORE-082."""
        seen = seen_by(actor)
        try:
            row = self._node.store.misp.attribute(key, seen)
            shown = with_event(row, self._node.store.misp.heads([row.event])[row.event], context=False)
        except NotFound:
            other = loose.by_uuid(self._node, key, seen)
            if other is None:
                raise
            row, shown = other.row, loose_shown(other, self.loose_head(seen), context=False)
        return b'{"Attribute":' + released(self._node, actor, [attribute_item(row, shown)])[0] + b"}"

    def object(self, actor: Actor, uuid: str) -> bytes:
        """One MISP object as ``{"Object": ...}``. Raises NotFound E-FLOW-167."""
        seen = seen_by(actor)
        held = self._node.store.misp.get(self.event_of_object(uuid, seen), seen)
        numbers = {one.uuid: one.number for one in held.attributes}
        obj = next(obj for obj in seen_doc(held, seen.tlp_at_most)["Object"] if obj["uuid"] == uuid.lower())
        item = event_item(held, {"Object": shown_object(obj, numbers, held.number)})
        return released(self._node, actor, [item])[0]

    def index(self, actor: Actor, query: MispQuery, *, offset: int, limit: int, minimal: bool) -> list[bytes]:
        """Events in short; ``minimal``: what MISP's own synchronisation asks for."""
        seen = seen_by(actor)
        found = self._node.store.misp.events(query, seen, offset=offset, limit=limit)
        heads = self._node.store.misp.heads(number for number, _ in found)
        items = []
        for number, _ in found:
            shown = shown_event(heads[number], at_most=seen.tlp_at_most, attributes=False)
            items.append(event_item(heads[number], {name: shown[name] for name in SHORT} if minimal else shown))
        return released(self._node, actor, items)

    def tags(self, actor: Actor, pattern: str = "%") -> list[Doc]:
        """Tags whose names fit, in use on what the asker may see."""
        return [shown_tag({"name": name}) for name in self._node.store.misp.tags(seen_by(actor), pattern)]

    def warninglists(self, actor: Actor, values: Iterable[str]) -> dict[str, list[Doc]]:
        """For each value on a warninglist, the list."""
        require(actor, "read")
        found: dict[str, list[Doc]] = {}
        for value in values:
            names = (self._node.warninglists.hit(one, category=None) for one in loose.observables(value))
            name = next((name for name in names if name is not None), None)
            if name is not None:
                found[value] = [{"id": "0", "name": name, "matched": value}]
        return found

    def loose_head(self, seen: Visibility) -> MispEvent | None:
        """The event of indicators that were taken into one, when there is any."""
        try:
            return self._node.store.misp.get(loose.loose_uuid(self._node), seen)
        except NotFound:
            return None

    def is_virtual(self, key: str, seen: Visibility) -> bool:
        """Whether it names the event of loose indicators while nothing was taken into it."""
        return key == "0" or (key.lower() == loose.loose_uuid(self._node) and self.loose_head(seen) is None)

    def event_of_object(self, uuid: str, seen: Visibility) -> str:
        """The UUID of the event that holds an object. Raises NotFound E-FLOW-167."""
        found = self._node.store.misp.event_of_object(uuid.lower(), seen) if is_uuid(uuid) else None
        if found is None:
            raise NotFound("E-FLOW-167", "There is no such MISP object here.")
        return found


def seen_by(actor: Actor) -> Visibility:
    """What policy lets them see. Raises Refused E-FLOW-004 for those who may read nothing."""
    require(actor, "read")
    return visibility(actor)
