"""Technique sightings: what an analyst enters, what signatures and imported objects say, and what peers told.

No value stands in any of them. Ours become STIX objects (``codec.technique_sightings``) that leave as all others do: by
a person's release or a standing one, under the terms of the circle, recorded first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from seawall.codec.sharing import encode
from seawall.codec.technique_sightings import (
    MAX_NOTE,
    MAX_SEQUENCE,
    MAX_TOOL,
    MAX_TOOLS,
    TECHNIQUE,
    Pattern,
    Told,
    objects_of,
)
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.model import Fault, Pap, Tlp, to_microseconds
from seawall.model.campaign import TechniqueSighting
from seawall.model.moments import parse_moment
from seawall.model.stix.ids import derived_id
from seawall.model.stored import StoredObject
from seawall.model.technique_source import TECHNIQUES
from seawall.model.unreadable import UNREADABLE

READ = "techniques-read"
"""Key of the note that says up to which object sightings of techniques were read."""
PAGE = 1000
MAX_WAITING = 10_000
"""Sightings kept in mind whose attack pattern has not come yet."""
DAY = 86_400_000_000
TOGETHER = 7 * DAY
"""Single techniques that one source saw at one place within a week are one sequence."""
LEAST = 2
"""Techniques of one machine that telemetry must show to be a sequence at all."""
MAX_SECTOR = 64


class _Read(msgspec.Struct):
    """How far objects were read, which sightings wait for their attack pattern, and which lake was read."""

    sequence: int = 0
    waiting: list[str] = []
    lake: int = -1


def add(
    node: Node,
    *,
    sequence: str,
    sector: str,
    tools: Iterable[str] = (),
    note: str = "",
    side: str | None = None,
    at: str | None = None,
    tlp: str = "amber",
    pap: str = "amber",
) -> dict[str, object]:
    """An analyst's sighting, kept and made ready for release; JSON: id, sequence, sector ... objects (STIX ids).

    Raises Fault E-FLOW-809 for what is no technique, E-FLOW-810 for a sequence of none or too many, E-FLOW-811 for a
    text that is too long or a sector that is no word.
    """
    person = node.require("import")
    techniques = tuple(dict.fromkeys(part.strip().upper() for part in sequence.split(",") if part.strip()))
    for one in techniques:
        if not TECHNIQUE.fullmatch(one):
            raise Fault("E-FLOW-809", "{given} is no ATT&CK technique; write T1190 or T1505.003.", given=repr(one[:40]))
    if not 1 <= len(techniques) <= MAX_SEQUENCE:
        raise Fault("E-FLOW-810", "A sequence has one to {most} techniques.", most=MAX_SEQUENCE)
    named = tuple(dict.fromkeys(tool.strip() for tool in tools if tool.strip()))
    long = len(note) > MAX_NOTE or len(named) > MAX_TOOLS or any(len(tool) > MAX_TOOL for tool in named)
    if long or not sector.strip() or len(sector) > MAX_SECTOR:
        raise Fault("E-FLOW-811", "The sector is missing, or a text is longer than {most} characters.", most=MAX_NOTE)
    moment = node.clock() if at is None else to_microseconds(parse_moment(at))
    where = side or node.side
    key = (where, sector, *techniques, "", *named)
    seen = TechniqueSighting(
        id=derived_id("sighting", node.keys.identity_id, "techniques", *key),
        sequence=techniques,
        side=where,
        sectors=(sector.strip(),),
        first_seen=moment,
        last_seen=moment,
        tools=named,
        note=note,
        source="analyst",
        tlp=Tlp.parse(tlp),
        pap=Pap.parse(pap),
        entered_by=person.name,
    )
    node.store.technique_sightings.put([seen])
    made = _offer(node, seen)
    return {**msgspec.to_builtins(seen), "tlp": seen.tlp.label, "pap": seen.pap.label, "objects": made}


def _offer(node: Node, seen: TechniqueSighting) -> list[str]:
    """The STIX objects of a sighting of ours, in the store, where release finds them."""
    at = node.clock()
    bodies = objects_of(seen, identity=node.keys.identity_id, at=at)
    inputs: tuple[str, ...] = ()
    stored = []
    for body in bodies:
        stored.append(
            StoredObject(
                id=str(body["id"]),
                type=str(body["type"]),
                version=str(body["modified"]),
                created_by=node.keys.identity_id,
                body=encode(body),
                tlp=seen.tlp,
                pap=seen.pap,
                source=TECHNIQUES,
                stored_at=at,
                inputs=inputs,
            )
        )
        inputs = (str(body["id"]),)
    node.store.objects.put(stored)
    return [item.id for item in stored]


def collect(node: Node) -> None:
    """Take in what is new: sightings of attack patterns among objects, and techniques that our sensors named."""
    text = node.store.notes.get(READ)
    state = _Read() if text is None else msgspec.json.decode(text, type=_Read)
    waiting = node.store.objects.latest(state.waiting)
    fresh: list[StoredObject] = list(waiting.values())
    after: int | None = state.sequence
    while after is not None:
        page = node.store.objects.list(WHOLE_NODE, types=["sighting"], after=after, limit=PAGE)
        fresh += [item for item in page.items if b'"attack-pattern--' in item.body]
        state.sequence = page.items[-1].sequence if page.items else state.sequence
        after = page.next
    state.waiting = _from_objects(node, fresh)
    with node.lake.reading() as session:
        if session.generation != state.lake:
            node.store.technique_sightings.put(_from_lake(node, session.sql(_SEQUENCES.format(
                rows=session.observations())).to_pylist()))  # fmt: skip
            state.lake = session.generation
    node.store.notes.set(READ, msgspec.json.encode(state).decode())


def _from_objects(node: Node, items: Iterable[StoredObject]) -> list[str]:
    """Keep what sightings of attack patterns say; returns those whose pattern is not here yet."""
    told: list[tuple[StoredObject, Told]] = []
    gone: list[str] = []
    for item in items:
        if item.origin is None and item.source == TECHNIQUES:
            continue  # our own word
        try:
            read = msgspec.json.decode(item.body, type=Told)
        except UNREADABLE:
            continue
        if item.revoked or read.count == 0:
            gone.append(item.id)
        elif read.sighting_of_ref.startswith("attack-pattern--"):
            told.append((item, read))
    patterns = node.store.objects.latest({read.sighting_of_ref for _, read in told})
    singles: dict[tuple[str, ...], list[TechniqueSighting]] = defaultdict(list)
    whole: list[TechniqueSighting] = []
    missing: list[str] = []
    for item, read in told:
        if (held := patterns.get(read.sighting_of_ref)) is None:
            missing.append(item.id)
            continue
        seen = _seen(item, read, held)
        if len(seen.sequence) > 1:
            whole.append(seen)
        elif seen.sequence:
            place = (item.origin or "", item.source or "", read.created_by_ref, *sorted(read.where_sighted_refs))
            singles[place].append(seen)
    node.store.technique_sightings.put([*whole, *_together(singles)])
    node.store.technique_sightings.remove(gone)
    return missing[:MAX_WAITING]


def _seen(item: StoredObject, read: Told, held: StoredObject) -> TechniqueSighting:
    try:
        pattern = msgspec.json.decode(held.body, type=Pattern)
    except UNREADABLE:
        pattern = Pattern()
    first = _moment(read.first_seen) or _moment(read.created) or item.stored_at
    return TechniqueSighting(
        id=item.id,
        sequence=pattern.sequence,
        side=item.origin or item.source or "imported",
        sectors=read.sectors,
        first_seen=first,
        last_seen=max(first, _moment(read.last_seen) or first),
        tools=tuple(one[:MAX_TOOL] for one in pattern.aliases[:MAX_TOOLS]),
        note=pattern.description[:MAX_NOTE],
        source=read.sighting_of_ref,
        origin=item.origin,
        tlp=max(item.tlp, held.tlp),
        pap=max(item.pap, held.pap),
    )


def _together(singles: dict[tuple[str, ...], list[TechniqueSighting]]) -> Iterator[TechniqueSighting]:
    """Single techniques of one source at one place as sequences, cut where a week passes without any."""
    for found in singles.values():
        run: list[TechniqueSighting] = []
        for seen in sorted(found, key=lambda one: (one.first_seen, one.id)):
            if run and seen.first_seen - run[-1].first_seen > TOGETHER:
                yield _one(run)
                run = []
            run.append(seen)
        yield _one(run)


def _one(run: list[TechniqueSighting]) -> TechniqueSighting:
    return msgspec.structs.replace(
        run[0],
        sequence=tuple(dict.fromkeys(name for seen in run for name in seen.sequence))[:MAX_SEQUENCE],
        sectors=tuple(dict.fromkeys(sector for seen in run for sector in seen.sectors)),
        last_seen=max(seen.last_seen for seen in run),
        tlp=max(seen.tlp for seen in run),
        pap=max(seen.pap for seen in run),
    )


_SEQUENCES = """
SELECT side, sector, own_h, own_l, list(technique ORDER BY first, technique) AS techniques, min(first) AS first,
max(last) AS last FROM (
  SELECT side, sector, own_h, own_l, technique, min(time) AS first, max(time) AS last FROM (
    SELECT o.side, o.sector, o.time, trim(unnest(string_split(o.technique, ','))) AS technique,
    CASE o.own_end WHEN 'source' THEN o.src_high WHEN 'destination' THEN o.dst_high END AS own_h,
    CASE o.own_end WHEN 'source' THEN o.src_low WHEN 'destination' THEN o.dst_low END AS own_l
    FROM {rows} AS o WHERE o.technique IS NOT NULL AND o.basis <> 'none'
  ) WHERE own_l IS NOT NULL AND technique <> '' GROUP BY side, sector, own_h, own_l, technique
) GROUP BY side, sector, own_h, own_l HAVING count(*) >= 2
"""
"""What the sensors' signatures named at one machine of ours, in order of first appearance."""


def _from_lake(node: Node, rows: Iterable[dict[str, object]]) -> list[TechniqueSighting]:
    """One sighting for each side and sequence; which machine of ours it was is not kept."""
    found: dict[tuple[str, tuple[str, ...]], TechniqueSighting] = {}
    for row in msgspec.convert(list(rows), list[_Row]):
        sequence = tuple(one for one in dict.fromkeys(row.techniques) if TECHNIQUE.fullmatch(one))[:MAX_SEQUENCE]
        if len(sequence) < LEAST:
            continue
        before = found.get((row.side, sequence))
        found[row.side, sequence] = TechniqueSighting(
            id=derived_id("sighting", node.keys.identity_id, "telemetry", row.side, *sequence),
            sequence=sequence,
            side=row.side,
            sectors=tuple(dict.fromkeys([*(before.sectors if before else ()), row.sector])),
            first_seen=min(row.first, before.first_seen if before else row.first),
            last_seen=max(row.last, before.last_seen if before else row.last),
            source="telemetry",
        )
    return list(found.values())


class _Row(msgspec.Struct):
    side: str
    sector: str
    techniques: list[str]
    first: int
    last: int


def _moment(text: str) -> int | None:
    try:
        return to_microseconds(parse_moment(text)) if text else None
    except Fault:
        return None
