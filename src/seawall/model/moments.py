"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

from seawall.model.errors import Fault


def parse_moment(text: str) -> datetime:
    """An aware datetime from RFC 3339 (or a plain date); a time without a zone is UTC.

    Raises Fault E-MODEL-001 for anything else.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Fault("E-MODEL-001", "{given} is no moment; write 2026-03-14T03:12:00Z.", given=repr(text[:40])) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
