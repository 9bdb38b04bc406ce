"""Adding, verifying and ending the relation with a peer: the wiring of ``exchange.peers`` with this node's books."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seawall import exchange
from seawall.exchange.peers import checked_url
from seawall.flow.compromised import incident_of
from seawall.flow.conduct import forget_misdeeds
from seawall.flow.health import FAREWELL, health_of
from seawall.flow.live_arrivals import relation_changed
from seawall.flow.node import Node
from seawall.flow.offers import offer_all
from seawall.flow.overlap_stops import overlap_state
from seawall.flow.peer_keys import describe_keys_of, follow, put_in_force
from seawall.flow.people import require_no_user
from seawall.flow.witnessing import describe_ledger_of
from seawall.identity import check_current, read_card
from seawall.identity.card import MAX_CARD_BYTES
from seawall.ledger import EventKind
from seawall.model import Fault, Refused, rfc3339, system_clock
from seawall.model.peer import PeerState

NOT_VOUCHED = frozenset({"E-FLOW-421", "E-FLOW-423"})
"""Cards for which the keys held say nothing: another node's, and a new start."""


def add_peer(node: Node, file: Path, *, url: str, code_name: str) -> dict[str, object]:
    """Keep a peer's card as *pending*: nothing is exchanged before two people compared the fingerprint."""
    node.require("manage-peers")
    require_no_user(node, code_name)
    if node.store.mail_peers.find(code_name) is not None:
        raise Fault("E-FLOW-269", "There is a mail peer {name} already; choose another code name.", name=code_name)
    data = _card_in(file)
    _require_unknown(node, data)
    record = exchange.add_peer(data, url=url, code_name=code_name, book=node.store.peers, own_node_id=node.keys.node_id)
    node.event(EventKind.PEER_ADDED, code_name, fingerprint=record.fingerprint)
    return {
        "code_name": code_name,
        "node_id": record.node_id,
        "fingerprint": record.fingerprint,
        "state": record.state.value,
    }


def replace_card(node: Node, file: Path, *, url: str | None, code_name: str) -> dict[str, object]:
    """A newer card of a peer: in force at once when the keys held vouch for it, else *pending* until two people verify.

    Raises Refused E-STORE-052 for a severed peer, E-IDENTITY-082 for a card older than the one held.
    """
    node.require("manage-peers")
    record = node.store.peers.get(code_name)
    if record.state is PeerState.SEVERED:
        raise Refused(
            "E-STORE-052",
            "The peer {name} was severed for good; add its new card under a new code name.",
            name=code_name,
        )
    data = _card_in(file)
    card = read_card(data)
    if card.node_id == node.keys.node_id:
        raise Fault("E-EXCHANGE-021", "This is the card of this very node; add the card that the other side printed.")
    check_current(card.sets()[-1], system_clock())
    if url is not None:
        record = msgspec.structs.replace(record, url=checked_url(url))
        node.store.peers.replace(record)
    vouched = True
    try:
        record = follow(node, record, data)
    except Refused as refused:
        if refused.code not in NOT_VOUCHED:
            raise
        vouched = False
        if card.node_id != record.node_id:
            _require_unknown(node, data)
            node.store.sync.forget(code_name)  # another node's collections
        record = put_in_force(node, record, data, state=PeerState.PENDING)
    node.event(EventKind.PEER_ADDED, code_name, fingerprint=record.fingerprint, vouched=int(vouched))
    return {
        "code_name": code_name,
        "node_id": record.node_id,
        "fingerprint": record.fingerprint,
        "state": record.state.value,
        "vouched": vouched,
    }


def _card_in(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_CARD_BYTES + 1)


def _require_unknown(node: Node, data: bytes) -> None:
    """One node under two code names would be nobody. Raises Fault E-FLOW-426."""
    node_id = read_card(data).node_id
    for peer in node.store.peers.list():
        if peer.node_id == node_id and peer.state is not PeerState.SEVERED:
            raise Fault(
                "E-FLOW-426",
                "This is a card of {peer}, who is known already; give --replace with that code name.",
                peer=peer.code_name,
            )


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
    forget_misdeeds(node, code_name)
    offer_all(node, code_name)
    node.event(EventKind.PEER_VERIFIED, code_name, approved_by=[first.name, second.name])
    return {"code_name": code_name, "state": record.state.value, "approved_by": [first.name, second.name]}


def release_peer(node: Node, code_name: str) -> dict[str, object]:
    """Lift a quarantine in the acting person's name; what was held against the peer is forgotten, not its trust.

    Raises Refused E-FLOW-044 when the peer is not quarantined: a suspension takes ``verify_peer`` and two people.
    """
    node.require("manage-peers")
    record = node.store.peers.get(code_name)
    if record.state is not PeerState.QUARANTINED:
        raise Refused(
            "E-FLOW-044", "The peer {peer} is {state}, not quarantined.", peer=code_name, state=record.state.value
        )
    held = forget_misdeeds(node, code_name)
    node.store.peers.set_state(code_name, PeerState.VERIFIED)
    relation_changed(node, code_name)
    node.event(EventKind.PEER_RELEASED, code_name, reason=held.reason)
    return {"code_name": code_name, "state": PeerState.VERIFIED.value, "reason": held.reason}


def describe_peers(node: Node) -> list[dict[str, object]]:
    """One row a peer, by code name."""
    node.require("read")
    rows: list[dict[str, object]] = []
    for record in node.store.peers.list():
        health = health_of(node, record)
        incident = incident_of(node, record.code_name)
        rows.append(
            {
                "code_name": record.code_name,
                "node_id": record.node_id,
                "state": record.state.value,
                "url": record.url,
                "fingerprint": record.fingerprint,
                "last_sync": _moment(health.last_success),
                "health": health.state.value,
                "reason": health.reason,
                "failing_since": _moment(health.failing_since),
                "failures": health.failures,
                "waiting": health.waiting,
                "lag_seconds": health.lag_seconds,
                "misdeeds": health.misdeeds,
                "farewell": node.store.notes.get(FAREWELL.format(peer=record.code_name)),
                "compromised_since": _moment(incident.since if incident is not None else None),
                "ledger": describe_ledger_of(node, record),
                "keys": describe_keys_of(node, record),
                "overlap": overlap_state(node, record.code_name),
            }
        )
    return rows


def _moment(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)
