"""Mail peers as members of circles: what policy has to know of them."""

from __future__ import annotations

from seawall.flow.node import Node
from seawall.model.mail import MailPeer
from seawall.model.peer import PeerState
from seawall.model.stix.ids import derived_id


def mail_identity(peer: MailPeer) -> str:
    """The STIX identity under which a mail peer's words are kept: its key's, as a node's is its own."""
    return derived_id("identity", "openpgp", peer.fingerprint)


def mail_member(node: Node, member: str) -> bool | None:
    """Whether this mail peer may receive: two people stand for its key. None: it is no mail peer.

    Nobody there can state our terms as a node does; the two people who verified it answer for having told them.
    """
    peer = node.store.mail_peers.find(member)
    return None if peer is None else peer.state is PeerState.VERIFIED
