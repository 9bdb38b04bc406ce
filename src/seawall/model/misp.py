"""MISP events as the store keeps them: what is searched stands in columns, the rest is the JSON that MISP wrote."""

from __future__ import annotations

import msgspec

from seawall.model.marking import Pap, Tlp


class MispAttribute(msgspec.Struct, frozen=True):
    """One attribute. ``timestamp`` in seconds UTC, as MISP counts; markings are the event's and its own, joined."""

    uuid: str
    type: str
    category: str
    value: str
    to_ids: bool
    deleted: bool
    timestamp: int
    tlp: Tlp
    pap: Pap
    body: bytes  # JSON, as the event holds it
    object: str | None = None  # UUID of the MISP object it stands in
    object_name: str | None = None
    tags: tuple[str, ...] = ()
    number: int = 0  # given by the store: MISP's ``id``
    event: int = 0  # number of its event


class MispEvent(msgspec.Struct, frozen=True):
    """One event with its attributes, those of objects included. Times in seconds UTC, ``date`` as YYYY-MM-DD."""

    uuid: str
    timestamp: int
    publish_timestamp: int
    published: bool
    date: str
    info: str
    tlp: Tlp
    pap: Pap
    body: bytes  # JSON without any attribute; objects stand in it without theirs
    attributes: tuple[MispAttribute, ...] = ()
    tags: tuple[str, ...] = ()
    origin: str | None = None  # the MISP it came from; None: added here
    deleted: bool = False
    number: int = 0  # given by the store: MISP's ``id``
    change: int = 0


class MispChange(msgspec.Struct, frozen=True):
    """That an event was changed here: the number to ask behind next time."""

    uuid: str
    change: int
    deleted: bool
    origin: str | None


class Words(msgspec.Struct, frozen=True):
    """A MISP search term: any of these, all of these, none of these. ``%`` stands for anything."""

    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is asked."""
        return bool(self.any or self.all or self.none)


NO_WORDS = Words()


class Span(msgspec.Struct, frozen=True):
    """Seconds UTC, both ends included; None: open."""

    since: int | None = None
    until: int | None = None

    def __bool__(self) -> bool:
        """Whether it bounds anything."""
        return self.since is not None or self.until is not None


ANY_TIME = Span()


class MispQuery(msgspec.Struct, frozen=True):
    """What a restSearch asks for; everything given must hold."""

    values: Words = NO_WORDS
    types: Words = NO_WORDS
    categories: Words = NO_WORDS
    tags: Words = NO_WORDS  # of the attribute or its event
    event_tags: Words = NO_WORDS
    uuids: tuple[str, ...] = ()  # of an attribute or an event
    events: tuple[str, ...] = ()  # MISP ids or UUIDs
    info: str | None = None
    object_name: str | None = None
    to_ids: bool | None = None
    deleted: bool | None = False  # None: both
    published: bool | None = None
    changed: Span = ANY_TIME  # the attribute's timestamp (the event's, where events are asked for)
    event_changed: Span = ANY_TIME
    published_at: Span = ANY_TIME
    date_from: str | None = None
    date_until: str | None = None

    def of_attributes(self) -> bool:
        """Whether it asks for something that only attributes have."""
        return bool(self.values or self.types or self.categories or self.object_name) or self.to_ids is not None
