"""What people say of a warning, here and at the peers it came from; where a warning stands at the desk; deliveries."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.observable import ObservableType

ANSWERS = "answers"
"""Source of the objects that carry our answers: people said it, so no sensor's silence takes it back."""


class Verdict(StrEnum):
    """What somebody who looked found."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"


class Answer(msgspec.Struct, frozen=True):
    """One party's answer about one value; a later one by the same party stands in its place."""

    type: ObservableType
    value: str  # canonical
    verdict: Verdict
    at: int  # microseconds UTC
    by: str  # who gave it here; of a peer's answer the id of its object
    peer: str | None = None  # None: our own; else the code name of the peer whose answer came back
    note: str = ""


class DeskPlace(msgspec.Struct, frozen=True):
    """Where the warning about one value stands at the desk. Times in microseconds UTC."""

    type: ObservableType
    value: str
    group: str  # the campaign it belongs to, or one of its own
    severity: int  # warn.severity.Severity
    rank: float  # what goes first when the budget is short
    placed_at: int  # when the desk first saw it
    raised_at: int | None = None  # None: below budget
    snoozed_until: int | None = None
    snoozed_by: str | None = None


class DeliveryState(StrEnum):
    """What became of a message to a channel."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"  # given up after the last attempt
    WITHHELD = "withheld"  # policy or a marking kept it here
    CANCELLED = "cancelled"  # answered before it was due


class Delivery(msgspec.Struct, frozen=True):
    """One message about one group of warnings to one channel. Times in microseconds UTC."""

    id: str  # the same each time it is tried: receivers tell repetitions by it
    channel: str
    group: str
    severity: int
    created_at: int
    due_at: int
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    said: str = ""  # why it failed or stayed, in one sentence
    done_at: int | None = None
