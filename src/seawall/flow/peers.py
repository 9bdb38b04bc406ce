"""Adding, verifying and ending the relation with a peer: the wiring of ``exchange.peers`` with this node's books."""

from __future__ import annotations

from pathlib import Path

from seawall import exchange
from seawall.flow.node import Node
from seawall.identity.card import MAX_CARD_BYTES
from seawall.ledger import EventKind
from seawall.model import Refused, rfc3339
from seawall.model.peer import PeerState

LAST_SYNC = "last-sync:{peer}"
"""Key of the note that holds when the last exchange with a peer ended well."""


def add_peer(node: Node, file: Path, *, url: str, code_name: str) -> dict[str, object]:
    """Keep a peer's card as *pending*: nothing is exchanged before two people compared the fingerprint."""
    node.require("manage-peers")
    with file.open("rb") as stream:
        data = stream.read(MAX_CARD_BYTES + 1)
    record = exchange.add_peer(data, url=url, code_name=code_name, book=node.store.peers, own_node_id=node.keys.node_id)
    node.event(EventKind.PEER_ADDED, code_name, fingerprint=record.fingerprint)
    return {
        "code_name": code_name,
        "node_id": record.node_id,
        "fingerprint": record.fingerprint,
        "state": record.state.value,
    }


def verify_peer(node: Node, code_name: str, fingerprint: str) -> dict[str, object]:
    """Mark a peer verified once the fingerprint is right and two named people stand for it (rule 9).

    Raises Refused E-FLOW-022 without a second person, E-IDENTITY-032 for a wrong fingerprint.
    """
    first, second = node.require("manage-peers"), node.approver
    if second is None:
        raise Refused("E-FLOW-022", "A second person must agree; give their token with --approver-token.")
    record = exchange.verify_peer(
        code_name,
        fingerprint,
        asking=first,
        approving=second,
        book=node.store.peers,
        approvals=node.store.approvals,
        clock=node.clock,
    )
    node.event(EventKind.PEER_VERIFIED, code_name, approved_by=[first.name, second.name])
    return {"code_name": code_name, "state": record.state.value, "approved_by": [first.name, second.name]}


def set_state(node: Node, code_name: str, state: str) -> dict[str, object]:
    """Suspend or sever: takes effect on the next request in both directions."""
    node.require("manage-peers")
    stop = exchange.sever_peer if PeerState(state) is PeerState.SEVERED else exchange.suspend_peer
    record = stop(code_name, book=node.store.peers)
    severed = record.state is PeerState.SEVERED
    if severed:
        node.store.sync.forget(code_name)
    node.event(EventKind.PEER_SEVERED if severed else EventKind.PEER_SUSPENDED, code_name)
    return {"code_name": code_name, "state": record.state.value}


def describe_peers(node: Node) -> list[dict[str, object]]:
    """One row a peer, by code name."""
    node.require("read")
    rows: list[dict[str, object]] = []
    for record in node.store.peers.list():
        last = node.store.notes.get(LAST_SYNC.format(peer=record.code_name))
        rows.append(
            {
                "code_name": record.code_name,
                "node_id": record.node_id,
                "state": record.state.value,
                "url": record.url,
                "fingerprint": record.fingerprint,
                "last_sync": rfc3339(int(last)) if last else None,
            }
        )
    return rows
