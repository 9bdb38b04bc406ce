"""What a reader of a tool's log must provide: from one line to what was met, or None if it is about something else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo

import msgspec

from seawall.model import Observable


class Met(msgspec.Struct, frozen=True):
    """What one line tells. ``at``: microseconds UTC, None when the line names no moment.

    Either the directive's own name stands in the line (``undo_id``), or ``values`` may be what the directive is about,
    the most telling first.
    """

    at: int | None
    undo_id: str | None = None
    values: tuple[Observable, ...] = ()


Read = Callable[[str, int, tzinfo], Met | None]
"""(line, microseconds UTC now, time zone of moments that name none) -> what was met. Never raises."""


class HitLog(msgspec.Struct, frozen=True):
    """One kind of log."""

    name: str
    read: Read
