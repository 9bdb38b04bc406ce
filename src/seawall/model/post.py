"""What a node keeps of the messages it exchanges: ours until the peer has them, the peer's by their number."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.message import MessageKind


class PostState(StrEnum):
    """What became of a message. The spelling is stored and stable."""

    WAITING = "waiting"  # ours; the peer has not acknowledged it
    TAKEN = "taken"  # ours; the peer has it
    HELD = "held"  # the peer's; it came before one with a lower number
    HANDLED = "handled"  # the peer's
    REJECTED = "rejected"  # its reader did not want it; ``reason`` says why
    EXPIRED = "expired"  # its time was over before it arrived, or before its turn
    GONE = "gone"  # the sender says that it will not come any more


class Outgoing(msgspec.Struct, frozen=True):
    """One of ours. ``body`` and ``sealed`` are kept while it waits. Moments in microseconds UTC."""

    peer: str
    sequence: int
    kind: MessageKind
    at: int
    expires: int
    digest: str  # what is said, however it is sealed
    size: int  # bytes of the body
    body: bytes | None = None
    sealed: bytes | None = None
    state: PostState = PostState.WAITING
    puts: int = 0  # how often it was laid into the relay's mailbox
    put_at: int | None = None  # when last; None: lay it there next time
    turn: int = 0  # the visit to the relay during which that was
    reason: str | None = None
    settled_at: int | None = None


class Incoming(msgspec.Struct, frozen=True):
    """One of a peer's. ``body`` is kept only while it is held."""

    peer: str
    sequence: int
    kind: MessageKind
    at: int
    expires: int
    digest: str
    size: int
    body: bytes | None = None
    state: PostState = PostState.HANDLED
    reason: str | None = None
    settled_at: int | None = None
