"""What stays between us and a peer: proofs that it can check and cannot show, wherever a signature would stand.

Once any circle that we share with a peer says ``between-us``, sealed messages to it, drops for it, and the notices that
name objects are proven by a shared key; objects that leave in such a circle bear no signature of ours. What is signed
still (terms, keys, checkpoints, farewells) shows that we know each other, not what we said.

A notice is proven as it leaves, not as it is queued: it may wait longer than the keys live. Before the peer told a key
it bears a proof that nobody can check; the peer keeps our prekey that stands beside it, and asks again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from seawall.flow.node import Node
from seawall.flow.prekeys import held_prekeys, keep_prekey, own_prekeys
from seawall.identity import dsse, read_card
from seawall.identity.between_us import SharedKey, check_proof, is_between_us, prekey_beside, prove
from seawall.identity.prekeys import read_prekey
from seawall.model import Refused
from seawall.model.circle import CircleTerms, Proof
from seawall.model.notice import NoticeKind
from seawall.model.peer import PeerRecord, PeerState

NAMING_OBJECTS = frozenset({NoticeKind.RECALL, NoticeKind.RECEIPT})
"""Notices that say what was shared; no others may come with such a proof."""


def proof_with(node: Node, peer: str) -> Proof:
    """What this peer may show others of what we say to it: nothing, once any circle that we share says so."""
    if any(stays_between_us(terms, peer) for terms in node.store.circles.list()):
        return Proof.BETWEEN_US
    return Proof.TRANSFERABLE


def stays_between_us(terms: CircleTerms, peer: str) -> bool:
    """Whether what we say to this peer in this circle stays between us."""
    return terms.proof is Proof.BETWEEN_US and peer in terms.members and peer not in terms.exclusions


def prover(node: Node, peer: str) -> Callable[[bytes, str], bytes]:
    """``prove(payload, type)`` for this peer, with the keys of this moment."""
    newest, signer = own_prekeys(node).newest, node.keys.signer()
    held = held_prekeys(node, node.store.peers.get(peer))
    return lambda payload, kind: prove(payload, kind, newest, held[0] if held else None, signer)


def can_prove(node: Node, peer: str) -> bool:
    """Whether this peer told a key, so that it can check what we prove to it."""
    return bool(held_prekeys(node, node.store.peers.get(peer)))


def unproven(payload: bytes, payload_type: str) -> bytes:
    """An envelope for our own book: its proof is made when it leaves."""
    return dsse.sign(payload, payload_type, SharedKey(secrets.token_bytes(32)))


def proven_now(node: Node, peer: str, envelopes: Sequence[bytes], payload_type: str) -> list[bytes]:
    """The same envelopes, those that stay between us with proofs by the keys of this moment."""
    between = [is_between_us(envelope) for envelope in envelopes]
    if not any(between):
        return list(envelopes)
    again = prover(node, peer)
    return [
        again(dsse.peek(envelope, payload_type), payload_type) if ours else envelope
        for envelope, ours in zip(envelopes, between, strict=True)
    ]


def believed(node: Node, record: PeerRecord, envelope: bytes, payload_type: str) -> bytes:
    """What this peer proved to us alone; its prekey that stands beside the proof is kept. Raises Refused."""
    signing = [read_card(record.card).signing_public]
    public = read_prekey(prekey_beside(envelope), node_id=record.node_id, keys=signing, at=node.clock())
    keep_prekey(node, record, public, newest=False)
    return check_proof(envelope, payload_type, own_prekeys(node), public)


def believed_of_anybody(node: Node, only: str | None, envelope: bytes, payload_type: str) -> tuple[str, bytes]:
    """Which peer proved it to us alone, by code name, and what; ``only``: the one peer that it may be.

    Raises Refused E-FLOW-477 when none did.
    """
    for record in node.store.peers.list():
        if record.state is not PeerState.PENDING and only in (None, record.code_name):
            try:
                return record.code_name, believed(node, record, envelope, payload_type)
            except Refused:
                continue
    raise Refused(
        "E-FLOW-477",
        "What was carried here is proven to its recipient alone, and not to this node by any peer whose keys it holds; "
        "it was not read.",
    )
