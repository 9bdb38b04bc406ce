"""From what our sensors found to STIX objects in the store that a circle may ask for.

Only candidates and sightings of indicators come through here (rule 3); whether they leave is decided later, object by
object, in ``outgoing``.
"""

from __future__ import annotations

import msgspec
import pyarrow as pa

from seawall.codec.sharing import candidate_indicator, encode, sighting_of, withdrawn_sighting
from seawall.flow.context import WHOLE_NODE
from seawall.flow.hit_rows import with_hits
from seawall.flow.node import Node
from seawall.flow.screens import node_screens
from seawall.flow.warning import confirmed, echoes
from seawall.match import candidate_table, sighting_table, summaries
from seawall.model import Observable, Pap, SightingSummary, Tlp
from seawall.model.answer import ANSWERS
from seawall.model.stix.versioning import timestamp
from seawall.model.stored import StoredObject
from seawall.model.technique_source import TECHNIQUES

BATCH = 1_000  # objects compared and stored together


class _Told(msgspec.Struct):
    """The part of a stored sighting that decides whether it must be told anew."""

    first_seen: str
    count: int
    extensions: dict[str, dict[str, object]] = {}


def prepare_findings(node: Node) -> int:
    """Store the STIX form of every candidate and sighting that is new or has grown; returns how many objects changed.

    A sighting is told anew when it was seen earlier than told, in another sector, or twice as often. What was told and
    is no candidate any more (it turned out popular, or a scanner) is withdrawn, and comes back when it is one again.
    """
    with node.lake.reading() as session:
        screens = node_screens(node)
        found = candidate_table(session, screens, tlp=Tlp.AMBER, pap=Pap.GREEN)
        sensors = found["sensors"].to_pylist()
        ours = list(zip(summaries(found), sensors, strict=True))
        keys = node.store.indicators.keys()
        seen = _believed(node, with_hits(node, sighting_table(session, keys), keys))
        ours += list(zip(summaries(seen), seen["sensors"].to_pylist(), strict=True))
    changed, standing = _tell(node, ours)
    return changed + _withdraw(node, standing)


def tell_candidates(node: Node, found: pa.Table) -> int:
    """As ``prepare_findings`` for these candidates alone (FINDING_SCHEMA); nothing is withdrawn."""
    return _tell(node, list(zip(summaries(found), found["sensors"].to_pylist(), strict=True)))[0]


def _tell(node: Node, ours: list[tuple[SightingSummary, int | None]]) -> tuple[int, set[str]]:
    """Store what is new or has grown of our sightings and how many sensors stand behind each; (how many objects
    changed, the sightings that stand)."""
    changed = 0
    pending: list[StoredObject] = []
    done: set[tuple[str, str, str]] = set()
    standing: set[str] = set()
    for summary, count in ours:
        key = (summary.type.value, summary.value, summary.side)
        if key in done or summary.origin is not None:
            continue  # an indicator's sighting and a candidate of the same value: one sighting is enough
        done.add(key)
        made = _objects(node, summary, int(count or 0))
        standing.add(made[-1].id)
        pending += made
        if len(pending) >= BATCH:
            changed += _keep(node, pending)
            pending = []
    return changed + _keep(node, pending), standing


def _believed(node: Node, seen: pa.Table) -> pa.Table:
    """Of what we met because a peer named it as its candidate, only what we hold a warning about ourselves.

    The peer cannot know who else meets the value here and notices nothing; we do, and confirm only what stands that.
    """
    echoed = echoes(node, seen)
    if not any(echoed):
        return seen
    believed = confirmed(node)
    keys = zip(seen["type"].to_pylist(), seen["value"].to_pylist(), strict=True)
    return seen.filter(pa.array([not echo or key in believed for echo, key in zip(echoed, keys, strict=True)]))


def _withdraw(node: Node, standing: set[str]) -> int:
    """Take back our own sightings that no longer stand."""
    at = node.clock()
    stale: list[StoredObject] = []
    after: int | None = 0
    while after is not None:
        page = node.store.objects.list(WHOLE_NODE, types=("sighting",), after=after, limit=BATCH)
        for held in page.items:
            ours = (
                held.origin is None
                and held.created_by == node.keys.identity_id
                and held.source not in (ANSWERS, TECHNIQUES)
            )
            if ours and held.id not in standing and msgspec.json.decode(held.body, type=_Told).count > 0:
                body = withdrawn_sighting(held.body, at)
                stale.append(
                    msgspec.structs.replace(held, body=encode(body), version=str(body["modified"]), stored_at=at)
                )
        after = page.next
    return node.store.objects.put(stale).updated


def _objects(node: Node, seen: SightingSummary, sensors: int) -> list[StoredObject]:
    identity = node.keys.identity_id
    made: list[StoredObject] = []
    at = node.clock()
    indicator_id = seen.indicator_id
    if indicator_id is None:
        value = Observable(seen.type, seen.value)
        body = candidate_indicator(value, identity=identity, created=seen.first_seen, tlp=seen.tlp, pap=seen.pap)
        indicator_id = str(body["id"])
        made.append(_stored(body, seen, at, inputs=()))
    sighting = sighting_of(seen, indicator_id=indicator_id, identity=identity, sensors=sensors, modified=at)
    made.append(_stored(sighting, seen, at, inputs=(indicator_id,)))
    return made


def _stored(body: dict[str, object], seen: SightingSummary, at: int, *, inputs: tuple[str, ...]) -> StoredObject:
    return StoredObject(
        id=str(body["id"]),
        type=str(body["type"]),
        version=str(body["modified"]),
        created_by=str(body["created_by_ref"]),
        body=encode(body),
        tlp=seen.tlp,
        pap=seen.pap,
        stored_at=at,
        inputs=inputs,
        excluded=seen.excluded,
    )


def _keep(node: Node, made: list[StoredObject]) -> int:
    held = node.store.objects.latest([item.id for item in made])
    fresh = [item for item in made if item.id not in held or _grown(item, held[item.id])]
    back = {
        item.inputs[0]
        for item in fresh
        if item.type == "sighting"
        and item.id in held
        and msgspec.json.decode(held[item.id].body, type=_Told).count == 0
    }
    fresh += [_told_again(item) for item in made if item.id in back]
    counts = node.store.objects.put([_next_version(item, held.get(item.id)) for item in fresh])
    return counts.new + counts.updated


def _next_version(item: StoredObject, held: StoredObject | None) -> StoredObject:
    """``created`` never changes between versions (STIX 2.1 section 3.6), also when we learn of an earlier sight."""
    if held is None:
        return item
    body = msgspec.json.decode(item.body, type=dict[str, object])
    body["created"] = msgspec.json.decode(held.body, type=dict[str, object])["created"]
    return msgspec.structs.replace(item, body=encode(body))


def _told_again(item: StoredObject) -> StoredObject:
    """The next version of a candidate's indicator whose sighting had been withdrawn."""
    body = msgspec.json.decode(item.body, type=dict[str, object])
    body["modified"] = timestamp(item.stored_at)
    return msgspec.structs.replace(item, body=encode(body), version=timestamp(item.stored_at))


def _grown(item: StoredObject, held: StoredObject) -> bool:
    if item.type != "sighting":
        return item.tlp != held.tlp or item.pap != held.pap
    now = msgspec.json.decode(item.body, type=_Told)
    told = msgspec.json.decode(held.body, type=_Told)
    return (
        now.first_seen < told.first_seen
        or now.count >= 2 * told.count
        or _sectors(now) != _sectors(told)
        or (item.tlp, item.pap) != (held.tlp, held.pap)
    )


def _sectors(told: _Told) -> frozenset[str]:
    return frozenset(
        str(sector) for extension in told.extensions.values() for sector in _as_list(extension.get("sectors"))
    )


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
