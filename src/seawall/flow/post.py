"""Post: the one way in which a message goes to a peer and is heard from one, directly or through a relay.

Whoever wants a kind of message handled adds a row to ``HANDLERS``. Messages to one peer are numbered without gaps; each
is on the ledger before it leaves, stays queued until the peer acknowledged its number, and is handled there once and in
order. A handler may run again for the same message after a kill, so it must bear that; it may ``post`` answers, which
leave in the same delivery, and must not call ``deliver``. A Fault that it raises rejects the message; the fault's
sentence goes to the sender, so it must tell nothing that the sender may not know. ``Unavailable`` leaves the message
where it is, to be handled another time.
"""

from __future__ import annotations

import msgspec

from seawall.exchange import DEFAULT_BOUNDS, OF_CODE, Wire, require_verified
from seawall.exchange.notices import exchange_notices
from seawall.exchange.post import DEFAULT_POST_BOUNDS, Carried, exchange_post
from seawall.flow.conduct import note_misdeed
from seawall.flow.node import Node
from seawall.flow.notices import LineBook
from seawall.flow.peer_keys import calling_context
from seawall.flow.post_book import PostBook
from seawall.flow.post_queue import queue
from seawall.flow.post_state import locked
from seawall.flow.relay_book import relay_of
from seawall.flow.relay_cover import deliver_under_cover
from seawall.flow.relay_delivery import deliver_by_relay
from seawall.model import Fault, Refused
from seawall.model.message import MessageKind
from seawall.model.peer import PeerRecord, PeerState

HANDLERS: dict[MessageKind, str] = {
    MessageKind.DROP: "seawall.flow.relay_sync:take_part",
    MessageKind.OVERLAP: "seawall.flow.overlap_hear:hear_overlap",
    MessageKind.COUNT: "seawall.flow.overlap_count:hear_count",
    MessageKind.EVIDENCE: "seawall.flow.overlap_evidence:hear_evidence",
    MessageKind.ASK: "seawall.flow.ask:hear_ask",
    MessageKind.AGGREGATE: "seawall.flow.aggregates_taking:hear",
    MessageKind.HUNT: "seawall.flow.hunts_hear:hear_hunt",
}
"""Kind -> ``module:function``; ``function(node: Node, message: Message) -> None`` raises Fault to reject it."""

MAX_BODY_BYTES = 8 * 1024 * 1024  # larger things are cut into parts by their owner
DAY = 86_400_000_000  # microseconds
LIFE = 14 * DAY  # of a message, unless its sender says otherwise
MAX_LIFE = 21 * DAY  # the keys that open it are kept for 30 days, and may be a week old when it is sealed
BOUNDS = DEFAULT_POST_BOUNDS


class Delivered(msgspec.Struct, frozen=True):
    """One delivery with one peer: messages and bytes of sealed envelopes each way.

    ``problems``: sentences for our own people. ``waiting``: ours that the peer has not acknowledged.
    """

    sent: int = 0
    received: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    problems: tuple[str, ...] = ()
    waiting: int = 0


def post(node: Node, peer: str, kind: MessageKind, body: bytes, *, expires_in: int | None = None) -> int:
    """Seal, put on the ledger, queue; returns the message's number. Durable when it returns; ``deliver`` moves it.

    ``body``: at most 8 MiB. ``expires_in``: microseconds after which it is no longer of use, 14 days unless told, 21 at
    most. Raises NotFound for nobody, Refused E-FLOW-600 for a peer that is not verified, Fault E-FLOW-601 for a body
    that is too large, Refused E-FLOW-602 when too much waits already, Unavailable E-FLOW-466 while the peer has told no
    key that messages to it are sealed for.
    """
    record = node.store.peers.get(peer)
    if record.state is not PeerState.VERIFIED:
        raise Refused("E-FLOW-600", "No message goes to {peer}, which is {state}.", peer=peer, state=record.state.value)
    if len(body) > MAX_BODY_BYTES:
        raise Fault("E-FLOW-601", "A message holds at most {most} bytes; say it in parts.", most=MAX_BODY_BYTES)
    with locked(node, peer, "ours"):
        count, size = node.store.post.count_waiting(peer)
        if count >= BOUNDS.waiting or size + len(body) > BOUNDS.waiting_bytes:
            raise Refused(
                "E-FLOW-602",
                "{count} messages wait for {peer} already; they leave with 'seawall sync'.",
                count=count,
                peer=peer,
            )
        at = node.clock()
        life = min(LIFE if expires_in is None else max(expires_in, 1), MAX_LIFE)
        relay = relay_of(node, peer)
        mailbox = relay.theirs.mailbox if relay is not None and relay.theirs is not None else ""
        return queue(node, record, kind, body, at=at, expires=at + life, mailbox=mailbox)


def deliver(node: Node, peer: str) -> Delivered:
    """Exchange what waits with a peer both ways until nothing is new: over its listener, or its relay where one is set.

    Raises Refused E-EXCHANGE-023 for a peer that is not verified, Unavailable when neither side of the way answers,
    Fault E-FLOW-605 for a peer that only carried files reach.
    """
    record = require_verified(node.store.peers.get(peer))
    relay = relay_of(node, peer)
    if relay is not None:
        by_relay = deliver_under_cover if relay.cover else deliver_by_relay
        carried = by_relay(node, record, relay, HANDLERS)
    elif record.carried:
        raise Fault(
            "E-FLOW-605",
            "No network reaches {peer}: what waits for it goes into a folder with 'seawall export-drop', or through a "
            "relay; see 'seawall peers relay'.",
            peer=peer,
        )
    else:
        carried = _over_the_line(node, record)
    return Delivered(
        carried.sent,
        carried.received,
        carried.bytes_out,
        carried.bytes_in,
        tuple(dict.fromkeys(carried.problems)),
        node.store.post.count_waiting(peer)[0],
    )


def _over_the_line(node: Node, record: PeerRecord) -> Carried:
    """Notices first: they may bring the keys that messages are sealed for."""
    wire = Wire(
        record.code_name,
        bounds=DEFAULT_BOUNDS,
        context=calling_context(node, record),
        pin=record.certificate_sha256,
    )
    try:
        said = exchange_notices(wire, record, LineBook(node))
        carried = exchange_post(wire, record, PostBook(node, HANDLERS))
    except Fault as fault:
        if (misdeed := OF_CODE.get(fault.code)) is not None:
            note_misdeed(node, record.code_name, misdeed, fault.text.format(**fault.values))
        raise
    finally:
        wire.close()
    carried.problems[:0] = said
    return carried
