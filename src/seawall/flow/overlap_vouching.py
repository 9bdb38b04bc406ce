"""What a peer's evidence is worth: its openings are checked, and what it tells of vouched values is taken in.

An opening that does not hold is an alarm on the ledger; what a peer tells goes past inbound policy, and is not taken in
when a recall of it came before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from seawall.codec.sharing import candidate_id, read_sighting
from seawall.exchange import Declined
from seawall.flow.budgets import spend_hot
from seawall.flow.context import WHOLE_NODE
from seawall.flow.incoming import admit_one, sighting_told_of
from seawall.flow.node import Node
from seawall.flow.overlap_circles import carries, commitment_age, overlap_circles
from seawall.flow.overlap_stops import paused_types
from seawall.flow.recall_told import TAKEN_BACK, was_taken_back
from seawall.flow.shared_openings import MAX_BATCHES, OpenedValue, SharedBatch, check_shared
from seawall.flow.tiers import MAX_TOLD
from seawall.identity import read_card
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Observable, ObservableType, Refused, SightingSummary
from seawall.model.books import SourceClass
from seawall.model.overlap import Hold, OverlapItem, Tier
from seawall.model.unreadable import UNREADABLE

NODE = "node"  # who acts when nobody asked
MAX_VALUE = 8_192  # bytes of one value: longer URLs are cut nowhere, they are no candidates


class ToldValue(msgspec.Struct, frozen=True):
    """One value as one side tells it: its opened commitment, and a reduced sighting where policy lets it go."""

    type: ObservableType
    value: Annotated[str, msgspec.Meta(max_length=MAX_VALUE)]
    opening: OpenedValue | None = None
    circle: Annotated[str, msgspec.Meta(max_length=64)] = ""
    body: Annotated[bytes, msgspec.Meta(max_length=65_536)] = b""


class EvidenceMessage(msgspec.Struct, frozen=True):
    """The body of a message of kind ``evidence``."""

    values: Annotated[tuple[ToldValue, ...], msgspec.Meta(max_length=MAX_TOLD)]
    batches: Annotated[tuple[SharedBatch, ...], msgspec.Meta(max_length=MAX_BATCHES)] = ()  # of what it opens


def vouch(
    node: Node, peer: str, heard: Iterable[tuple[ToldValue, OverlapItem]], batches: Sequence[SharedBatch]
) -> None:
    """Step (1). A young value of a type that waits for two people is no alarm: it is vouched for another time."""
    waiting = {
        (item.type, item.value): (said.opening, item)
        for said, item in heard
        if said.opening is not None and item.vouched_at is None
    }
    begun = {item.session: _begun(node, item) for _, item in waiting.values()}
    checked = check_shared(
        node, peer, batches, {key: (opening, begun[item.session]) for key, (opening, item) in waiting.items()}
    )
    paused, changed = paused_types(node, peer), []
    for key, (opening, item) in waiting.items():
        leaf = checked[key]
        young = not isinstance(leaf, Refused) and leaf.cosigned_at > begun[item.session] - _age(node, peer, item)
        if young and item.type in paused:
            continue
        reason = _said(leaf) if isinstance(leaf, Refused) else _spent(node, peer, item) if young else ""
        if opening.source is SourceClass.MET and item.theirs_as is not Hold.MET:
            reason = reason or "it says that the value was met, where it was brought as a suspect"
        if not reason:
            changed.append(msgspec.structs.replace(item, vouched_at=node.clock()))
            continue
        details: dict[str, str | int | list[str]] = {"type": item.type.value, "value": item.value, "reason": reason}
        node.ledger.record_event(LedgerEvent(EventKind.EVIDENCE_MISMATCH, node.clock(), NODE, peer, details))
        changed.append(msgspec.structs.replace(item, reason=f"evidence: {reason}"))
    node.store.overlaps.change(changed)


def _begun(node: Node, item: OverlapItem) -> int:
    """When the run that found it began: by then the peer must have committed to it."""
    session = node.store.overlaps.session(item.session)
    return session.begun_at if session is not None else item.found_at


def _age(node: Node, peer: str, item: OverlapItem) -> int:
    """How old a commitment must be, unless it is opened from the budget for young ones; who owns a ledger writes its
    moments, so the age is that of a cosignature."""
    circles = [terms for terms in overlap_circles(node, peer) if carries(terms, item.type)]
    return commitment_age(circles) if circles else 0


def _spent(node: Node, peer: str, item: OverlapItem) -> str:
    try:
        spend_hot(node, peer, item.type, 1, session=f"{item.session} {item.value}")
    except Refused as refused:
        return _said(refused)
    return ""


def _said(refused: Refused) -> str:
    return refused.text.format(**refused.values)


def take(node: Node, peer: str, told: Sequence[tuple[ToldValue, OverlapItem]]) -> None:
    """Keep what the peer told of values for which its own evidence held."""
    circles = {terms.name for terms in overlap_circles(node, peer)}
    vouched = {
        (item.type, item.value)
        for item in node.store.overlaps.find(peer, [(one.type, one.value) for one, _ in told])
        if item.vouched_at is not None
    }
    identity = read_card(node.store.peers.get(peer).card).identity_id
    kept, changed = [], []
    for said, item in told:
        if said.circle not in circles or (said.type, said.value) not in vouched:
            continue
        summary = _summary(node, peer, identity, said)
        if summary is None:
            continue
        kept.append(summary)
        now = next(iter(node.store.overlaps.find(peer, [(item.type, item.value)])), item)
        tier = Tier.SECTOR if summary.sectors else Tier.SEEN
        reason = "" if now.reason == TAKEN_BACK else now.reason
        changed.append(msgspec.structs.replace(now, taken=max(now.taken, tier), taken_at=node.clock(), reason=reason))
    node.store.sightings.put(kept)
    node.store.overlaps.change(changed)
    if kept:
        details: dict[str, str | int | list[str]] = {"values": len(kept)}
        node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_TAKEN, node.clock(), peer, peer, details))


def _summary(node: Node, peer: str, identity: str, said: ToldValue) -> SightingSummary | None:
    """The peer's word as a sighting, past inbound policy; None for what is not taken in."""
    try:
        admitted = admit_one(node, peer, said.circle, said.body)
        sighting = read_sighting(said.body)
    except (Fault, *UNREADABLE):
        return None
    value = Observable(said.type, said.value)
    if isinstance(admitted, Declined) or sighting.sighting_of_ref != candidate_id(identity, value):
        return None
    if was_taken_back(node, peer, (admitted.id, sighting.sighting_of_ref), admitted.version):
        return None
    summary = sighting_told_of(admitted, value)
    held = [
        one
        for one in node.store.sightings.of(said.type, said.value, visibility=WHOLE_NODE)
        if one.origin == peer and one.count > 0
    ]
    if not held:
        return summary
    known = held[0]  # what came as a whole object stays, and is only made more complete
    return msgspec.structs.replace(
        known,
        first_seen=min(known.first_seen, summary.first_seen),
        sectors=known.sectors or summary.sectors,
        basis=known.basis or summary.basis,
    )
