"""Evidence and tiers between two nodes: messages that open commitments, and that tell more of what both hold.

A message holds up to ``MAX_TOLD`` values; it travels only inside the sealed envelope. Steps when one is heard: (1) each
opening is checked against what the peer cosigned before the run; one that does not hold is an alarm; (2) what policy
lets us tell of values that an opening vouches for is recorded, and told together with our own openings; (3) what the
peer told goes past inbound policy and becomes a sighting of the peer's, from which warnings are drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from seawall.flow.node import Node
from seawall.flow.overlap_circles import overlap_circles
from seawall.flow.overlap_met import MET_ONLY
from seawall.flow.overlap_state import alone_with
from seawall.flow.overlap_stops import paused_types, stop_of
from seawall.flow.overlap_telling import told_apart
from seawall.flow.overlap_vouching import EvidenceMessage, ToldValue, take, vouch
from seawall.flow.post import post
from seawall.flow.shared_openings import SharedBatch, open_shared
from seawall.flow.tiers import MAX_TOLD, decide, record, reveal_details
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import ObservableType, Refused
from seawall.model.message import Message, MessageKind
from seawall.model.overlap import Hold, OverlapItem, Tier
from seawall.model.unreadable import UNREADABLE
from seawall.store import MAX_PAGE

NODE = "node"  # who acts when nobody asked
NOT_YET = "its commitment cannot be opened yet"


def open_ours(node: Node, peer: str, items: Sequence[OverlapItem] | None = None) -> int:
    """Step (2) of ``tiers``: open our commitments to values of which more may be told; how many were opened.

    ``items``: these and no others. What policy refuses keeps its reason.
    """
    if stop_of(node, peer) is not None:
        return 0
    waiting = node.store.overlaps.unopened(peer, MAX_PAGE) if items is None else items
    opened = 0
    for batch in _batches(_running(node, peer, waiting)):
        met = _met(batch)
        decided = decide(node, peer, [item for item in batch if _key(item) not in met])
        values, done = [], []
        may = [key for key in map(_key, batch) if key in met or key in decided.told]
        openings, shared = open_shared(node, may, peer=peer, met=met)
        for item in batch:
            key = _key(item)
            if key not in may:
                done.append(_held_back(item, decided.reasons[key]))
            elif key not in openings:
                done.append(msgspec.structs.replace(item, reason=NOT_YET))
            else:
                values.append(ToldValue(item.type, item.value, openings[key]))
                done.append(msgspec.structs.replace(item, opened_at=node.clock(), reason=""))
        _send(node, peer, "opened", values, shared)
        node.store.overlaps.change(done)
        opened += len(values)
    return opened


def hear_evidence(node: Node, message: Message) -> None:
    """Handle a message of kind ``evidence``; may run again. Raises Refused E-FLOW-553 for what cannot be read."""
    try:
        said = msgspec.msgpack.decode(message.body, type=EvidenceMessage)
    except UNREADABLE:
        raise Refused("E-FLOW-553", "The message with evidence cannot be read.") from None
    peer = message.peer
    with told_apart(), alone_with(node, peer):
        overlap_circles(node, peer)
        if stop_of(node, peer) is None:  # else in silence: why it was stopped is not the peer's to know
            _hear(node, peer, said)


def _hear(node: Node, peer: str, said: EvidenceMessage) -> None:
    held = {
        (item.type, item.value): item
        for item in node.store.overlaps.find(peer, [(one.type, one.value) for one in said.values])
    }
    heard = [(one, held[one.type, one.value]) for one in said.values if (one.type, one.value) in held]
    vouch(node, peer, heard, said.batches)
    take(node, peer, [pair for pair in heard if pair[0].body])
    tell(node, peer)


def tell(node: Node, peer: str) -> int:
    """Steps (4) and (5) of ``tiers``: tell what is permitted of every value that the peer's evidence vouches for."""
    told = 0
    for batch in _batches(_running(node, peer, node.store.overlaps.untold(peer, MAX_PAGE))):
        met = _met(batch)
        unopened = [_key(item) for item in batch if item.opened_at is None]
        openings, shared = open_shared(node, unopened, peer=peer, met=met)
        ready = [item for item in batch if item.opened_at is not None or _key(item) in openings]
        done = [msgspec.structs.replace(item, reason=NOT_YET) for item in batch if item not in ready]
        decided = decide(node, peer, [item for item in ready if _key(item) not in met])
        record(node, decided.releases)
        at, values = node.clock(), []
        for item in ready:
            key = _key(item)
            if key in met:  # the opening is all there is: what we merely met has no sighting
                if key in openings:
                    values.append(ToldValue(item.type, item.value, openings[key]))
                done.append(_held_back(msgspec.structs.replace(item, opened_at=item.opened_at or at), MET_ONLY))
                continue
            if key not in decided.told:
                done.append(_held_back(item, decided.reasons[key]))
                continue
            values.append(ToldValue(item.type, item.value, openings.get(key), *decided.told[key]))
            opened, first = item.opened_at or at, item.given_at or at
            given = min(item.permitted, Tier.SECTOR)
            done.append(msgspec.structs.replace(item, opened_at=opened, given=given, given_at=first, reason=""))
        _send(node, peer, "told", values, shared)
        node.store.overlaps.change(done)
        told += len(values)
    return told + _details(node, peer)


def _details(node: Node, peer: str) -> int:
    """Tier 4 of what people permitted it for, once the peer's evidence vouches for it."""
    done = []
    for item in _running(node, peer, node.store.overlaps.undetailed(peer, MAX_PAGE)):
        if reveal_details(node, peer, [item]):
            at = item.given_at or node.clock()
            done.append(msgspec.structs.replace(item, given=Tier.DETAILS, given_at=at, reason=""))
        else:
            done.append(msgspec.structs.replace(item, permitted=item.given, reason="policy keeps the details here"))
    node.store.overlaps.change(done)
    return len(done)


def _key(item: OverlapItem) -> tuple[ObservableType, str]:
    return item.type, item.value


def _met(items: Iterable[OverlapItem]) -> frozenset[tuple[ObservableType, str]]:
    return frozenset(_key(item) for item in items if item.ours_as is Hold.MET)


def _running(node: Node, peer: str, items: Sequence[OverlapItem]) -> list[OverlapItem]:
    """Of these, what may be told now: nothing of a type whose figures wait for two people."""
    paused = paused_types(node, peer)
    return [item for item in items if item.type not in paused]


def _batches(items: Sequence[OverlapItem]) -> Iterable[Sequence[OverlapItem]]:
    return (items[start : start + MAX_TOLD] for start in range(0, len(items), MAX_TOLD))


def _send(node: Node, peer: str, what: str, values: Sequence[ToldValue], shared: tuple[SharedBatch, ...]) -> None:
    """Which values were opened or told to whom is on disk before a byte leaves."""
    if not values:
        return
    details: dict[str, str | int | list[str]] = {
        "what": what,
        "values": [f"{one.type.value} {one.value}" for one in values],
    }
    node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_TOLD, node.clock(), NODE, peer, details))
    post(node, peer, MessageKind.EVIDENCE, msgspec.msgpack.encode(EvidenceMessage(tuple(values), shared)))


def _held_back(item: OverlapItem, reason: str) -> OverlapItem:
    """An item of which nothing is told now: it asks again when a person or a standing release permits it anew."""
    return msgspec.structs.replace(item, permitted=item.given, reason=reason)
