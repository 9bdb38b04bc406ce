"""What a MISP client may change here: with the right to import, on what policy lets them see, through the one book."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seawall.exchange.misp import MAX_TAG, Doc, is_uuid, seconds
from seawall.flow import misp_loose as loose
from seawall.flow.authority import require
from seawall.flow.misp_book import Kept, MispBook, new_uuid
from seawall.flow.misp_edit import (
    Similar,
    add_attribute,
    attribute_in,
    edit_attribute,
    edit_event,
    edit_object,
    publish,
    retagged,
    touch,
)
from seawall.flow.misp_imported import event_of_entry, imported_event
from seawall.flow.misp_items import filled, organisation
from seawall.flow.misp_reading import MispReading, seen_by
from seawall.flow.node import Node
from seawall.model import Actor, Fault, NotFound, Refused, Visibility
from seawall.model.misp import MispAttribute, MispEvent, MispQuery, Words

MAX_SIGHTED = 1_000  # attributes that one sighting reaches
Rejected = list[tuple[str, str]]  # (UUID or place, reason)


class MispChanging(MispReading):
    """Reading, and every change that MISP's clients make."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._book = MispBook(node)

    def add_event(self, actor: Actor, given: Doc) -> Kept:
        """Keep a new event. Raises Refused, Fault E-EXCHANGE-301, E-FLOW-165 for one that is there already."""
        require(actor, "import")
        name, uuid = organisation(self._node)
        given = {**given, "Orgc": given.get("Orgc") or {"name": name, "uuid": uuid}}
        known = str(given.get("uuid")).lower()
        seen = seen_by(actor)
        with self._book.changing():
            if known in self._node.store.misp.states([known]):
                held = self._seen_event(known, seen)
                if held is not None and not held.deleted:
                    raise Fault(
                        "E-FLOW-165", "Event already exists, if you would like to edit it, use the edit action."
                    )
                if held is None:  # they do not learn of what they do not see: both are kept (rule 12)
                    given["uuid"] = new_uuid()
            whole = filled(given)
            objects = [obj for obj in whole["Object"] if isinstance(obj, dict)]
            self._book.set_apart([one for holder in (whole, *objects) for one in holder["Attribute"]], seen)
            return self._book.put(whole)

    def _seen_event(self, uuid: str, seen: Visibility) -> MispEvent | None:
        try:
            return self._node.store.misp.get(uuid, seen, deleted=True)
        except NotFound:
            return None

    def edit_event(self, actor: Actor, key: str, given: Doc) -> tuple[str, Rejected]:
        """Lay an edited event over the one held: (its UUID, what could not be used)."""
        rejected: Rejected = []
        uuid, now = self._event_uuid(actor, key), self._book.now()
        kept = self._book.change(uuid, lambda doc: rejected.extend(edit_event(doc, given, now)), seen_by(actor))
        return uuid, rejected + kept.rejected

    def delete_event(self, actor: Actor, key: str) -> None:
        """Delete an event for good."""
        self._book.delete(self._event_uuid(actor, key))

    def publish(self, actor: Actor, key: str, *, done: bool) -> None:
        """Mark an event published, or not."""

        def edit(doc: Doc) -> None:
            doc["published"] = False
            if done:
                publish(doc, self._book.now())

        self._book.change(self._event_uuid(actor, key), edit, seen_by(actor))

    def add_attributes(
        self, actor: Actor, key: str, given: Sequence[Doc], *, update: bool = False
    ) -> tuple[list[str], dict[int, Fault]]:
        """Add attributes to an event: (UUIDs of those added, errors by place)."""
        errors: dict[int, Fault] = {}
        added: list[Doc] = []

        def edit(doc: Doc) -> None:
            held = Similar(doc)
            for place, one in enumerate(given):
                try:
                    added.append(add_attribute(doc, one, self._book.now(), held, update=update))
                except Fault as fault:
                    errors[place] = fault
            if added:
                touch(doc, self._book.now())

        self._book.change(self._event_uuid(actor, key), edit, seen_by(actor))
        return [one["uuid"] for one in added], errors

    def edit_attribute(self, actor: Actor, key: str, given: Doc) -> str:
        """Lay an edited attribute over the one held; its UUID."""
        row = self._writable(actor, key)

        def edit(doc: Doc) -> None:
            if edit_attribute(attribute_in(doc, row.uuid), given, self._book.now()):
                touch(doc, self._book.now())

        self._change(actor, row, edit)
        return row.uuid

    def add_object(self, actor: Actor, key: str, given: Doc) -> str:
        """Add a MISP object to an event; its UUID. Raises Fault E-FLOW-166."""
        name = str(given.get("uuid")).lower()
        named = {**given, "uuid": name if is_uuid(name) else new_uuid()}
        added: list[Doc] = []

        def edit(doc: Doc) -> None:
            rejected = edit_event(doc, {"timestamp": 1, "Object": [named]}, self._book.now())
            added.extend(obj for obj in doc["Object"] if obj["uuid"] == named["uuid"])
            if not added:
                raise Fault("E-FLOW-166", "The object cannot be used: {reason}.", reason=rejected[0][1])

        self._book.change(self._event_uuid(actor, key), edit, seen_by(actor))
        return str(added[0]["uuid"])

    def edit_object(self, actor: Actor, uuid: str, given: Doc) -> None:
        """Lay an edited object over the one held."""
        require(actor, "import")
        named = {**given, "uuid": uuid.lower()}

        def edit(doc: Doc) -> None:
            edit_event(doc, {"timestamp": 1, "Object": [named]}, self._book.now())

        self._book.change(self.event_of_object(uuid, seen_by(actor)), edit, seen_by(actor))

    def delete_object(self, actor: Actor, uuid: str) -> None:
        """Soft-delete an object and its attributes."""
        require(actor, "import")

        def edit(doc: Doc) -> None:
            now = self._book.now()
            for obj in doc["Object"]:
                if obj["uuid"] == uuid.lower():
                    edit_object(obj, {**obj, "deleted": True, "Attribute": []}, {"deleted": True}, now)
                    for one in obj["Attribute"]:
                        edit_attribute(one, {"deleted": True}, now)
            touch(doc, now)

        self._book.change(self.event_of_object(uuid, seen_by(actor)), edit, seen_by(actor))

    def tag(self, actor: Actor, uuid: str, name: str, *, attach: bool) -> str:
        """Attach a tag to an event or attribute, or take it away; returns which of the two it was."""
        require(actor, "import")
        name = name.strip()
        if not 0 < len(name) <= MAX_TAG:
            raise Fault("E-FLOW-168", "A tag has 1 to {most} characters.", most=MAX_TAG)
        given = [{"name": name, "deleted": not attach}]
        try:
            event = self._event_uuid(actor, uuid)
        except NotFound:
            row = self._writable(actor, uuid)
            self._change(actor, row, lambda doc: self._retag(doc, attribute_in(doc, row.uuid), given))
            return "Attribute"
        self._book.change(event, lambda doc: self._retag(doc, doc, given), seen_by(actor))
        return "Event"

    def sighting(self, actor: Actor, given: Doc, key: str | None) -> tuple[Doc, int]:
        """Add a sighting to an attribute, or to all that hold a value: (the sighting, how many attributes).

        Raises NotFound E-FLOW-169 when nothing that the asker may see holds it.
        """
        require(actor, "import")
        name, uuid = organisation(self._node)
        said = {
            "type": str(given.get("type") or "0")[:1],
            "date_sighting": seconds(given.get("timestamp") or given.get("date_sighting"), self._book.now()),
            "source": str(given.get("source") or "")[:255],
            "Organisation": {"name": name, "uuid": uuid},
        }
        rows = self._sighted(actor, given, key)
        if not rows:
            raise NotFound("E-FLOW-169", "Nothing here holds what was sighted.")
        for row in rows:
            fresh = {"uuid": new_uuid(), **said}
            self._change(actor, row, _sighting_of(row.uuid, fresh))
        about = {"id": "0", "attribute_id": str(rows[-1].number), "event_id": str(rows[-1].event)}
        return {**about, **fresh, "date_sighting": str(said["date_sighting"])}, len(rows)

    def _event_uuid(self, actor: Actor, key: str) -> str:
        """The UUID of an event that the actor may see and, by role, change."""
        require(actor, "import")
        seen = seen_by(actor)
        if self.is_virtual(key, seen):
            held = self.loose_head(seen)
            return held.uuid if held is not None else str(self._book.put(loose.loose_event(self._node)).doc["uuid"])
        try:
            return self._node.store.misp.get(key, seen).uuid
        except NotFound:
            imported = imported_event(self._node, key, seen) if is_uuid(key) and not self.buried(key) else None
            if imported is None:
                raise
            return str(self._book.put(imported.doc).doc["uuid"])

    def _writable(self, actor: Actor, key: str) -> MispAttribute:
        """The attribute; an indicator outside of events is taken into one first."""
        require(actor, "import")
        seen = seen_by(actor)
        try:
            return self._node.store.misp.attribute(key, seen)
        except NotFound:
            other = loose.by_uuid(self._node, key, seen)
            if other is None:
                raise
            return self._adopt(actor, other)

    def _adopt(self, actor: Actor, other: loose.LooseAttribute) -> MispAttribute:
        if other.entry.origin is not None:
            raise Refused("E-FLOW-170", "A peer sent this indicator; only those who sent it change or tag it.")
        imported = event_of_entry(self._node, other.entry, seen_by(actor))
        if imported is not None and not self.buried(imported.doc["uuid"]):
            self._book.put(imported.doc)
            return self._node.store.misp.attribute(other.doc["uuid"], seen_by(actor))
        uuid = self._event_uuid(actor, loose.loose_uuid(self._node))
        self._book.change(uuid, lambda doc: doc["Attribute"].append(other.doc))
        return self._node.store.misp.attribute(other.doc["uuid"], seen_by(actor))

    def _change(self, actor: Actor, row: MispAttribute, edit: Callable[[Doc], None]) -> None:
        self._book.change(self._node.store.misp.heads([row.event])[row.event].uuid, edit, seen_by(actor))

    def _retag(self, doc: Doc, holder: Doc, given: list[Doc]) -> None:
        """The holder becomes newer, and its event with it, as in MISP."""
        holder["Tag"] = retagged(holder["Tag"], given)
        if holder is not doc:
            holder["timestamp"] = max(self._book.now(), holder["timestamp"] + 1)
        touch(doc, self._book.now())

    def _sighted(self, actor: Actor, given: Doc, key: str | None) -> list[MispAttribute]:
        name = key or given.get("uuid") or given.get("id")
        if name:
            return [self._writable(actor, str(name))]
        values = given.get("values") or given.get("value") or []
        words = [values] if isinstance(values, str) else [str(word) for word in values][:MAX_SIGHTED]
        exact = tuple(word.replace("%", "") for word in words if word.strip("% "))
        if not exact:
            return []
        query, seen = MispQuery(values=Words(any=exact)), seen_by(actor)
        found = [row for row, _ in self._node.store.misp.attributes(query, seen, limit=MAX_SIGHTED)]
        if found:
            return found
        others = loose.find(self._node, query, seen, offset=0, limit=MAX_SIGHTED)
        return [self._adopt(actor, one) for one in others if one.entry.origin is None]


def _sighting_of(uuid: str, said: Doc) -> Callable[[Doc], None]:
    def edit(doc: Doc) -> None:
        one = attribute_in(doc, uuid)
        one["Sighting"] = [*one.get("Sighting", []), said]

    return edit
