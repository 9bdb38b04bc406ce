"""Whether the search for the overlap with a peer stands: stopped by decoys, or paused by figures far from the past."""

from __future__ import annotations

import msgspec

from seawall.flow.node import Node
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, NotFound, ObservableType, Refused, rfc3339
from seawall.model.overlap import Lane

STOPPED = "overlap-stopped:{peer}"
PAUSED = "overlap-paused:{peer}:{type}"
NODE = "node"


class Stop(msgspec.Struct, frozen=True):
    """Nothing is compared with this peer until a named person says to go on."""

    at: int  # microseconds UTC
    reason: str


class Pause(msgspec.Struct, frozen=True):
    """Nothing of this type is compared with this peer until two people agree to these figures."""

    at: int  # microseconds UTC
    reason: str
    mine: int
    theirs: int
    common: int
    lane: Lane = Lane.CANDIDATES


def stop_of(node: Node, peer: str) -> Stop | None:
    """Why nothing is compared with this peer; None: it goes on."""
    text = node.store.notes.get(STOPPED.format(peer=peer))
    return msgspec.json.decode(text, type=Stop) if text else None


def pause_of(node: Node, peer: str, type: ObservableType) -> Pause | None:
    """Why nothing of this type is compared with this peer; None: it goes on."""
    text = node.store.notes.get(PAUSED.format(peer=peer, type=type.value))
    return msgspec.json.decode(text, type=Pause) if text else None


def paused_types(node: Node, peer: str) -> frozenset[ObservableType]:
    """The types that wait for two people: nothing of them is told, however long ago it was found."""
    keys = {PAUSED.format(peer=peer, type=type.value): type for type in ObservableType}
    return frozenset(keys[key] for key in node.store.notes.several(list(keys)))


def require_running(node: Node, peer: str, type: ObservableType | None = None) -> None:
    """Pass, or raise Refused: E-FLOW-540 for a peer that was stopped, 541 for a type that waits for two people."""
    stop = stop_of(node, peer)
    if stop is not None:
        raise Refused(
            "E-FLOW-540",
            "Nothing is compared with {peer} since {moment}: {reason}. A named person goes on with 'seawall decoys "
            "resume {peer}'.",
            peer=peer,
            moment=rfc3339(stop.at),
            reason=stop.reason,
        )
    pause = pause_of(node, peer, type) if type is not None else None
    if pause is not None and type is not None:
        raise waits(peer, type, pause)


def waits(peer: str, type: ObservableType, pause: Pause) -> Refused:
    """What is said while figures wait for two people."""
    return Refused(
        "E-FLOW-541",
        "Comparing {type} with {peer} waits for two people: {reason}. See to it, then 'seawall budgets approve {peer} "
        "--type {type} --approver-token FILE'.",
        peer=peer,
        type=type.value,
        reason=pause.reason,
    )


def stop_overlap(node: Node, peer: str, reason: str) -> None:
    """Compare nothing more with this peer; on record and in force at once. A second reason changes nothing."""
    if stop_of(node, peer) is None:
        at = node.clock()
        node.store.notes.set(STOPPED.format(peer=peer), msgspec.json.encode(Stop(at, reason)).decode())
        node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_STOPPED, at, NODE, peer, {"reason": reason}))


def resume_overlap(node: Node, peer: str) -> dict[str, object]:
    """A named person says to go on; what the peer's answers hit up to now counts no more.

    The decoys that it hit are retired: it may know them for what they are. Raises NotFound E-FLOW-542 when nothing was
    held against it.
    """
    from seawall.flow.decoys import BURNT

    person = node.require("manage-peers")
    stop, hits = stop_of(node, peer), node.store.decoys.hits_of(peer)
    if stop is None and not hits:
        raise NotFound("E-FLOW-542", "Nothing was stopped with {peer}, and it hit no decoy.", peer=peer)
    node.event(EventKind.OVERLAP_RESUMED, peer, hits=len(hits), reason=stop.reason if stop is not None else "")
    node.store.decoys.retire([(type, value) for type, value, _ in hits], BURNT)
    node.store.decoys.settle(peer, node.clock())
    node.store.notes.delete(STOPPED.format(peer=peer))
    return {"peer": peer, "resumed_by": person.name, "decoys_retired": len(hits)}


def overlap_state(node: Node, peer: str) -> str:
    """One word for ``peers list``: running, question, paused or stopped."""
    if stop_of(node, peer) is not None:
        return "stopped"
    if node.store.notes.several([PAUSED.format(peer=peer, type=type.value) for type in ObservableType]):
        return "paused"
    return "question" if node.store.decoys.unsettled(peer) else "running"


def overlaps_told(node: Node) -> str:
    """One sentence on all peers, for ``doctor``. Raises Fault E-FLOW-543 when one waits for people."""
    told = []
    for peer in node.store.peers.list():
        state = overlap_state(node, peer.code_name)
        if state != "running":
            told.append(f"{peer.code_name} {state}")
    if told:
        raise Fault(
            "E-FLOW-543",
            "Comparing values waits for people: {what}; see 'seawall budgets' and ask them by telephone.",
            what=", ".join(told),
        )
    return "nothing stopped"
