"""What a message about a group of warnings says: the JSON document that a release covers and forms are made from."""

from __future__ import annotations

import msgspec

from seawall.model import ObservableType, Recorded, Release

FORMAT = "seawall-warning-1"
MAX_VALUES = 20  # of one message; the others are counted


class ValueMessage(msgspec.Struct, frozen=True):
    """One value of the group. Moments are RFC 3339 in UTC."""

    type: ObservableType
    value: str
    first_side: str
    first_seen: str
    met_here: bool
    sectors: tuple[str, ...]
    confidence: int
    severity: str
    tlp: str
    pap: str
    action: str | None = None  # proposed: watch or block
    reasons: tuple[str, ...] = ()  # English sentences, keys of the message catalogues


class GroupMessage(msgspec.Struct, frozen=True):
    """One message. ``id`` stays the same when it is sent again: receivers drop repetitions by it."""

    id: str
    node: str
    group: str
    severity: str
    at: str
    tlp: str
    values: tuple[ValueMessage, ...]
    more: int = 0  # values beyond those told
    left_out: int = 0  # values whose marking is above what the channel is for
    test: bool = False
    format: str = FORMAT


def message_of(released: Recorded[Release]) -> GroupMessage:
    """The message that a recorded release covers. Raises ValueError for a release of something else."""
    if len(released.value.objects) != 1:
        raise ValueError("one release covers one message")
    return msgspec.json.decode(released.value.objects[0].body, type=GroupMessage)
