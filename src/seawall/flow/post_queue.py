"""The queue of our messages to a peer: numbered, sealed, on the ledger; sealed anew when keys or the place change."""

from __future__ import annotations

import hashlib

import msgspec

from seawall.exchange.post import DEFAULT_POST_BOUNDS
from seawall.flow.node import Node
from seawall.flow.post_seal import digest_of, lives_until, seal_for, sealed_under
from seawall.flow.post_state import memory_of, remember
from seawall.flow.renumbering import MESSAGES, may_renumber, was_renumbered
from seawall.ledger import EventKind, LedgerEvent
from seawall.model.message import MessageKind
from seawall.model.peer import PeerRecord
from seawall.model.post import Outgoing

BOUNDS = DEFAULT_POST_BOUNDS
NODE = "node"  # who acts when nobody asked


def queue(
    node: Node, record: PeerRecord, kind: MessageKind, body: bytes, *, at: int, expires: int, mailbox: str
) -> int:
    """Number, seal, put on the ledger and keep one message, under the lock of ours; durable when it returns."""
    peer = record.code_name
    refresh(node, record, mailbox)
    memory = memory_of(node, peer)
    under = sealed_under(node, record, mailbox)
    sequence = max(node.store.post.last(peer), memory.base) + 1
    expires = lives_until(node, peer, expires)
    sealed = seal_for(
        node, record, sequence=sequence, kind=kind, at=at, expires=expires, body=body, mailbox=mailbox
    )  # fmt: skip
    kept = Outgoing(
        peer=peer,
        sequence=sequence,
        kind=kind,
        at=at,
        expires=expires,
        digest=digest_of(sequence, kind, at, body),
        size=len(body),
        body=body,
        sealed=sealed,
    )
    on_the_ledger(node, peer, kind, sequence, sealed)
    if memory.under != under:
        remember(node, peer, msgspec.structs.replace(memory, under=under))
    node.store.post.add(kept, keep=BOUNDS.kept)
    return sequence


def refresh(node: Node, record: PeerRecord, mailbox: str) -> tuple[int, ...]:
    """Give up what expired, and seal what waits anew once it is sealed for other keys or another place.

    Returns the numbers that expired. Raises Unavailable E-FLOW-466, E-EXCHANGE-755 when something waits and there is no
    key of the peer's.
    """
    peer = record.code_name
    expired = node.store.post.expire(peer, node.clock())
    count, _ = node.store.post.count_waiting(peer)
    if not count:
        return expired
    under = sealed_under(node, record, mailbox)
    memory = memory_of(node, peer)
    if memory.under == under:
        return expired
    for row in node.store.post.waiting(peer, limit=count):
        kept = node.store.post.get(peer, row.sequence)
        if kept is not None and kept.body is not None:
            _seal_anew(node, record, kept, kept.body, mailbox)
    remember(node, peer, msgspec.structs.replace(memory, under=under))
    return expired


def renumber(node: Node, peer: str, known: int) -> bool:
    """Our books were set back: what waits gets numbers behind ``known``, which the peer has, in its order.

    Under the lock of ours; at most once an hour, else False and nothing changes. A kill leaves all that waits under its
    former numbers or all under the new ones, and sealed anew before it leaves. Numbers of ours that the peer does not
    have stay behind as those under which nothing comes.
    """
    if not may_renumber(node, peer, MESSAGES):
        return False
    memory = msgspec.structs.replace(memory_of(node, peer), under="")
    remember(node, peer, memory)  # first: under its new numbers nothing is sealed, also after a kill
    behind = max(known, node.store.post.last(peer), memory.base)
    node.store.post.renumber(peer, behind, lambda kept, number: digest_of(number, kept.kind, kept.at, kept.body or b""))
    remember(node, peer, msgspec.structs.replace(memory, base=behind))
    was_renumbered(node, peer, MESSAGES)
    return True


def _seal_anew(node: Node, record: PeerRecord, kept: Outgoing, body: bytes, mailbox: str) -> None:
    expires = lives_until(node, kept.peer, kept.expires)
    sealed = seal_for(
        node,
        record,
        sequence=kept.sequence,
        kind=kept.kind,
        at=kept.at,
        expires=expires,
        body=body,
        mailbox=mailbox,
    )
    fresh = msgspec.structs.replace(kept, expires=expires, sealed=sealed, put_at=None, puts=0)
    on_the_ledger(node, kept.peer, kept.kind, kept.sequence, sealed)
    node.store.post.add(fresh)


def on_the_ledger(node: Node, peer: str, kind: MessageKind, sequence: int, sealed: bytes) -> None:
    """On disk before the bytes may leave (rule 1)."""
    details: dict[str, str | int | list[str]] = {
        "message": kind.value,
        "sequence": sequence,
        "sha256": hashlib.sha256(sealed).hexdigest(),
        "size": len(sealed),
    }
    node.ledger.record_event(LedgerEvent(EventKind.MESSAGE_SENT, node.clock(), NODE, peer, details))
