"""Sightings as STIX 2.1 ``sighting`` objects (section 5.2), as plain dictionaries ready for JSON.

The id is derived from what was seen, where and by whom, so the same sighting told again is a new version of the same
object, not a second one. A candidate without an indicator refers to an indicator object that the caller names.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from seawall.model import SightingSummary, from_microseconds

NAMESPACE = uuid.UUID("7c0c1f3e-5f0a-5c11-9d0e-3a2b7f6d4e10")  # ours, for deterministic version-5 ids
MAX_COUNT = 999_999_999  # STIX 2.1 section 5.2.1: count is an integer from 0 to 999,999,999


def sighting_object(
    seen: SightingSummary,
    *,
    created_by: str,
    at: int,
    sighting_of: str | None = None,
    where_sighted: Sequence[str] = (),
    marking_refs: Sequence[str] = (),
) -> dict[str, object]:
    """One STIX 2.1 sighting.

    ``created_by`` and ``where_sighted`` are STIX identity or location ids, ``at`` the moment of creation in
    microseconds UTC, ``sighting_of`` the id of the indicator when the summary has none. Raises ValueError when neither
    names an indicator: STIX demands ``sighting_of_ref``.
    """
    target = seen.indicator_id or sighting_of
    if target is None:
        raise ValueError("a sighting needs the id of what was sighted")
    name = "\x1f".join((created_by, target, seen.type.value, seen.value, seen.side))
    made: dict[str, object] = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": f"sighting--{uuid.uuid5(NAMESPACE, name)}",
        "created_by_ref": created_by,
        "created": stix_time(at),
        "modified": stix_time(at),
        "first_seen": stix_time(seen.first_seen),
        "last_seen": stix_time(max(seen.last_seen, seen.first_seen)),
        "count": min(seen.count, MAX_COUNT),
        "sighting_of_ref": target,
    }
    if where_sighted:
        made["where_sighted_refs"] = list(where_sighted)
    if marking_refs:
        made["object_marking_refs"] = list(marking_refs)
    return made


def where(side: str, sectors: Sequence[str], identity_of: Callable[[str, str], str]) -> list[str]:
    """``where_sighted_refs``: the identity of each sector of a side, in order of arrival, without repeats."""
    return list(dict.fromkeys(identity_of(side, sector) for sector in sectors))


def stix_time(moment: int) -> str:
    """STIX timestamp of a moment in microseconds UTC, with milliseconds or, where they matter, microseconds."""
    text = from_microseconds(moment).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return (text[:-3] if text.endswith("000") else text) + "Z"
