"""Sealing for a peer and opening what it sealed, with the keys that both hold now."""

from __future__ import annotations

import hashlib

from seawall.exchange.envelope import Opened, RecipientKeys, open_envelope, seal
from seawall.flow.between import proof_with
from seawall.flow.node import Node
from seawall.flow.prekeys import own_prekeys, recipient_keys, sender_keys
from seawall.model.circle import Proof
from seawall.model.message import MessageKind
from seawall.model.peer import PeerRecord


def digest_of(sequence: int, kind: MessageKind, at: int, body: bytes) -> str:
    """What is said under a number, however and for which key it is sealed: SHA-256, lower hex."""
    head = f"seawall message\n{sequence}\n{kind.value}\n{at}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def lives_until(node: Node, peer: str, expires: int) -> int:
    """A message expires no later than the key that opens it is wiped. Raises Unavailable E-FLOW-466."""
    return min(expires, recipient_keys(node, peer).opens_until)


def seal_for(
    node: Node,
    record: PeerRecord,
    *,
    sequence: int,
    kind: MessageKind,
    at: int,
    expires: int,
    body: bytes,
    mailbox: str,
) -> bytes:
    """One sealed message for this peer; ``mailbox``: where it will lie, ``""`` on the line.

    Raises Unavailable E-FLOW-466, E-EXCHANGE-755 without a key of the peer's that may still be used.
    """
    proof = proof_with(node, record.code_name)
    return seal(
        node.keys,
        recipient_keys(node, record.code_name),
        sender=node.keys.node_id,
        to=record.node_id,
        sequence=sequence,
        kind=kind,
        at=at,
        expires=expires,
        body=body,
        mailbox=mailbox,
        proof=proof,
        own=own_prekeys(node) if proof is Proof.BETWEEN_US else None,
    )


def open_from(node: Node, record: PeerRecord, data: bytes, *, mailbox: str) -> Opened:
    """What this peer sealed for us, found in ``mailbox``. Raises BadEnvelope, one code a cause."""
    return open_envelope(
        data,
        own_prekeys(node),
        sender_keys(node, record.code_name),
        to=node.keys.node_id,
        at=node.clock(),
        mailbox=mailbox,
    )


def sealed_under(node: Node, record: PeerRecord, mailbox: str) -> str:
    """Names all that a sealed message depends on: once this changes, what waits is sealed anew."""
    recipient: RecipientKeys = recipient_keys(node, record.code_name)
    proof = proof_with(node, record.code_name)
    own = own_prekeys(node).newest.public.key_id.hex() if proof is Proof.BETWEEN_US else ""
    parts = [node.keys.signing_public.hex(), recipient.key_id.hex(), mailbox, proof.value, own]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
