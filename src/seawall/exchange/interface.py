"""What the exchange room needs from the house: the server's service, in values of ``model``.

``flow`` implements ``ExchangeService`` with policy, ledger and store. The server never sees an object that is not
inside a ``Recorded[Release]`` (rule 1), and cannot tell absent from withheld (rule 12), because the service answers
both alike.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Protocol

import msgspec

from seawall.exchange.discipline import Misdeed
from seawall.model import Actor, Recorded, Release, rfc3339

COLLECTION_NAMESPACE = uuid.UUID("6f0d3c52-6a0e-5c1c-9a57-6f1a3f4f5d11")


def collection_id(node_id: str, circle: str) -> str:
    """The stable TAXII collection id of ``circle`` at node ``node_id`` (UUIDv5), the same after every restart."""
    return str(uuid.uuid5(COLLECTION_NAMESPACE, f"{node_id}\n{circle}"))


class CollectionInfo(msgspec.Struct, frozen=True):
    """One collection as one actor may see it (TAXII 2.1 section 5.2.1)."""

    id: str  # collection_id(...)
    title: str  # the circle's name
    description: str = ""
    can_read: bool = True
    can_write: bool = True


class ObjectsQuery(msgspec.Struct, frozen=True):
    """The filters and the page of one request (TAXII 2.1 sections 3.4 and 3.5). Empty tuples: no condition.

    ``versions`` holds "last", "first", "all" or timestamps as written; it is never empty ("last" by default).
    ``added_after`` is exclusive, in microseconds UTC. ``next`` is what the service gave out before, never interpreted.
    """

    limit: int
    added_after: int | None = None
    next: str | None = None
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("last",)
    spec_versions: tuple[str, ...] = ()


class ReleasedPage(msgspec.Struct, frozen=True):
    """One page, oldest date-added first. ``released`` is None when there is nothing to give: no ledger leaf then.

    ``first_added`` and ``last_added`` are the dates added of the first and last *row read* of this page, in
    microseconds UTC; a service may give ``last_added`` with an empty page, so that rows not meant for the asker are
    not read again.
    """

    released: Recorded[Release] | None = None
    more: bool = False
    next: str | None = None
    first_added: int | None = None
    last_added: int | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What became of one posted object; ``problem`` is None when it was accepted, else one sentence for the sender."""

    id: str
    version: str
    problem: str | None = None
    misdeed: Misdeed | None = None  # what kind of wrong it was, when it counts against the sender


class ExchangeService(Protocol):
    """The node behind the TAXII server. Methods may be called from several threads at once.

    Every method raises ``NotFound`` alike for a collection or object that is not there and for one that the actor
    may not know of, ``Refused`` for a known right that is missing, ``Unavailable`` when trying later helps.
    """

    def collections(self, actor: Actor) -> Sequence[CollectionInfo]:
        """The collections that this actor may know of, in a stable order."""

    def page(self, actor: Actor, collection: str, query: ObjectsQuery) -> ReleasedPage:
        """Objects of one page; each body is the JSON that leaves."""

    def manifest(self, actor: Actor, collection: str, query: ObjectsQuery) -> ReleasedPage:
        """As ``page``, but each body is a ``manifest_record``: telling that an object exists is a release too."""

    def accept(self, actor: Actor, collection: str, bodies: Sequence[bytes]) -> Sequence[Outcome]:
        """Take in posted objects through inbound policy; one outcome per body, in order."""

    def delete(self, actor: Actor, collection: str, object_id: str, query: ObjectsQuery) -> None:
        """Remove an object's versions from this collection; raises ``Refused`` where the actor has no such right."""


def manifest_record(
    object_id: str, version: str, date_added: int, media_type: str = "application/stix+json;version=2.1"
) -> bytes:
    """The JSON of one manifest record (TAXII 2.1 section 5.3.1); ``date_added`` in microseconds UTC."""
    record = {"id": object_id, "date_added": rfc3339(date_added), "version": version, "media_type": media_type}
    return msgspec.json.encode(record)
