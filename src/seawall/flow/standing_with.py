"""Whether the relation with somebody is in force: what suspended or ended relations brought never acts here."""

from __future__ import annotations

from seawall.flow.node import Node
from seawall.model import NotFound
from seawall.model.peer import PeerState


def is_in_force(node: Node, name: str) -> bool:
    """False for a peer, by line, file or mail, that is pending, suspended, quarantined or severed; True for anybody
    else (a local TAXII user, a MISP of our own)."""
    try:
        return node.store.peers.get(name).state is PeerState.VERIFIED
    except NotFound:
        by_mail = node.store.mail_peers.find(name)
        return by_mail is None or by_mail.state is PeerState.VERIFIED
