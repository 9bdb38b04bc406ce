"""Notices: the small signed documents that two nodes exchange beside the objects, numbered so that none is replayed."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

MAX_NOTICE_BYTES = 256 * 1024  # of one body as JSON: a recall of a thousand objects takes half of it


class NoticeKind(StrEnum):
    """What a notice is about. The spelling travels and is stable."""

    TERMS = "terms"
    KEYS = "keys"
    RECEIPT = "receipt"
    RECALL = "recall"
    CHECKPOINT = "checkpoint"
    FAREWELL = "farewell"
    RESTORED = "restored"
    PREKEYS = "prekeys"
    RELAY = "relay"


class NoticeState(StrEnum):
    """What became of a notice. Ours wait until the peer took them; the peer's are handled or rejected once."""

    WAITING = "waiting"
    TAKEN = "taken"
    HANDLED = "handled"
    REJECTED = "rejected"


class Notice(msgspec.Struct, frozen=True):
    """One notice whose signature, recipient and number held. ``peer`` is the other side's code name here."""

    peer: str
    number: int  # 1, 2, 3 ... of all notices in this direction
    kind: NoticeKind
    at: int  # microseconds UTC, the sender's clock
    body: dict[str, Any]  # decoded JSON, at most MAX_NOTICE_BYTES
    envelope: bytes = b""  # as it came, signed: the proof that the peer said so


class KeptNotice(msgspec.Struct, frozen=True):
    """A row of the book of notices. ``reason`` says why one was rejected, by whoever rejected it."""

    peer: str
    ours: bool  # we sent it
    number: int
    kind: NoticeKind
    at: int
    digest: str  # SHA-256 of the signed payload, lower hex
    envelope: bytes
    state: NoticeState
    reason: str | None = None
    settled_at: int | None = None
