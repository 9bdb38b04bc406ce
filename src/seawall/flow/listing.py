"""A page of rows as the doors show them."""

from __future__ import annotations

import msgspec


class Listing(msgspec.Struct, frozen=True):
    """One page of plain rows; ``next`` is the ``after`` of the following page."""

    items: list[dict[str, object]]
    next: int | None
