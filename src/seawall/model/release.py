"""Policy's two answers and the ledger's receipt. Nothing leaves the node except as ``Recorded[Release]`` (rule 1).

``Release`` and ``Withheld`` are made only in ``policy/decide.py``; ``Recorded`` only in ``ledger/record.py``. A test
reads the source tree and fails when anybody else constructs one.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

Payload = TypeVar("Payload")


class ReleasedObject(msgspec.Struct, frozen=True):
    """One object version as it may leave: the bytes after redaction, and what the ledger commits to."""

    id: str
    version: str  # STIX ``modified`` (or ``created``) timestamp text
    body: bytes  # canonical JSON as it leaves


class Release(msgspec.Struct, frozen=True):
    """Permission to show these objects to this recipient, given by this rule at this moment."""

    recipient: str  # peer code name, local user name, or consumer name
    circle: str  # circle name; "own-use" for exports a user makes for their own organisation
    rule: str  # stable rule name, e.g. "standing:warn-tw-kr" or "approved"
    policy_version: str
    at: int  # microseconds UTC
    objects: tuple[ReleasedObject, ...]
    approved_by: tuple[str, ...] = ()
    purpose: str = "share"  # share | enforce | own-use


class Withheld(msgspec.Struct, frozen=True):
    """Refusal, with the rule that refused. ``reason`` is for our own people only: the asker sees absence."""

    recipient: str
    circle: str
    rule: str
    policy_version: str
    at: int
    object_id: str
    object_version: str
    reason: str


class Recorded(msgspec.Struct, Generic[Payload], frozen=True):
    """A value whose ledger leaf is on disk (fsynced). Exits accept only this."""

    value: Payload
    leaf_index: int
    leaf_hash: str  # hex
