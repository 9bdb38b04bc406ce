"""A hit: what a site's own systems say they met, when no telemetry of theirs is kept here."""

from __future__ import annotations

import hashlib

import msgspec

from seawall.model.observable import ObservableType


class Hit(msgspec.Struct, frozen=True):
    """One value met on one side, so often between two moments (microseconds UTC).

    ``indicator_id`` is None for a value that no indicator names: then ``basis`` says why it counts as hostile.
    """

    type: ObservableType
    value: str  # canonical
    side: str
    sector: str
    first_seen: int
    last_seen: int
    count: int
    indicator_id: str | None
    basis: str  # of ``Basis``; none: the indicator alone says so
    reported_by: str
    reported_at: int
    hit_id: str | None = None  # the reporter's own name for it

    @property
    def identity(self) -> str:
        """Equal for the same hit: by its own id, else by value, side, sector, moments and count."""
        if self.hit_id is not None:
            return f"id:{self.hit_id}"
        parts = [self.type.value, self.value, self.side, self.sector, self.first_seen, self.last_seen, self.count]
        return "is:" + hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


class HitTotal(msgspec.Struct, frozen=True):
    """All hits of one value on one side in one sector under one basis."""

    type: ObservableType
    value: str
    side: str
    sector: str
    indicator_id: str | None
    basis: str
    first_seen: int
    last_seen: int
    count: int
    reporters: int
