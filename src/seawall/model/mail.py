"""Peers without a node, reached by OpenPGP mail, and the mails that went to them and came from them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.marking import Pap, Tlp
from seawall.model.observable import ObservableType
from seawall.model.peer import PeerState


class MailPeer(msgspec.Struct, frozen=True):
    """One peer that is a mail address and an OpenPGP key; it stands in circles under its code name as nodes do."""

    code_name: str
    address: str  # in lower case
    fingerprint: str  # of the primary key, upper hex
    key: bytes  # the public key as it came
    lang: str
    state: PeerState
    added_at: int  # microseconds UTC
    contact: str | None = None  # its entry in the contact directory


class MailState(StrEnum):
    """What became of one mail."""

    PREPARED = "prepared"  # about to leave; after a kill the same mail leaves again
    SENT = "sent"
    WAITING = "waiting"  # came in, verified; a draft that a person decides about
    ACCEPTED = "accepted"
    DISCARDED = "discarded"
    QUARANTINED = "quarantined"  # came in and could not be believed; ``reason`` says why


class DraftValue(msgspec.Struct, frozen=True):
    """One value that a mail speaks of. ``flags`` are reasons to look twice: a warninglist, our own asset."""

    type: ObservableType
    value: str
    found_in: str  # "text" or the bare name of an attachment
    description: str | None = None
    confidence: int | None = None
    valid_from: int | None = None  # microseconds UTC
    valid_until: int | None = None
    flags: tuple[str, ...] = ()


class DraftAttachment(msgspec.Struct, frozen=True):
    """One attachment by its bare name; ``read_as`` is None when it was not looked into, and ``problem`` says why."""

    name: str
    size: int
    read_as: str | None = None
    problem: str | None = None


class Draft(msgspec.Struct, frozen=True):
    """What a verified mail holds, before a named person decides."""

    tlp: Tlp
    pap: Pap
    values: tuple[DraftValue, ...] = ()
    objects: tuple[str, ...] = ()  # STIX objects as JSON
    attachments: tuple[DraftAttachment, ...] = ()
    problems: tuple[str, ...] = ()
    text: str = ""  # the beginning of what a person wrote


class MailRecord(msgspec.Struct, frozen=True):
    """One mail on the books. ``identity`` is unique: it keeps a mail from being sent, or taken in, twice."""

    direction: str  # "in" or "out"
    identity: str
    peer: str | None
    message_id: str
    subject: str
    at: int  # microseconds UTC
    state: MailState
    ticket: str | None = None
    circle: str | None = None
    body: bytes = b""  # JSON: what was sent, the draft, or why it is in quarantine
    decided_by: str | None = None
    decided_at: int | None = None
    number: int = 0  # given by the store
