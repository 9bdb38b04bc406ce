"""What a node keeps of a private set intersection: sessions, and the parts sent and taken in.

Lists are packed, so that a million items are some large values and not a million rows.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

TOKEN_BYTES = 16  # of the doubly masked point: a chance match among 5 million a side has probability 2^-83


class SessionState(StrEnum):
    """How far a session is."""

    OPEN = "open"
    DONE = "done"
    ABANDONED = "abandoned"


class PsiSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session of three messages within an epoch."""

    number: int  # rises within the epoch
    we_are_first: bool
    state: SessionState
    ours: int = 0  # points in our list, padding and check points with it; 0 until it is made
    theirs: int = 0  # points in the other side's list; 0 until its first part came
    answered: int = 0  # parts of our list that were answered
    opened_at: int  # microseconds UTC
    closed_at: int | None = None


class SentPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of our list: the points that went, and what stands behind them."""

    index: int
    points: bytes  # 32 bytes each, in the order in which they went; empty once they were answered
    values: tuple[bytes, ...]  # canonical values in the order of their places
    places: bytes  # uint32 little-endian: the place of each value among the points
    checks: bytes  # 20 bytes each: uint32 place, then the 16 bytes that must come back
    tokens: bytes | None = None  # 16 bytes for each of ``values``; None until it was answered
    answer: bytes = b""  # digest of the answer as it came


class TakenPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the other side's list, and our answer to it."""

    index: int
    digest: bytes  # of the part as it came: the same part again gets the same answer, another one none
    tokens: bytes  # 16 bytes for each point, in its order
