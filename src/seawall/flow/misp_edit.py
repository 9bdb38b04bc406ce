"""What MISP's clients may change, as edits of one canonical event: MISP's own rules of who wins, in one place.

MISP takes an edit of an attribute only when it is newer than what is held (or names no time), adds tags and never
takes one away by leaving it out, and keeps what an edit does not mention. Each edit makes the event newer and
unpublished, as in MISP.
"""

from __future__ import annotations

from typing import Any

from seawall.exchange.misp import Doc, all_attributes, canonical, canonical_attribute, tags, truth, with_defaults
from seawall.flow.misp_book import new_uuid
from seawall.model import Fault, NotFound

HEAD = ("info", "date", "threat_level_id", "analysis", "distribution", "sharing_group_id", "extends_uuid")
PARTS = ("category", "type", "value", "to_ids", "comment", "distribution", "sharing_group_id", "disable_correlation",
         "first_seen", "last_seen", "object_relation", "data", "deleted")  # fmt: skip
OBJECT_PARTS = ("name", "meta-category", "description", "template_uuid", "template_version", "comment", "distribution",
                "sharing_group_id", "first_seen", "last_seen", "deleted")  # fmt: skip


def touch(doc: Doc, now: int) -> None:
    """The event is newer than before, and not published as it now is."""
    doc["timestamp"] = max(now, doc["timestamp"] + 1)
    doc["published"] = False


def attribute_in(doc: Doc, uuid: str) -> Doc:
    """The attribute, wherever it stands in the event. Raises NotFound E-FLOW-162."""
    for one in doc["Attribute"]:
        if one["uuid"] == uuid:
            return one  # type: ignore[no-any-return]
    for obj in doc["Object"]:
        for one in obj["Attribute"]:
            if one["uuid"] == uuid:
                return one  # type: ignore[no-any-return]
    raise NotFound("E-FLOW-162", "There is no such attribute in this MISP event.")


def edit_event(doc: Doc, given: Doc, now: int) -> list[tuple[str, str]]:
    """Lay an edited event over the one held; returns what of it could not be used."""
    filled = {**doc, **{key: value for key, value in given.items() if value is not None}, "uuid": doc["uuid"]}
    filled["Attribute"] = _complete(given.get("Attribute"))
    filled["Object"] = [{**obj, "Attribute": _complete(obj.get("Attribute"))} for obj in _listed(given.get("Object"))]
    asked = canonical(filled, now=now, new_uuid=new_uuid)
    if _newer(given, doc):
        for name in HEAD:
            if given.get(name) is not None:
                doc[name] = asked[name]
    doc["Tag"] = retagged(doc["Tag"], given.get("Tag"))
    raw = _by_uuid(_listed(given.get("Attribute")))
    _lay_over(doc["Attribute"], asked["Attribute"], raw, now)
    held = {obj["uuid"]: obj for obj in doc["Object"]}
    given_objects = _by_uuid(_listed(given.get("Object")))
    for obj in asked["Object"]:
        mine = held.get(obj["uuid"])
        if mine is None:
            doc["Object"].append(obj)
            continue
        edit_object(mine, obj, given_objects.get(obj["uuid"], obj), now)
    published = given.get("published")
    touch(doc, now)
    if published is not None and truth(published):
        publish(doc, now)
    return list(asked.get("_rejected", []))


def edit_object(mine: Doc, asked: Doc, raw: Doc, now: int) -> None:
    """Lay an edited object over the one held, its attributes too."""
    if _newer(raw, mine):
        for name in OBJECT_PARTS:
            if name in raw:
                mine[name] = asked[name]
        mine["timestamp"] = asked["timestamp"] if raw.get("timestamp") else max(now, mine["timestamp"] + 1)
    known = {one["uuid"]: one for one in mine["ObjectReference"]} | {
        one["uuid"]: one for one in asked["ObjectReference"]
    }
    mine["ObjectReference"] = [known[name] for name in sorted(known)]
    _lay_over(mine["Attribute"], asked["Attribute"], _by_uuid(_listed(raw.get("Attribute"))), now)


def edit_attribute(mine: Doc, given: Doc, now: int) -> bool:
    """Lay an edited attribute over the one held; False when what is held is newer. Raises Fault E-EXCHANGE-302."""
    if not _newer(given, mine):
        return False
    asked = canonical_attribute({**mine, **given, "uuid": mine["uuid"]}, now=now, new_uuid=new_uuid)
    for name in PARTS:
        if given.get(name) is not None:
            mine[name] = asked[name]
    mine["Tag"] = retagged(mine["Tag"], given.get("Tag"))
    mine["timestamp"] = asked["timestamp"] if given.get("timestamp") else max(now, mine["timestamp"] + 1)
    return True


class Similar:
    """What an event holds, to tell whether an attribute given is in it already."""

    def __init__(self, doc: Doc) -> None:
        self.uuids = {one["uuid"] for one in all_attributes(doc)}
        self._live: dict[tuple[str, ...], Doc] = {}
        for one in doc["Attribute"]:
            if not one["deleted"]:
                self._live.setdefault(self._key(one), one)

    def to(self, fresh: Doc) -> Doc | None:
        """The live attribute outside of objects that says the same."""
        return self._live.get(self._key(fresh))

    def add(self, fresh: Doc) -> None:
        """One more that the event holds."""
        self.uuids.add(fresh["uuid"])
        if not fresh["deleted"]:
            self._live.setdefault(self._key(fresh), fresh)

    def _key(self, one: Doc) -> tuple[str, ...]:
        return one["type"], one["category"], one["value"]


def add_attribute(doc: Doc, given: Doc, now: int, held: Similar, *, update: bool = False) -> Doc:
    """Add one attribute. ``held``: of this event. ``update``: a similar one is made newer instead of refused.

    Raises Fault E-EXCHANGE-302, or E-FLOW-164 for one that the event holds already.
    """
    fresh = canonical_attribute(with_defaults(given), now=now, new_uuid=new_uuid)
    similar = held.to(fresh)
    if similar is not None and update:
        edit_attribute(similar, {**given, "uuid": similar["uuid"], "timestamp": None}, now)
        return similar
    if similar is not None or fresh["uuid"] in held.uuids:
        raise Fault("E-FLOW-164", "A similar attribute already exists for this event.")
    held.add(fresh)
    doc["Attribute"].append(fresh)
    return fresh


def retagged(held: list[Doc], given: object) -> list[Doc]:
    """Tags given are added, those given as deleted are taken away, the others stay."""
    gone = {str(tag.get("name")) for tag in _listed(given) if truth(tag.get("deleted"))}
    fresh = [tag for tag in _listed(given) if not truth(tag.get("deleted"))]
    return tags([*(tag for tag in held if tag["name"] not in gone), *fresh])


def publish(doc: Doc, now: int) -> None:
    """The event as it is now is published."""
    doc["published"] = True
    doc["publish_timestamp"] = now


def _lay_over(mine: list[Doc], asked: list[Doc], raw: dict[str, Doc], now: int) -> None:
    held = {one["uuid"]: one for one in mine}
    for one in asked:
        if one["uuid"] in held:
            edit_attribute(held[one["uuid"]], raw.get(one["uuid"], one), now)
        else:
            mine.append(one)


def _newer(given: Doc, held: Doc) -> bool:
    """Names no time, or a later one than is held."""
    asked = given.get("timestamp")
    try:
        return asked in (None, "") or int(float(asked)) > held["timestamp"]
    except (TypeError, ValueError, OverflowError):
        return True


def _listed(given: object) -> list[Doc]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _complete(given: object) -> list[Any]:
    return [with_defaults(one) for one in _listed(given)]


def _by_uuid(given: list[Doc]) -> dict[str, Doc]:
    return {str(one.get("uuid")).lower(): one for one in given}
