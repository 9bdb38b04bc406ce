"""A peer that may have been broken into: all that it sent since then stops counting here, and can be given back.

The order: (1) what came since is looked up; (2) the peer is suspended; (3) each word, object and sighting is set aside,
whole, before it is taken out; (4) what was drawn from it draws itself anew: sightings, warnings, blocks; (5) who got
anything made from it is named, because they have to be told. ``--dry-run`` does (1) and (5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from seawall.codec.sharing import indicator_values, read_sighting
from seawall.flow.context import WHOLE_NODE, find_objects
from seawall.flow.incoming import sightings_told
from seawall.flow.node import Node
from seawall.flow.refresh import refresh_if_possible
from seawall.ledger import EventKind
from seawall.model import Observable, Refused, SightingSummary, rfc3339, to_microseconds
from seawall.model.indicator import IndicatorEntry
from seawall.model.moments import parse_moment
from seawall.model.peer import PeerState
from seawall.model.stored import StoredObject

PAGE = 1_000
MAX_IDS = 100  # object ids shown for each receiver
NOTE = "compromised:{peer}"


class Incident(msgspec.Struct, frozen=True):
    """What stands while a quarantine stands. Moments in microseconds UTC."""

    since: int
    at: int
    by: str


class _Word(msgspec.Struct):
    source: str
    entry: IndicatorEntry


class _Sent(msgspec.Struct):
    """What a peer sent of one object since the moment, and what of it is held."""

    id: str
    versions: set[str]
    words: tuple[tuple[str, IndicatorEntry], ...] = ()
    objects: tuple[StoredObject, ...] = ()
    sightings: tuple[SightingSummary, ...] = ()


def mark_compromised(node: Node, name: str, since: str, *, dry_run: bool = False) -> dict[str, object]:
    """Set aside all that a peer sent since a moment (RFC 3339) and suspend it; ``dry_run``: only say what that is.

    Raises Fault E-MODEL-001 for a moment that cannot be read, Refused E-FLOW-331 while an earlier quarantine stands,
    NotFound for nobody.
    """
    from seawall.flow.ending import end_relation  # brings the exchange, which a look at peers does without

    person = node.require("manage-peers")
    if node.store.mail_peers.find(name) is None:
        node.store.peers.get(name)
    moment = to_microseconds(parse_moment(since))
    if incident_of(node, name) is not None:
        raise Refused(
            "E-FLOW-331",
            "{name} is under quarantine already; undo it first: 'seawall peers compromised {name} --undo'.",
            name=name,
        )
    found = list(_sent(node, name, moment))
    document = _summary(node, name, moment, found)
    if dry_run:
        return {**document, "dry_run": True, "state": _state(node, name)}
    end_relation(node, name, PeerState.SUSPENDED)
    incident = Incident(moment, node.clock(), person.name)
    node.store.notes.set(NOTE.format(peer=name), msgspec.json.encode(incident).decode())
    node.store.set_aside.put(name, (kept for one in found for kept in _kept(one)), node.clock())
    _take_out(node, name, found)
    counts = {key: document[key] for key in ("objects", "words", "sightings")}
    details: dict[str, str | int | list[str]] = {key: int(str(value)) for key, value in counts.items()}
    node.event(EventKind.PEER_COMPROMISED, name, since=rfc3339(moment), **details)
    unprepared = refresh_if_possible(node)
    return {
        **document,
        "dry_run": False,
        "state": _state(node, name),
        "problems": [] if unprepared is None else [str(unprepared)],
    }


def undo_compromised(node: Node, name: str) -> dict[str, object]:
    """Give back what was set aside. The peer stays suspended: two people verify it again.

    Raises Refused E-FLOW-332 when no quarantine stands.
    """
    node.require("manage-peers")
    incident = incident_of(node, name)
    if incident is None:
        raise Refused("E-FLOW-332", "Nothing of {name} is set aside.", name=ascii(name[:64]))
    counts: Counter[str] = Counter()
    after = 0
    while rows := node.store.set_aside.list(name, after=after, limit=PAGE):
        after = rows[-1][0]
        for _, kind, body in rows:
            _give_back(node, kind, body)
            counts[kind] += 1
    node.store.set_aside.clear(name)
    node.store.notes.delete(NOTE.format(peer=name))
    node.event(EventKind.PEER_CLEARED, name, since=rfc3339(incident.since), **counts)
    refresh_if_possible(node)
    return {
        "peer": name,
        "since": rfc3339(incident.since),
        "state": _state(node, name),
        "objects": counts["object"],
        "words": counts["word"],
        "sightings": counts["sighting"],
    }


def incident_of(node: Node, name: str) -> Incident | None:
    """The quarantine that stands; None for none."""
    text = node.store.notes.get(NOTE.format(peer=name))
    return msgspec.json.decode(text, type=Incident) if text else None


def _state(node: Node, name: str) -> str:
    by_mail = node.store.mail_peers.find(name)
    return (by_mail.state if by_mail is not None else node.store.peers.get(name).state).value


def _sent(node: Node, name: str, since: int) -> Iterator[_Sent]:
    """Object by object, sightings first: they are read through the indicators that they name."""
    versions: dict[str, set[str]] = {}
    after = 0
    while rows := node.store.received.from_peer(name, after=after, limit=PAGE):
        after = rows[-1][0]
        for _, _, object_id, version, at in rows:
            if at >= since:
                versions.setdefault(object_id, set()).add(version)
    back = node.store.taking_back
    for object_id in sorted(versions, key=lambda id: (not id.startswith("sighting--"), id)):
        one = _Sent(object_id, versions[object_id])
        one.words = back.said(name, object_id)
        one.objects = back.versions_of(name, object_id, one.versions)
        one.sightings = tuple(_sightings(node, name, one))
        if one.words or one.objects or one.sightings:
            yield one


def _sightings(node: Node, name: str, one: _Sent) -> Iterable[SightingSummary]:
    values = {Observable(entry.type, entry.value) for _, entry in one.words}
    for item in one.objects:
        if item.type == "sighting":
            named = read_sighting(item.body).sighting_of_ref
            values |= {Observable(entry.type, entry.value) for entry in node.store.indicators.by_id(named)}
            for held in find_objects(node, named):
                values |= set(indicator_values(held.body)) if held.type == "indicator" else set()
    for value in sorted(values, key=lambda value: (value.type.value, value.value)):
        for told in node.store.sightings.of(value.type, value.value, visibility=WHOLE_NODE):
            if told.origin == name and (one.id.startswith("sighting--") or told.indicator_id == one.id):
                yield told


def _kept(one: _Sent) -> Iterator[tuple[str, str, bytes]]:
    for item in one.objects:
        yield "object", f"{item.id} {item.version}", msgspec.json.encode(item)
    for source, entry in one.words:
        key = f"{entry.type.value} {entry.value} {source} {one.id}"
        yield "word", key, msgspec.json.encode(_Word(source, entry))
    for told in one.sightings:
        yield "sighting", f"{told.type.value} {told.value} {told.side}", msgspec.json.encode(told)


def _take_out(node: Node, name: str, found: list[_Sent]) -> None:
    back = node.store.taking_back
    back.forget_sightings(name, [Observable(told.type, told.value) for one in found for told in one.sightings])
    back.withdraw_words(
        (Observable(entry.type, entry.value), source, one.id) for one in found for source, entry in one.words
    )
    for one in found:
        if one.objects and back.remove_versions(name, one.id, one.versions):
            earlier = [item for item in find_objects(node, one.id) if item.type == "sighting" and item.origin == name]
            node.store.sightings.put(sightings_told(node, earlier))


def _give_back(node: Node, kind: str, body: bytes) -> None:
    if kind == "object":
        node.store.objects.put([msgspec.json.decode(body, type=StoredObject)])
    elif kind == "word":
        word = msgspec.json.decode(body, type=_Word)
        node.store.indicators.put([word.entry], source=word.source, at=node.clock())
    else:
        node.store.sightings.put([msgspec.json.decode(body, type=SightingSummary)])


def _summary(node: Node, name: str, since: int, found: list[_Sent]) -> dict[str, object]:
    ids = [one.id for one in found]
    derived = _derived(node, ids)
    told: dict[str, set[str]] = {}
    for object_id in [*ids, *derived]:
        for row in node.store.recalls.sent(object_id):
            for receiver in row.recipients or node.store.circles.get(row.circle).members:
                if receiver != name:
                    told.setdefault(receiver, set()).add(object_id)
    return {
        "peer": name,
        "since": rfc3339(since),
        "objects": sum(len(one.objects) for one in found),
        "words": sum(len(one.words) for one in found),
        "sightings": sum(len(one.sightings) for one in found),
        "by_type": dict(sorted(Counter(id.partition("--")[0] for id in ids).items())),
        "derived": derived[:MAX_IDS],
        "derived_count": len(derived),
        "must_be_told": [
            {"receiver": receiver, "objects": len(objects), "ids": sorted(objects)[:MAX_IDS]}
            for receiver, objects in sorted(told.items())
        ],
    }


def _derived(node: Node, ids: list[str]) -> list[str]:
    """Everything made from these objects, and from that."""
    found: set[str] = set()
    waiting = ids
    while waiting:
        made = {id for derived in node.store.descent.derived(waiting).values() for id in derived}
        waiting = sorted(made - found - set(ids))
        found |= made
    return sorted(found - set(ids))
