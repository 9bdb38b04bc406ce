"""Imported knowledge about values and actors: relationships of indicators, and what actors are said to use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec
import pyarrow as pa

from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.model.campaign import Kind
from seawall.model.campaign_source import CAMPAIGNS
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE
from seawall.warn.campaigns import EvidenceBook
from seawall.warn.campaigns.possible import Actor

PAGE = 1000
MAX_RELATIONSHIPS = 1_000_000
"""Read at most: ATT&CK has 20,000, all public galaxies together 60,000."""
MAX_TEXTS = 200  # aliases of one actor
ACTORS = frozenset({"intrusion-set", "threat-actor", "campaign"})
TOOLS = frozenset({"malware", "tool"})
TECHNIQUE = "attack-pattern"
Key = tuple[str, str]


class Knowledge:
    """What imported objects say."""

    def __init__(self) -> None:
        self.actors: list[Actor] = []
        self.related: dict[Key, set[str]] = defaultdict(set)  # value -> ids of actors
        self.markings: dict[Key, tuple[int, int]] = {}  # of the relationships that speak of a value
        self.origins: dict[Key, set[str]] = defaultdict(set)


class _Reference(msgspec.Struct):
    source_name: str = ""
    external_id: str = ""


class _Named(msgspec.Struct):
    name: str = ""
    aliases: list[str] = []
    external_references: list[_Reference] = []

    @property
    def technique(self) -> str | None:
        """The ATT&CK id of an attack pattern, where it has one."""
        known = (one.external_id for one in self.external_references if "attack" in one.source_name.lower())
        return next((one for one in known if one.startswith("T")), None)


class _Relation(msgspec.Struct):
    source_ref: str
    target_ref: str
    relationship_type: str = ""


class _Said(msgspec.Struct, frozen=True):
    relation: _Relation
    origin: str | None
    tlp: int
    pap: int


def read_knowledge(node: Node, book: EvidenceBook, keys: pa.Table, into: Knowledge) -> None:
    """Link values by what relationships of their indicators say, and list the actors with what they use."""
    named = dict(_named(node))
    said = list(_relations(node))
    values = _values_of(
        keys, book, {one.relation.source_ref for one in said} | {one.relation.target_ref for one in said}
    )
    uses: dict[str, list[str]] = defaultdict(list)
    for one in said:
        source, target = one.relation.source_ref, one.relation.target_ref
        if source.partition("--")[0] in ACTORS:
            uses[source].append(target)
        for value_id, object_id in ((source, target), (target, source)):
            for key in values.get(value_id, ()):
                _link(book, key, object_id, named, one, into)
    into.actors = [
        _actor(id, kind, held, uses.get(id, ()), named) for id, (kind, held) in named.items() if kind in ACTORS
    ]


def read_actors(node: Node) -> list[Actor]:
    """The actors of imported knowledge with what they are said to use."""
    named = dict(_named(node))
    uses: dict[str, list[str]] = defaultdict(list)
    if any(kind in ACTORS for kind, _ in named.values()):
        for one in _relations(node):
            uses[one.relation.source_ref].append(one.relation.target_ref)
    return [_actor(id, kind, held, uses.get(id, ()), named) for id, (kind, held) in named.items() if kind in ACTORS]


def _link(
    book: EvidenceBook, key: Key, object_id: str, named: dict[str, tuple[str, _Named]], said: _Said, into: Knowledge
) -> None:
    kind, held = named.get(object_id, (object_id.partition("--")[0], None))
    name = held.name if held is not None and held.name else object_id
    if kind in ACTORS:
        # an actor has many campaigns: only a relationship to a campaign says "one campaign"
        if kind == "campaign":
            # two peers may call different things alike, and one peer may borrow another's name
            told = name if said.origin is None else f"{name} ({object_id})"
            book.link(key, Kind.RELATION, told, peer=said.origin)
        into.related[key].add(object_id)
    elif kind in TOOLS:
        book.link(key, Kind.MALWARE, name, peer=said.origin)
    elif kind == TECHNIQUE and held is not None and held.technique is not None:
        book.link(key, Kind.TECHNIQUE, held.technique, peer=said.origin)
    else:
        return
    tlp, pap = into.markings.get(key, (0, 0))
    into.markings[key] = max(tlp, said.tlp), max(pap, said.pap)
    if said.origin is not None:
        into.origins[key].add(said.origin)


def _actor(id: str, kind: str, held: _Named, uses: Iterable[str], named: dict[str, tuple[str, _Named]]) -> Actor:
    used = [named[target] for target in uses if target in named]
    return Actor(
        id,
        held.name or id,
        kind,
        tuple(held.aliases[:MAX_TEXTS]),
        frozenset(one.technique for kind, one in used if kind == TECHNIQUE and one.technique is not None),
        frozenset(one.name for kind, one in used if kind in TOOLS and one.name),
    )


def _named(node: Node) -> Iterator[tuple[str, tuple[str, _Named]]]:
    """Actors, tools and techniques by id. What our own campaigns were released as is no knowledge of others."""
    after: int | None = 0
    while after is not None:
        page = node.store.objects.list(WHOLE_NODE, types=ACTORS | TOOLS | {TECHNIQUE}, after=after, limit=PAGE)
        for item in page.items:
            if not item.revoked and not _our_own(item):
                try:
                    yield item.id, (item.type, msgspec.json.decode(item.body, type=_Named))
                except UNREADABLE:
                    continue  # kept as it came; it names nothing that could be compared
        after = page.next


def _relations(node: Node) -> Iterator[_Said]:
    after: int | None = 0
    read = 0
    while after is not None and read < MAX_RELATIONSHIPS:
        page = node.store.objects.list(WHOLE_NODE, types=["relationship"], after=after, limit=PAGE)
        read += len(page.items)
        for item in page.items:
            if not item.revoked and not _our_own(item):
                try:
                    relation = msgspec.json.decode(item.body, type=_Relation)
                except UNREADABLE:
                    continue
                yield _Said(relation, item.origin, int(item.tlp), int(item.pap))
        after = page.next


def _our_own(item: StoredObject) -> bool:
    return item.origin is None and item.source == CAMPAIGNS


def _values_of(keys: pa.Table, book: EvidenceBook, ids: set[str]) -> dict[str, list[Key]]:
    """The known values of each indicator that a relationship speaks of."""
    found: dict[str, list[Key]] = defaultdict(list)
    columns = (keys[name].to_pylist() for name in ("indicator_id", "type", "value"))
    for id, type, value in zip(*columns, strict=True):
        if id in ids and (type, value) in book:
            found[id].append((type, value))
    return found
