"""Post: the one way in which a message goes to a peer and is heard from one, directly or through a relay.

Whoever wants a kind of message handled adds a row to ``HANDLERS``. Messages to one peer are numbered without gaps; each
is on the ledger before it leaves, stays queued until the peer acknowledged its number, and is handled there once and in
order. A handler may run again for the same message after a kill, so it must bear that; it may ``post`` answers, which
leave in the same delivery, and must not call ``deliver``. A Fault that it raises rejects the message; the fault's
sentence goes to the sender, so it must tell nothing that the sender may not know. ``Unavailable`` leaves the message
where it is, to be handled another time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall.model import Fault, Refused
from seawall.model.message import MessageKind
from seawall.model.peer import PeerState

if TYPE_CHECKING:
    from seawall.flow.node import Node

HANDLERS: dict[MessageKind, str] = {}
"""Kind -> ``module:function``; ``function(node: Node, message: Message) -> None`` raises Fault to reject it."""

MAX_BODY_BYTES = 8 * 1024 * 1024  # larger things are cut into parts by their owner


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
    that is too large, Refused E-FLOW-602 when too much waits already, E-FLOW-603 while the peer's prekeys are not
    known here.
    """
    del expires_in, kind
    record = node.store.peers.get(peer)
    if record.state is not PeerState.VERIFIED:
        raise Refused("E-FLOW-600", "No message goes to {peer}, which is {state}.", peer=peer, state=record.state.value)
    if len(body) > MAX_BODY_BYTES:
        raise Fault("E-FLOW-601", "A message holds at most {most} bytes; say it in parts.", most=MAX_BODY_BYTES)
    raise Refused(
        "E-FLOW-603",
        "Nothing can be sealed for {peer} yet: its prekeys are not known here; they come with the next exchange.",
        peer=peer,
    )


def deliver(node: Node, peer: str) -> Delivered:
    """Exchange what waits with a peer both ways until nothing is new: over its listener, or its relay where one is set.

    Raises Refused E-EXCHANGE-023 for a peer that is not verified, Unavailable when neither side of the way answers.
    """
    from seawall.exchange import require_verified

    require_verified(node.store.peers.get(peer))
    return Delivered()
