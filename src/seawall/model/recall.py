"""Recalls: what was taken back, who had it, and what each of them said about it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class RecallCause(StrEnum):
    """Why an object is taken back. The spelling travels and is stable."""

    RECALLED = "recalled"  # a person took it back
    MARKING = "marking"  # its marking no longer lets it stay there
    REVOKED = "revoked"  # it was revoked
    DERIVED = "derived"  # what it rested on was taken back


class RecallState(StrEnum):
    """How far one receiver is with one recall."""

    WAITING = "waiting"  # the notice has not been taken yet
    TOLD = "told"  # taken, not answered
    CONFIRMED = "confirmed"  # by signature: that it was destroyed cannot be proved
    REFUSED = "refused"
    UNSIGNED = "unsigned"  # it has no node: told by the revoked version, and cannot confirm
    UNREACHABLE = "unreachable"  # the relation ended: it cannot be told


OPEN = (RecallState.WAITING, RecallState.TOLD, RecallState.REFUSED, RecallState.UNREACHABLE)
"""States that a person should look at when they last."""


class RecallRow(msgspec.Struct, frozen=True, kw_only=True):
    """One object of one recall and one receiver (``ours``), or what one peer took back from us. Microseconds UTC."""

    act: str
    object_id: str
    peer: str
    ours: bool = True
    version: str
    circles: tuple[str, ...]
    cause: RecallCause
    behind: str | None = None  # the peer whose recall we pass on
    at: int
    state: RecallState
    told_at: int | None = None
    answered_at: int | None = None
    said: str | None = None
    receipt: bytes | None = None  # the signed envelope, or "with ID" of the object whose row holds it
    number: int = 0


class SentRow(msgspec.Struct, frozen=True):
    """One row that ever stood in an outbox, for whoever may have read it. Microseconds UTC."""

    circle: str
    object_id: str
    version: str
    recipients: frozenset[str] | None  # None: every member
    added: int
    withdrawn_at: int | None
