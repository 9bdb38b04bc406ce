"""Points in time as people and tools write them, as microseconds UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from seawall.model import to_microseconds

EARLIEST, LATEST = 0, 4_102_444_800_000_000  # 1970 to 2100: what is outside is a mistake


@lru_cache(maxsize=8192)
def moment_of(text: str) -> int | None:
    """ISO 8601 / RFC 3339, a bare date, or epoch seconds; without zone it is UTC. None when it is no moment."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        found = int(text) * (1_000_000 if len(text) == 10 else 1_000)
    else:
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            return None
        found = to_microseconds(parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC))
    return found if EARLIEST <= found <= LATEST else None
