"""What the store keeps and answers: objects with their markings, counts of a write, pages of a read."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from seawall.model.marking import Pap, Tlp

Item = TypeVar("Item")


class StoredObject(msgspec.Struct, frozen=True):
    """One version of one STIX object as it is kept. Times in microseconds UTC."""

    id: str
    type: str
    version: str  # STIX ``modified`` (or ``created``) as written; empty for objects without either
    created_by: str | None
    body: bytes  # JSON, UTF-8, unknown properties included
    tlp: Tlp
    pap: Pap
    origin: str | None = None  # the peer's code name; None: our own
    source: str | None = None  # who published it, as the operator names them
    sequence: int = 0  # given by the store, strictly rising; 0 before it is stored
    stored_at: int = 0  # given by the store's caller
    revoked: bool = False
    inputs: tuple[str, ...] = ()  # ids of what it was derived from: markings are inherited from these
    excluded: frozenset[str] = frozenset()  # peers that must never see it
    whole: bool = False  # several sources speak in it: granular markings of its body say nothing about the others


class PutCounts(msgspec.Struct, frozen=True):
    """What a write did to the things it was given."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    conflicts: int = 0  # of the unchanged: what others say otherwise, kept beside what is held

    def __add__(self, other: PutCounts) -> PutCounts:
        """The sum, field by field."""
        return PutCounts(
            self.new + other.new,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.conflicts + other.conflicts,
        )

    @property
    def total(self) -> int:
        """How many things were given."""
        return self.new + self.updated + self.unchanged


class Conflict(msgspec.Struct, frozen=True):
    """What somebody says of an object that is held otherwise. Times in microseconds UTC."""

    number: int
    id: str
    type: str
    version: str
    reason: str  # same-version or another-creator
    created_by: str | None
    body: bytes
    tlp: Tlp
    pap: Pap
    origin: str | None
    source: str | None
    at: int
    held_version: str
    held_created_by: str | None
    held_origin: str | None
    held_source: str | None


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """One page of a listing; ``next`` is the ``after`` of the following page, None at the end."""

    items: tuple[Item, ...]
    next: int | None = None
