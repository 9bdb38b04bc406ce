"""Our terms of a circle, said to its members in signed notices; each wording once."""

from __future__ import annotations

from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.flow.terms import shared_terms, terms_digest
from seawall.model import NotFound
from seawall.model.circle import CircleTerms
from seawall.model.notice import NoticeKind
from seawall.model.peer import PeerState

SAID = "said:{circle}:{peer}"
"""Key of the note that holds the digest of the terms that we said last."""
_REACHED = (PeerState.VERIFIED, PeerState.SUSPENDED, PeerState.QUARANTINED)


def offer_terms(node: Node, terms: CircleTerms) -> None:
    """Say these terms to every member that has a node; who is not verified yet hears them once it is."""
    for member in sorted(terms.members):
        try:
            state = node.store.peers.get(member).state
        except NotFound:
            continue  # a TAXII user, or a peer reached by mail
        if state in _REACHED:
            _say(node, terms, member)


def offer_all(node: Node, peer: str) -> None:
    """Say the terms of every circle that seats this peer, said before or not: two people have just verified it."""
    for terms in node.store.circles.list():
        if peer in terms.members:
            node.store.notes.delete(SAID.format(circle=terms.name, peer=peer))
            _say(node, terms, peer)


def _say(node: Node, terms: CircleTerms, peer: str) -> None:
    key = SAID.format(circle=terms.name, peer=peer)
    digest = terms_digest(terms)
    if node.store.notes.get(key) != digest:
        send_notice(node, peer, NoticeKind.TERMS, {"terms": shared_terms(terms), "digest": digest})
        node.store.notes.set(key, digest)
