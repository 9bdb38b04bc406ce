"""How peers behave towards this node: misdeeds are counted, then the peer is served slowly, then it is quarantined.

Quarantine stops both directions on the next request and stays until a named person lifts it; each step is on record.
"""

from __future__ import annotations

from threading import Lock

import msgspec

from seawall.exchange import Conduct, Misdeed, judge
from seawall.flow.live_arrivals import relation_changed
from seawall.flow.node import Node
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Actor, Refused
from seawall.model.mail import MailPeer
from seawall.model.peer import PeerState

CONDUCT = "conduct:{peer}"
NODE = "node"  # who acts when nobody asked
_WRITING = Lock()  # of one process; a misdeed lost between two processes only postpones what follows


class PeerWatch:
    """Implements ``exchange``'s ``Watch`` for one node; third-party clients are throttled by their rate alone."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def is_throttled(self, actor: Actor) -> bool:
        """Whether this peer misbehaved lately."""
        return actor.peer is not None and conduct_of(self._node, actor.peer).is_throttled(self._node.clock())

    def misdeed(self, actor: Actor, misdeed: Misdeed, sentence: str) -> None:
        """Count it. Raises Refused E-FLOW-043 when it was one too many."""
        if actor.peer is not None:
            note_misdeed(self._node, actor.peer, misdeed, sentence)


def conduct_of(node: Node, peer: str) -> Conduct:
    """How this peer behaved lately."""
    text = node.store.notes.get(CONDUCT.format(peer=peer))
    return msgspec.json.decode(text, type=Conduct) if text else Conduct()


def note_misdeed(node: Node, peer: str, misdeed: Misdeed, sentence: str) -> None:
    """Count one misdeed and do what follows from it. Raises Refused E-FLOW-043 once the peer is quarantined."""
    at = node.clock()
    with _WRITING:
        before = conduct_of(node, peer)
        after = judge(before, misdeed, sentence, at)
        node.store.notes.set(CONDUCT.format(peer=peer), msgspec.json.encode(after).decode())
    details: dict[str, str | int | list[str]] = {"reason": after.reason, **after.counts}
    if after.quarantined_at and not before.quarantined_at:
        _stop(node, peer)
        node.ledger.record_event(LedgerEvent(EventKind.PEER_QUARANTINED, at, NODE, peer, details))
    elif after.is_throttled(at) and not before.is_throttled(at):
        node.ledger.record_event(LedgerEvent(EventKind.PEER_THROTTLED, at, NODE, peer, details))
    if after.quarantined_at:
        by_mail = node.store.mail_peers.find(peer) is not None
        raise Refused(
            "E-FLOW-043",
            "The peer {peer} is quarantined: {reason} Named people lift this with '{command}'.",
            peer=peer,
            reason=after.reason,
            command="seawall mail peers verify" if by_mail else "seawall peers release",
        )


def _stop(node: Node, peer: str) -> None:
    if (by_mail := node.store.mail_peers.find(peer)) is not None:
        if by_mail.state is PeerState.VERIFIED:
            node.store.mail_peers.change(peer, _suspended)
    elif node.store.peers.get(peer).state is PeerState.VERIFIED:
        node.store.peers.set_state(peer, PeerState.QUARANTINED)
    relation_changed(node, peer)


def _suspended(peer: MailPeer) -> MailPeer:
    return msgspec.structs.replace(peer, state=PeerState.SUSPENDED)


def forget_misdeeds(node: Node, peer: str) -> Conduct:
    """Begin anew with this peer; returns what was held against it."""
    held = conduct_of(node, peer)
    node.store.notes.delete(CONDUCT.format(peer=peer))
    return held
