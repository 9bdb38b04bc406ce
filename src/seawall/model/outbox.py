"""Rows of an outbox (a circle's TAXII collection) and pages of them."""

from __future__ import annotations

import msgspec


class OutboxRow(msgspec.Struct, frozen=True):
    """One object version as it became releasable in one circle."""

    object_id: str
    version: str  # STIX ``modified`` (or ``created``) as written; empty for objects without versions
    body: bytes  # as it leaves; empty in a manifest
    recipients: frozenset[str] | None = None  # code names or local TAXII users; None: every member of the circle
    added: int = 0  # date-added in microseconds UTC, given by the store: unique and strictly rising in the circle
    spec_version: str = "2.1"

    @property
    def type(self) -> str:
        """The STIX type, which every STIX id begins with."""
        return self.object_id.partition("--")[0]


class OutboxFilter(msgspec.Struct, frozen=True):
    """The ``match`` filters of TAXII 2.1 section 3.4; None: not asked for."""

    ids: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    versions: tuple[str, ...] = ("last",)  # first, last, all, or timestamps
    spec_versions: tuple[str, ...] | None = None


class OutboxPage(msgspec.Struct, frozen=True):
    """One page, in order of date-added. ``next`` continues exactly behind the last row, also under new inserts."""

    rows: tuple[OutboxRow, ...] = ()
    more: bool = False
    next: str | None = None  # opaque; None when ``more`` is false
    first_added: int | None = None  # microseconds UTC; None when the page is empty
    last_added: int | None = None
