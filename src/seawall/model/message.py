"""Message: what one node says to another in a sealed envelope, by whatever way it travels."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class MessageKind(StrEnum):
    """What a message is about; each kind has one handler."""

    DROP = "drop"  # objects and notices, as a carried drop holds them
    OVERLAP = "overlap"  # rounds of a private set intersection
    COUNT = "count"  # how many values both hold, counted by a relay
    ASK = "ask"  # one blinded look-up
    EVIDENCE = "evidence"  # tiers of what stands behind a value that both hold
    AGGREGATE = "aggregate"  # masked sums
    HUNT = "hunt"  # look for this at your place, and the answer
    COVER = "cover"  # a cell of fixed size with pieces of other messages, or none; takes no number of theirs
    STANDING = "standing"  # how far one side has come in the other's messages; takes no number of theirs


class Message(msgspec.Struct, frozen=True):
    """One message from a peer, opened and checked."""

    peer: str  # code name
    sequence: int  # rises by one per peer and direction
    kind: MessageKind
    at: int  # microseconds UTC, the sender's clock
    expires: int  # microseconds UTC
    body: bytes
