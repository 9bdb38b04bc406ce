"""Recalls and what the tiers of an overlap told: it stands in no outbox, and is taken back all the same.

Sender: who was told more of a value than that it matched (tiers 2 and 3) is a receiver of the recall of our sighting of
it, or of the candidate behind that, by the same notice and with the same receipt. Receiver: the peer's word leaves its
books, warnings are drawn anew without it, and the item says so; that both hold the value stays known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from seawall.codec.sharing import candidate_id, indicator_values, read_sighting
from seawall.flow.node import Node
from seawall.identity import read_card
from seawall.model import Fault, Observable
from seawall.model.overlap import OverlapItem, Tier
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE
from seawall.store.values import version_moment

PAGE = 10_000
TAKEN_BACK = "the peer took back what it told of it"
WE_TOOK_BACK = "it was taken back from this peer"


class ToldOf(msgspec.Struct, frozen=True):
    """One object of ours that tiers told of: its newest version, the candidate it is about, and who was told."""

    version: str
    candidate: str
    items: tuple[OverlapItem, ...]


def told_of(node: Node, object_ids: Iterable[str]) -> dict[str, ToldOf]:
    """Of these objects, those of which tiers told any peer."""
    held = node.store.objects.latest(object_ids)
    behind = {id: about for id, item in held.items() if (about := _candidate_of(node, item)) is not None}
    indicators = node.store.objects.latest(set(behind.values()))
    values = {id: _value_of(node, indicators[id]) for id in indicators}
    told: dict[tuple[str, str], list[OverlapItem]] = {}
    for item in node.store.overlaps.told([(one.type, one.value) for one in values.values() if one is not None]):
        told.setdefault((item.type.value, item.value), []).append(item)
    found: dict[str, ToldOf] = {}
    for id, indicator in behind.items():
        value = values.get(indicator)
        if value is not None and (items := told.get((value.type.value, value.value))):
            found[id] = ToldOf(held[id].version, indicator, tuple(items))
    return found


def told_in(node: Node, peer: str, circles: Collection[str] | None) -> tuple[str, ...]:
    """The circles, of these or of all, in which this peer may have been told: those that seat it."""
    return tuple(
        terms.name
        for terms in node.store.circles.list()
        if peer in terms.members and (circles is None or terms.name in circles)
    )


def keep_taken_back(node: Node, items: Iterable[OverlapItem]) -> None:
    """Our side of it: nothing more of these values goes to these peers by itself."""
    node.store.overlaps.change(
        [msgspec.structs.replace(item, permitted=item.given, reason=WE_TOOK_BACK) for item in items]
    )


def taken_from(node: Node, peer: str) -> Mapping[str, OverlapItem]:
    """Candidate's id -> the item of which this peer told us by tiers."""
    identity = read_card(node.store.peers.get(peer).card).identity_id
    found: dict[str, OverlapItem] = {}
    after: int | None = 0
    while after is not None:
        page = node.store.overlaps.list(peer, after=after, limit=PAGE)
        for item in page.items:
            if item.taken > Tier.MATCHED:
                found[candidate_id(identity, Observable(item.type, item.value))] = item
        after = page.next
    return found


def forget_told(node: Node, peer: str, candidate: str, item: OverlapItem) -> bool:
    """Take what the peer told of a value out of our books; whether anything was there."""
    gone = node.store.taking_back.forget_sightings(peer, [Observable(item.type, item.value)], candidate)
    node.store.overlaps.change([msgspec.structs.replace(item, taken=Tier.MATCHED, taken_at=None, reason=TAKEN_BACK)])
    return bool(gone) or item.taken > Tier.MATCHED


def was_taken_back(node: Node, peer: str, object_ids: Iterable[str], version: str) -> bool:
    """Whether this peer took back what it tells in this version only now: a recall overtakes messages on their way."""
    told = version_moment(version)
    return any(
        row.peer == peer and told <= max(row.at, version_moment(row.version))
        for id in object_ids
        for row in node.store.recalls.list(object_id=id, ours=False, limit=PAGE).items
    )


def _candidate_of(node: Node, item: StoredObject) -> str | None:
    """The indicator that stands for the value: of our own sighting, or the object itself."""
    if item.origin is not None or item.created_by != node.keys.identity_id:
        return None
    if item.type == "indicator":
        return item.id
    return read_sighting(item.body).sighting_of_ref if item.type == "sighting" else None


def _value_of(node: Node, indicator: StoredObject) -> Observable | None:
    """The value of a candidate of ours; None for any other indicator, and for one that was revoked and emptied."""
    try:
        values = indicator_values(indicator.body)
    except (Fault, *UNREADABLE):
        return None
    return next((one for one in values if candidate_id(node.keys.identity_id, one) == indicator.id), None)
