"""The node's MISP events: kept as MISP writes them, and known to everything else as the STIX objects they hold.

Steps of every change: (1) the event in one spelling, (2) the STIX objects that it no longer holds are revoked,
(3) those that it holds go the way of every import, (4) the event itself is kept. A kill between two steps is healed by
the same change made again; nothing was acknowledged before step 4.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from seawall.codec.misp import event_to_stix
from seawall.codec.misp.extension import carried
from seawall.codec.stix import parse_bundle
from seawall.exchange.misp import Doc, all_attributes, canonical, is_uuid
from seawall.flow.context import WHOLE_NODE
from seawall.flow.misp_parted import Parted
from seawall.flow.misp_rows import UNMARKED, to_doc, to_rows
from seawall.flow.misp_servers import REMOTE_SOURCE, servers
from seawall.flow.node import Node
from seawall.intel import ImportOptions, put_bundle
from seawall.intel.tally import Tally
from seawall.model import Fault, NotFound, Tlp, Visibility, to_microseconds
from seawall.model.misp import MispEvent
from seawall.model.moments import parse_moment
from seawall.model.stix.ids import random_id
from seawall.model.stix.versioning import timestamp
from seawall.model.stored import StoredObject

LOCAL_SOURCE = "misp"  # among an indicator's sources: what was added through the MISP door
MICROSECONDS = 1_000_000
MILLISECOND = 1_000  # microseconds: what STIX versions are told apart by
LOCK = "misp.lock"
PASSED_ON = (
    "info",
    "date",
    "distribution",
    "sharing_group_id",
    "SharingGroup",
    "Tag",
    "Org",
    "Orgc",
    "Galaxy",
    "EventReport",
)


class Kept(msgspec.Struct, frozen=True):
    """An event as it is now kept, and what of it could not be used."""

    doc: Doc
    number: int
    changed: bool
    rejected: list[tuple[str, str]]  # left out: (UUID or place, reason)
    unmatched: list[tuple[str, str]] = []  # kept as it is, but no indicator can be made of it


class Speaker(msgspec.Struct, frozen=True):
    """Whose word an event is."""

    source: str  # among an indicator's sources
    peer: str | None = None  # the member whose MISP brought it; None: ours

    def said(self, held: StoredObject) -> bool:
        """Whether it may revoke or replace an object: one of others only its own."""
        return self.peer is None or held.origin == self.peer or (held.origin is None and held.source == self.source)


def new_uuid() -> str:
    """A random UUID."""
    return random_id("x", os.urandom).partition("--")[2]


class MispBook:
    """Reads and changes the node's MISP events; one change at a time, also among several processes."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.RLock()
        self._depth = 0

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes an event meanwhile."""
        with self._lock:
            if self._depth:
                yield
                return
            descriptor = os.open(self._node.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._depth += 1
                yield
            finally:
                self._depth = 0
                os.close(descriptor)

    def now(self) -> int:
        """Seconds UTC."""
        return self._node.clock() // MICROSECONDS

    def unmarked(self, origin: str | None) -> Tlp:
        """The level of what carries no TLP tag, by where the event comes from."""
        found = servers(self._node).get(origin) if origin is not None else None
        return found.unmarked if found is not None else UNMARKED

    def held(self, key: str) -> MispEvent | None:
        """The event with all its parts, for the node's own jobs; also when it was deleted here."""
        try:
            return self._node.store.misp.get(key, WHOLE_NODE, deleted=True)
        except NotFound:
            return None

    def put(self, given: Doc, *, origin: str | None = None) -> Kept:
        """Keep an event as given, in place of what was held. ``origin``: the MISP it comes from.

        Raises Fault E-EXCHANGE-301 for what is no event, E-FLOW-160 for one that was deleted here, E-STORE-080 for an
        attribute that another event holds; nothing of it is then kept.
        """
        doc = canonical(given, now=self.now(), new_uuid=new_uuid)
        rejected = doc.pop("_rejected", [])
        with self.changing():
            held = self.held(doc["uuid"])
            if held is not None and held.deleted:
                raise Fault("E-FLOW-160", "The MISP event {uuid} was deleted here and stays so.", uuid=doc["uuid"])
            origin = held.origin if held is not None else origin
            unmarked = self.unmarked(origin)
            rows = to_rows(doc, unmarked=unmarked, origin=origin)
            before = to_doc(held) if held is not None else None
            if before is not None and to_rows(before, unmarked=unmarked).body == rows.body and _same(before, doc):
                return Kept(doc, held.number if held is not None else 0, False, rejected)
            self._node.store.misp.require_free(doc["uuid"], [one["uuid"] for one in all_attributes(doc)])
            unmatched = self._into_store(
                doc, before, Speaker(source_of(origin), self._peer(doc["uuid"], origin)), unmarked
            )
            number, changed = self._node.store.misp.put(rows)
        return Kept(doc, number, changed, rejected, unmatched)

    def change(self, key: str, edit: Callable[[Doc], None], seen: Visibility = WHOLE_NODE) -> Kept:
        """Edit the event of this UUID in place, as far as the editor sees it. Raises NotFound E-FLOW-161.

        Parts that he does not see are not compared with what he gives, and stay as they are (rule 12).
        """
        with self.changing():
            held = self.held(key)
            if held is None or held.deleted:
                raise NotFound("E-FLOW-161", "There is no such MISP event here.")
            parted = Parted(held, seen)
            edit(parted.doc)
            if seen != WHOLE_NODE:
                before = {one.uuid for one in held.attributes}
                self.set_apart([one for one in all_attributes(parted.doc) if one["uuid"] not in before], seen)
            return self.put(parted.whole(new_uuid), origin=held.origin)

    def set_apart(self, given: Iterable[object], seen: Visibility) -> None:
        """Attributes under UUIDs that others hold unseen by who gives them get UUIDs of their own (rule 12)."""
        parts = [one for one in given if isinstance(one, dict)]
        named = {uuid.lower(): one for one in parts if isinstance(uuid := one.get("uuid"), str) and is_uuid(uuid)}
        for uuid in self._node.store.misp.hidden(named, seen):
            named[uuid]["uuid"] = new_uuid()

    def delete(self, uuid: str) -> bool:
        """Delete an event for good: its objects are revoked, its UUID is not taken again. False: it was not there."""
        with self.changing():
            held = self.held(uuid)
            if held is None or held.deleted:
                return False
            gone = dict.fromkeys(_stix_ids(to_doc(held), self.unmarked(held.origin)), self.now())
            self._revoke(gone, Speaker(source_of(held.origin), self._peer(held.uuid, held.origin)))
            return self._node.store.misp.delete(held.uuid, self.now())

    def _peer(self, uuid: str, origin: str | None) -> str | None:
        """Whose word an event is: None for ours, the member's name for what a MISP of others brought (rule 2).

        A MISP that was removed since leaves its word as it stands in the store.
        """
        if origin is None:
            return None
        if (found := servers(self._node).get(origin)) is not None:
            return found.name if found.circle else None
        report = self._node.store.objects.latest([f"report--{uuid}"]).get(f"report--{uuid}")
        return report.origin if report is not None else None

    def _into_store(self, doc: Doc, before: Doc | None, speaker: Speaker, unmarked: Tlp) -> list[tuple[str, str]]:
        """Steps 2 and 3; returns what the conversion could not use."""
        source = speaker.source
        options = ImportOptions(at=self._node.clock(), tlp=unmarked, source=source, origin=speaker.peer)
        part = _differing(doc, before) if before is not None and _may_go_in_parts(before, doc) else doc
        made = event_to_stix(part, tlp=unmarked)
        live = _without_revoked(made.objects)
        if before is not None:
            whole: int = doc["timestamp"]
            moments: dict[str, int] = {one["uuid"]: one["timestamp"] for one in (*all_attributes(doc), *doc["Object"])}
            changed = _stix_ids(_differing(before, doc), unmarked) - {f"report--{doc['uuid']}"}
            gone = changed - {str(obj["id"]) for obj in live}
            if part is not doc:
                # a note that belongs to no part says that the event is empty, which this part of it may be
                live = [obj for obj in live if obj["type"] != "note" or carried(obj) is not None]
                live = self._with_all_refs(live, f"report--{doc['uuid']}", changed)
            self._forget_values(changed - gone, source)
            self._revoke({id: moments.get(id.partition("--")[2], whole) for id in gone}, speaker)
        others = self._of_others([str(obj["id"]) for obj in live], speaker)
        live = [obj for obj in live if obj["id"] not in others]
        bundle = msgspec.json.encode({"type": "bundle", "id": f"bundle--{doc['uuid']}", "objects": live})
        put_bundle(parse_bundle(bundle), doc["uuid"], source, self._node.store, options, Tally())
        made_by_others = [(id, "it is held here as somebody else's") for id in sorted(others) if _tells(id)]
        return [(part.id or str(part.index), part.reason) for part in made.rejected] + made_by_others

    def _of_others(self, ids: list[str], speaker: Speaker) -> set[str]:
        """Of these ids, those that hold the word of somebody else: a MISP of others has no say in them."""
        if speaker.peer is None:
            return set()
        store = self._node.store
        found = {held.id for held in store.objects.latest(ids).values() if not speaker.said(held)}
        for id in store.indicators.bodies(id for id in ids if id.startswith("indicator--")):
            if not any(speaker.source in entry.sources for entry in store.indicators.by_id(id)):
                found.add(id)
        return found

    def _with_all_refs(self, live: list[dict[str, Any]], report: str, changed: set[str]) -> list[dict[str, Any]]:
        """Of an event of which only changed parts were converted: its report lists the others as before."""
        held = self._node.store.objects.latest([report]).get(report)
        before = msgspec.json.decode(held.body, type=_Report).object_refs if held is not None else []
        ids = {obj["id"] for obj in live}
        for obj in live:
            if obj["id"] == report:
                fresh = [ref for ref in obj["object_refs"] if ref in ids]
                obj["object_refs"] = list(dict.fromkeys([ref for ref in before if ref not in changed] + fresh))
        return live

    def _forget_values(self, ids: set[str], source: str) -> None:
        """The values that these indicators looked for; those that they look for now come anew."""
        store = self._node.store
        for id in ids:
            for entry in store.indicators.by_id(id) if id.startswith("indicator--") else ():
                store.indicators.withdraw(entry.type, entry.value, source=source, external_id=id)

    def _revoke(self, ids: Mapping[str, int], speaker: Speaker) -> None:
        """The next, revoked version of these objects, as of so many seconds; their match keys go."""
        store = self._node.store
        revoked: list[StoredObject] = []
        self._forget_values(set(ids), speaker.source)
        for held in store.objects.latest(ids).values():
            body = msgspec.json.decode(held.body, type=dict[str, object])
            if held.revoked or "modified" not in body or not speaker.said(held):
                continue
            after = to_microseconds(parse_moment(str(body["modified"]))) + MILLISECOND
            version = timestamp(max(ids[held.id] * MICROSECONDS, after))
            fresh = msgspec.json.encode({**body, "modified": version, "revoked": True}, order="sorted")
            at = self._node.clock()
            revoked.append(msgspec.structs.replace(held, version=version, body=fresh, revoked=True, stored_at=at))
        store.objects.put(revoked)


def source_of(origin: str | None) -> str:
    """How events from a MISP (None: added here) are named among an indicator's sources."""
    return LOCAL_SOURCE if origin is None else REMOTE_SOURCE.format(name=origin)


def _without_revoked(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The live ones; the report lists no others."""
    revoked = {obj["id"] for obj in objects if obj.get("revoked")}
    live = [obj for obj in objects if obj["id"] not in revoked]
    for obj in live if revoked else ():
        if obj["type"] in ("report", "grouping"):
            obj["object_refs"] = [ref for ref in obj["object_refs"] if ref not in revoked] or obj["object_refs"]
    return live


def _tells(id: str) -> bool:
    """Whether the object carries a part of an event; organisations and galaxies are everybody's."""
    return id.startswith(("indicator--", "observed-data--", "note--", "report--", "grouping--", "vulnerability--"))


class _Report(msgspec.Struct):
    object_refs: list[str] = []


def _may_go_in_parts(before: Doc, after: Doc) -> bool:
    """Whether it is enough to convert what changed: what parts take over from their event is the same, much stays."""
    if any(before.get(name) != after.get(name) for name in PASSED_ON):
        return False
    changed = _differing(after, before)
    tied = any(obj["ObjectReference"] for obj in changed["Object"])  # a reference needs both of its ends
    return not tied and 2 * len(all_attributes(changed)) < len(all_attributes(after))


def _differing(before: Doc, after: Doc) -> Doc:
    """The event before, with only those parts that are not the same afterwards."""
    now = {one["uuid"]: one for one in (*after["Attribute"], *after["Object"])}
    return {
        **before,
        "Attribute": [one for one in before["Attribute"] if now.get(one["uuid"]) != one],
        "Object": [obj for obj in before["Object"] if now.get(obj["uuid"]) != obj],
    }


def _stix_ids(doc: Doc, unmarked: Tlp) -> set[str]:
    return {str(obj["id"]) for obj in event_to_stix(doc, tlp=unmarked).objects if not obj.get("revoked")}


def _same(one: Doc, other: Doc) -> bool:
    mine = {attribute["uuid"]: attribute for attribute in all_attributes(one)}
    theirs = {attribute["uuid"]: attribute for attribute in all_attributes(other)}
    return mine == theirs
