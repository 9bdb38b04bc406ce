"""Who takes part in a round: node ids on the wire, code names here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from seawall.flow.node import Node
from seawall.flow.peer_keys import known_keys
from seawall.flow.relay_book import relay_of
from seawall.identity import read_card
from seawall.model.peer import PeerRecord, PeerState

OURSELVES = "this node"


def verified(node: Node) -> dict[str, PeerRecord]:
    """Verified peers by their node ids."""
    return {peer.node_id: peer for peer in node.store.peers.list() if peer.state is PeerState.VERIFIED}


def keys_of(node: Node) -> Callable[[str], Sequence[bytes]]:
    """The signing keys that we hold of a node id: ours, or a verified peer's; former ones unless they were stolen."""
    peers = verified(node)

    def keys(node_id: str) -> Sequence[bytes]:
        if node_id == node.keys.node_id:
            return [node.keys.signing_public, *node.keys.former_keys]
        if (peer := peers.get(node_id)) is None:
            return []
        card = read_card(peer.card)
        former = [key.key for key in known_keys(node, card) if key.ends is not None and not key.stolen]
        return [card.signing_public, *former]

    return keys


def has_line(node: Node, peer: PeerRecord) -> bool:
    """Whether messages reach a peer: by its listener, or by a relay. The others are served by files."""
    return not peer.carried or relay_of(node, peer.code_name) is not None


def names(node: Node, node_ids: Iterable[str]) -> list[str]:
    """Code names in order of the ids; of a stranger the beginning of its id."""
    known = {peer.node_id: peer.code_name for peer in node.store.peers.list()} | {node.keys.node_id: OURSELVES}
    return [known.get(node_id, f"unknown {node_id[:8]}") for node_id in node_ids]
