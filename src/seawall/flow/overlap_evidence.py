"""Evidence and tiers between two nodes: messages that open commitments, and that tell more of what both hold.

A message holds up to ``MAX_TOLD`` values; it travels only inside the sealed envelope. Steps when one is heard: (1) each
opening is checked against what the peer cosigned before the run; one that does not hold is an alarm; (2) what policy
lets us tell of values that an opening vouches for is recorded, and told together with our own openings; (3) what the
peer told goes past inbound policy and becomes a sighting of the peer's, from which warnings are drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from seawall.codec.sharing import candidate_id, read_sighting
from seawall.exchange import Declined
from seawall.flow.budgets import spend_hot
from seawall.flow.commitments import check_opening, open_commitment
from seawall.flow.context import WHOLE_NODE
from seawall.flow.incoming import admit_one, sighting_told_of
from seawall.flow.node import Node
from seawall.flow.overlap_circles import carries, commitment_age, overlap_circles
from seawall.flow.overlap_state import alone_with
from seawall.flow.overlap_stops import stop_of
from seawall.flow.post import post
from seawall.flow.tiers import MAX_TOLD, decide, record, reveal_details
from seawall.identity import read_card
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Observable, ObservableType, Refused, SightingSummary
from seawall.model.books import Opening
from seawall.model.message import Message, MessageKind
from seawall.model.overlap import OverlapItem, Tier
from seawall.store import MAX_PAGE

NODE = "node"  # who acts when nobody asked
NOT_YET = "its commitment cannot be opened yet"
MAX_VALUE = 8_192  # bytes of one value: longer URLs are cut nowhere, they are no candidates


class ToldValue(msgspec.Struct, frozen=True):
    """One value as one side tells it: its opened commitment, and a reduced sighting where policy lets it go."""

    type: ObservableType
    value: Annotated[str, msgspec.Meta(max_length=MAX_VALUE)]
    opening: Opening | None = None
    circle: Annotated[str, msgspec.Meta(max_length=64)] = ""
    body: Annotated[bytes, msgspec.Meta(max_length=65_536)] = b""


class EvidenceMessage(msgspec.Struct, frozen=True):
    """The body of a message of kind ``evidence``."""

    values: Annotated[tuple[ToldValue, ...], msgspec.Meta(max_length=MAX_TOLD)]


def open_ours(node: Node, peer: str, items: Sequence[OverlapItem] | None = None) -> int:
    """Step (2) of ``tiers``: open our commitments to values of which more may be told; how many were opened.

    ``items``: these and no others. What policy refuses keeps its reason.
    """
    if stop_of(node, peer) is not None:
        return 0
    waiting = node.store.overlaps.unopened(peer, MAX_PAGE) if items is None else items
    opened = 0
    for batch in _batches(waiting):
        decided = decide(node, peer, batch)
        values, done = [], []
        for item in batch:
            key = item.type, item.value
            if key not in decided.told:
                done.append(_held_back(item, decided.reasons[key]))
            elif (opening := _opening(node, item)) is None:
                done.append(msgspec.structs.replace(item, reason=NOT_YET))
            else:
                values.append(ToldValue(item.type, item.value, opening))
                done.append(msgspec.structs.replace(item, opened_at=node.clock(), reason=""))
        _send(node, peer, "opened", values)
        node.store.overlaps.change(done)
        opened += len(values)
    return opened


def hear_evidence(node: Node, message: Message) -> None:
    """Handle a message of kind ``evidence``; may run again. Raises Refused E-FLOW-553 for what cannot be read."""
    try:
        said = msgspec.msgpack.decode(message.body, type=EvidenceMessage)
    except msgspec.MsgspecError:
        raise Refused("E-FLOW-553", "The message with evidence cannot be read.") from None
    peer = message.peer
    overlap_circles(node, peer)
    if stop_of(node, peer) is not None:
        return  # in silence: why it was stopped is not the peer's to know
    with alone_with(node, peer):
        _hear(node, peer, said)


def _hear(node: Node, peer: str, said: EvidenceMessage) -> None:
    held = {
        (item.type, item.value): item
        for item in node.store.overlaps.find(peer, [(one.type, one.value) for one in said.values])
    }
    heard = [(one, held[one.type, one.value]) for one in said.values if (one.type, one.value) in held]
    _vouch(node, peer, heard)
    _take(node, peer, [pair for pair in heard if pair[0].body])
    tell(node, peer)


def tell(node: Node, peer: str) -> int:
    """Steps (4) and (5) of ``tiers``: tell what is permitted of every value that the peer's evidence vouches for."""
    told = 0
    for batch in _batches(node.store.overlaps.untold(peer, MAX_PAGE)):
        done: list[OverlapItem] = []
        openings: dict[tuple[ObservableType, str], Opening | None] = {}
        for item in batch:
            if item.opened_at is not None:
                openings[item.type, item.value] = None
            elif (opening := _opening(node, item)) is not None:
                openings[item.type, item.value] = opening
            else:
                done.append(msgspec.structs.replace(item, reason=NOT_YET))
        ready = [item for item in batch if (item.type, item.value) in openings]
        decided = decide(node, peer, ready)
        record(node, decided.releases)
        at, values = node.clock(), []
        for item in ready:
            key = item.type, item.value
            if key not in decided.told:
                done.append(_held_back(item, decided.reasons[key]))
                continue
            values.append(ToldValue(item.type, item.value, openings[key], *decided.told[key]))
            opened, first = item.opened_at or at, item.given_at or at
            given = min(item.permitted, Tier.SECTOR)
            done.append(msgspec.structs.replace(item, opened_at=opened, given=given, given_at=first, reason=""))
        _send(node, peer, "told", values)
        node.store.overlaps.change(done)
        told += len(values)
    return told + _details(node, peer)


def _details(node: Node, peer: str) -> int:
    """Tier 4 of what people permitted it for, once the peer's evidence vouches for it."""
    done = []
    for item in node.store.overlaps.undetailed(peer, MAX_PAGE):
        if reveal_details(node, peer, [item]):
            at = item.given_at or node.clock()
            done.append(msgspec.structs.replace(item, given=Tier.DETAILS, given_at=at, reason=""))
        else:
            done.append(msgspec.structs.replace(item, permitted=item.given, reason="policy keeps the details here"))
    node.store.overlaps.change(done)
    return len(done)


def _batches(items: Sequence[OverlapItem]) -> Iterable[Sequence[OverlapItem]]:
    return (items[start : start + MAX_TOLD] for start in range(0, len(items), MAX_TOLD))


def _send(node: Node, peer: str, what: str, values: Sequence[ToldValue]) -> None:
    """Which values were opened or told to whom is on disk before a byte leaves."""
    if not values:
        return
    details: dict[str, str | int | list[str]] = {
        "what": what,
        "values": [f"{one.type.value} {one.value}" for one in values],
    }
    node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_TOLD, node.clock(), NODE, peer, details))
    post(node, peer, MessageKind.EVIDENCE, msgspec.msgpack.encode(EvidenceMessage(tuple(values))))


def _held_back(item: OverlapItem, reason: str) -> OverlapItem:
    """An item of which nothing is told now: it asks again when a person or a standing release permits it anew."""
    return msgspec.structs.replace(item, permitted=item.given, reason=reason)


def _opening(node: Node, item: OverlapItem) -> Opening | None:
    try:
        return open_commitment(node, item.type, item.value, peer=item.peer)
    except Fault:
        return None


def _vouch(node: Node, peer: str, heard: Iterable[tuple[ToldValue, OverlapItem]]) -> None:
    changed = []
    for said, item in heard:
        if said.opening is None or item.vouched_at is not None:
            continue
        if (said.opening.type, said.opening.value) != (item.type, item.value):
            reason = "the evidence is about another value"
        else:
            reason = _objection(node, peer, said.opening, item)
        if not reason:
            changed.append(msgspec.structs.replace(item, vouched_at=node.clock()))
            continue
        details: dict[str, str | int | list[str]] = {"type": item.type.value, "value": item.value, "reason": reason}
        node.ledger.record_event(LedgerEvent(EventKind.EVIDENCE_MISMATCH, node.clock(), NODE, peer, details))
        changed.append(msgspec.structs.replace(item, reason=f"evidence: {reason}"))
    node.store.overlaps.change(changed)


def _objection(node: Node, peer: str, opening: Opening, item: OverlapItem) -> str:
    """Why the opening does not hold; empty when it does."""
    session = node.store.overlaps.session(item.session)
    begun = session.begun_at if session is not None else item.found_at
    circles = [terms for terms in overlap_circles(node, peer) if carries(terms, item.type)]
    age = commitment_age(circles) if circles else 0
    try:
        batch = check_opening(node, peer, opening, before=begun)
        # who owns a ledger writes its moments; how old a commitment is, only a cosignature says
        if batch.cosigned_at > begun - age:
            spend_hot(node, peer, item.type, 1, session=f"{item.session} {item.value}")
    except Refused as refused:
        return refused.text.format(**refused.values)
    return ""


def _take(node: Node, peer: str, told: Sequence[tuple[ToldValue, OverlapItem]]) -> None:
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
        changed.append(msgspec.structs.replace(now, taken=max(now.taken, tier), taken_at=node.clock()))
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
    except (Fault, msgspec.MsgspecError):
        return None
    value = Observable(said.type, said.value)
    if isinstance(admitted, Declined) or sighting.sighting_of_ref != candidate_id(identity, value):
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
