"""Sightings of ours for a MISP: what our sensors saw of a value, told to whoever may know, as MISP's own sightings.

A page of them is one recorded release. What a MISP was told it shows with a mark that means something to us alone, so
that our own word does not come back as somebody else's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from seawall.codec.sharing import indicator_values
from seawall.exchange.misp import Sighted
from seawall.flow.context import find_objects, page_markings, release_context
from seawall.flow.misp_servers import SIGHTED, MispServer
from seawall.flow.node import Node
from seawall.model import Actor, Recorded, Release, ReleasedObject, to_microseconds
from seawall.model.circle import CircleTerms
from seawall.model.moments import parse_moment
from seawall.model.outbox import OutboxFilter
from seawall.model.stored import StoredObject
from seawall.policy import OwnUseItem, own_use, page_release

PAGE = 500  # objects looked at for one release; so many sightings at most are told twice when a run is killed
MAX_TOLD = 1_000  # by one run, about: a first run on years of findings must end
MAX_VALUES = 16  # of one indicator
SECOND = 1_000_000  # microseconds
Told = tuple[Recorded[Release], list[Sighted]]


class _Sighting(msgspec.Struct):
    sighting_of_ref: str = ""
    last_seen: str | None = None
    count: int = 1
    revoked: bool = False


def mark(node: Node, server: MispServer) -> str:
    """The source that stands with our sightings there: it names neither node nor sensor."""
    digest = hashlib.sha256(f"{node.keys.node_id} {server.name}".encode()).hexdigest()
    return f"seawall:{digest[:16]}"


def own_sightings(node: Node, server: MispServer, actor: Actor) -> Iterator[Told]:
    """Those up to the ceiling, for our own organisation's MISP."""
    after, told = _cursor(node, server), 0
    while told < MAX_TOLD and (page := node.store.objects.changed_since(after, PAGE)).items:
        seen = _ours(node, page.items)
        items = [
            OwnUseItem(ReleasedObject(item.id, item.version, item.body), item.type, marked.tlp, marked.pap)
            for item, marked in zip(seen, page_markings(node, seen), strict=True)
            if marked.tlp is not None and marked.tlp <= server.ceiling
        ]
        said = _said(node, server, ((item.object.id, item.object.body) for item in items))
        decision = own_use(actor, [item for item in items if item.object.id in said], node.clock())
        node.ledger.record_many(decision.withheld)
        for release in decision.releases:
            yield _told(node, release, said)
            told += len(said)
        after = page.items[-1].sequence
        _keep(node, server, after)


def circle_sightings(node: Node, server: MispServer, terms: CircleTerms) -> Iterator[Told]:
    """Those that stand in the circle's outbox for a MISP of others."""
    only, told = OutboxFilter(types=("sighting",)), 0
    while told < MAX_TOLD:
        after = _cursor(node, server) or None
        page = node.store.outbox.page(terms.name, server.name, added_after=after, match=only, limit=PAGE)
        if page.last_added is None:
            return
        ours = {item.id for item in _ours(node, node.store.objects.latest(row.object_id for row in page.rows).values())}
        said = _said(node, server, ((row.object_id, row.body) for row in page.rows if row.object_id in ours))
        rows = [row for row in page.rows if row.object_id in said]
        release = page_release(rows, server.name, terms, release_context(node, terms, server.name)) if rows else None
        if release is not None:
            yield _told(node, release, said)
            told += len(said)
        _keep(node, server, page.last_added)


def _ours(node: Node, items: Iterable[StoredObject]) -> list[StoredObject]:
    identity = node.keys.identity_id
    return [item for item in items if item.type == "sighting" and item.origin is None and item.created_by == identity]


def _said(node: Node, server: MispServer, given: Iterable[tuple[str, bytes]]) -> dict[str, Sighted]:
    """What a MISP can be told of these sightings (id, body), by id; one that was withdrawn cannot be taken back."""
    source = mark(node, server)
    found: dict[str, Sighted] = {}
    for id, raw in given:
        body = msgspec.json.decode(raw, type=_Sighting)
        if body.revoked or body.count < 1 or body.last_seen is None:
            continue
        if values := _values(node, body.sighting_of_ref):
            found[id] = Sighted(id, values, to_microseconds(parse_moment(body.last_seen)) // SECOND, source)
    return found


def _told(node: Node, release: Release, said: dict[str, Sighted]) -> Told:
    recorded = node.ledger.record(release)
    return recorded, [said[item.id] for item in recorded.value.objects]


def _values(node: Node, indicator: str) -> tuple[str, ...]:
    """What the indicator looks for."""
    bodies = [held.body for held in find_objects(node, indicator)] if indicator.startswith("indicator--") else []
    values = dict.fromkeys(one.value for body in bodies[:1] for one in indicator_values(body))
    return tuple(values)[:MAX_VALUES]


def _cursor(node: Node, server: MispServer) -> int:
    return int(node.store.notes.get(SIGHTED.format(name=server.name)) or 0)


def _keep(node: Node, server: MispServer, after: int) -> None:
    node.store.notes.set(SIGHTED.format(name=server.name), str(after))
