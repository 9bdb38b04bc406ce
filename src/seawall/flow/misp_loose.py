"""Indicators that stand in no MISP event, shown as the attributes of one event that says so.

MISP knows attributes in events only; our lists, peers and STIX files know indicators. They are not copied: they are
looked up where they are, and become real attributes when somebody tags or edits one (``adopt``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.codec.misp.single import attribute_of
from seawall.codec.values import canonical, detect, refang
from seawall.exchange.misp import Doc, canonical_attribute, is_uuid
from seawall.flow.misp_rows import UNMARKED, to_rows
from seawall.flow.node import Node
from seawall.model import Fault, Observable, ObservableType, Visibility
from seawall.model.indicator import IndicatorEntry
from seawall.model.misp import MispAttribute, MispQuery
from seawall.model.stix.ids import derived_id
from seawall.model.stix.tlp import tlp_of_label

PAGE = 1_000
MAX_SCANNED = 200_000  # indicators looked at for one page of an answer


class LooseAttribute(msgspec.Struct, frozen=True):
    """An attribute that stands for an indicator."""

    row: MispAttribute
    doc: Doc
    entry: IndicatorEntry


def loose_uuid(node: Node) -> str:
    """The UUID of the event that holds them; the same for the life of the node."""
    return derived_id("x", node.keys.node_id, "indicators outside MISP events").partition("--")[2]


def loose_event(node: Node) -> Doc:
    """That event without attributes. It says nothing of them: each keeps the marking that it has where it stands."""
    moment = node.clock() // 1_000_000
    return {
        "uuid": loose_uuid(node),
        "info": "Indicators outside of MISP events",
        "timestamp": moment,
        "published": False,
        "distribution": "1",
        "analysis": "2",
        "Tag": [{"name": "tlp:clear"}],
    }


def find(node: Node, query: MispQuery, seen: Visibility, *, offset: int, limit: int) -> list[LooseAttribute]:
    """Attributes for indicators that meet the query; empty where it asks for what only events have."""
    if not _askable(query):
        return []
    found: list[LooseAttribute] = []
    for entry in _entries(node, query, seen):
        attributes = attributes_of(node, entry)
        named = len(entry.sources) > 1  # by an event too, perhaps: then it stands there already
        held = node.store.misp.attributes_held(one.row.uuid for one in attributes) if named else ()
        for one in attributes:
            if one.row.uuid in held or not meets(one.row, query):
                continue
            if offset:
                offset -= 1
                continue
            found.append(one)
            if len(found) >= limit:
                return found
    return found


def by_uuid(node: Node, uuid: str, seen: Visibility) -> LooseAttribute | None:
    """The attribute of this UUID; None when no indicator that the asker may see carries it."""
    for entry in node.store.indicators.by_id(f"indicator--{uuid.lower()}", visibility=seen) if is_uuid(uuid) else ():
        for one in attributes_of(node, entry):
            if one.row.uuid == uuid.lower():
                return one
    return None


def attributes_of(node: Node, entry: IndicatorEntry) -> list[LooseAttribute]:
    """The attributes that stand for one indicator; none for a pattern that is no list of values."""
    event = {
        **loose_event(node),
        "date": "",
        "publish_timestamp": 0,
        "distribution": "5",
        "Object": [],
        "Attribute": [],
    }
    body = msgspec.json.decode(entry.body)
    found = []
    for given in attribute_of(body):
        try:
            doc = canonical_attribute(given, now=0, new_uuid=lambda: derived_id("x", entry.indicator_id)[3:])
        except Fault:
            continue
        doc["Tag"] = _with_marking(doc["Tag"], entry)
        row = to_rows({**event, "Attribute": [doc]}, unmarked=UNMARKED).attributes[0]
        found.append(LooseAttribute(msgspec.structs.replace(row, tlp=entry.tlp, pap=entry.pap), doc, entry))
    return found


def _with_marking(tags: list[Doc], entry: IndicatorEntry) -> list[Doc]:
    """With the level that holds here: the strictest of all who name the value."""
    kept = [tag for tag in tags if tlp_of_label(tag["name"]) is None]
    return sorted([*kept, {"name": f"tlp:{entry.tlp.label}"}], key=lambda tag: str(tag["name"]))


def _askable(query: MispQuery) -> bool:
    of_events = (query.events, query.info, query.event_tags, query.object_name, query.date_from, query.date_until)
    if any(of_events) or query.published or query.published_at or query.event_changed:
        return False
    return query.deleted is not True and query.to_ids is not False


def _entries(node: Node, query: MispQuery, seen: Visibility) -> Iterator[IndicatorEntry]:
    exact = [*query.values.any, *query.values.all]
    if query.uuids:
        for uuid in query.uuids:
            yield from node.store.indicators.by_id(f"indicator--{uuid.lower()}", visibility=seen)
        return
    if exact and not any("%" in word for word in exact):
        for word in exact:
            for value in observables(word):
                entry = node.store.indicators.lookup(value.type, value.value, visibility=seen)
                if entry is not None and _outside(entry):
                    yield entry
        return
    after: int | None = 0
    scanned = 0
    while after is not None and scanned < MAX_SCANNED:
        page = node.store.indicators.list(seen, after=after, limit=PAGE)
        yield from (entry for entry in page.items if _outside(entry))
        after, scanned = page.next, scanned + PAGE


def observables(word: str) -> list[Observable]:
    """The values that a word may mean, in their canonical spelling."""
    found = detect(refang(word))
    if found is not None:
        return [found]
    values = []
    for kind in ObservableType:  # a name under an ending that nobody gave out, a file name, a wallet ...
        try:
            value = canonical(kind, word)
        except Fault:
            continue
        if value not in values:
            values.append(value)
    return values


def _outside(entry: IndicatorEntry) -> bool:
    """Somebody else than an event names it."""
    return not all(source == "misp" or source.startswith("misp:") for source in entry.sources)


def meets(row: MispAttribute, query: MispQuery) -> bool:
    """The same conditions as in the store's query, for one attribute that stands in no table."""
    halves = {row.value.lower(), *row.value.lower().split("|", 1)}
    checks: tuple[tuple[Any, Any], ...] = (
        (query.values, lambda word: any(_like(half, word.lower()) for half in halves)),
        (query.types, lambda word: _like(row.type, word)),
        (query.categories, lambda word: _like(row.category, word)),
        (query.tags, lambda word: any(_like(tag, word) for tag in row.tags)),
    )
    for words, test in checks:
        if words.any and not any(map(test, words.any)):
            return False
        if not all(map(test, words.all)) or any(map(test, words.none)):
            return False
    since, until = query.changed.since, query.changed.until
    return (since is None or row.timestamp >= since) and (until is None or row.timestamp <= until)


def _like(text: str, word: str) -> bool:
    if "%" not in word:
        return text == word
    parts = word.split("%")
    if not text.startswith(parts[0]) or not text.endswith(parts[-1]) or len(text) < len(parts[0]) + len(parts[-1]):
        return False
    place, end = len(parts[0]), len(text) - len(parts[-1])
    for part in parts[1:-1]:
        at = text.find(part, place, end)
        if at < 0:
            return False
        place = at + len(part)
    return True
