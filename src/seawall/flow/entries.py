"""Indicators, kept by value, as the objects that policy decides about."""

from __future__ import annotations

from seawall.codec.sharing import version_of
from seawall.model.indicator import IndicatorEntry
from seawall.model.stored import StoredObject


def as_stored(entry: IndicatorEntry) -> StoredObject:
    """An indicator as the object that policy decides about."""
    return StoredObject(
        id=entry.indicator_id,
        type="indicator",
        version=version_of(entry.body),
        created_by=None,
        body=entry.body,
        tlp=entry.tlp,
        pap=entry.pap,
        origin=entry.origin,
        source=_circle_of(entry),
        whole=len(entry.sources) > 1,
    )


def _circle_of(entry: IndicatorEntry) -> str | None:
    """The circle through which a peer's indicator came, or the MISP that brought it; for our own, who published it."""
    if entry.origin is None:
        return entry.sources[0] if entry.sources else None
    if (misp := f"misp:{entry.origin}") in entry.sources:
        return misp
    came = (source.partition("/")[2] for source in entry.sources if source.startswith(f"{entry.origin}/"))
    return next(came, None)
