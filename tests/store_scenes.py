"""Values that the store's tests put in."""

from __future__ import annotations

from seawall.model import ObservableType, Pap, Tlp, Visibility
from seawall.model.indicator import IndicatorEntry
from seawall.model.stored import StoredObject

EVERYTHING = Visibility(tlp_at_most=Tlp.RED)


def entry(value: str = "203.0.113.7", **changes: object) -> IndicatorEntry:
    """An indicator of our own, with some fields changed."""
    fields: dict[str, object] = {
        "type": ObservableType.IPV4,
        "value": value,
        "indicator_id": f"indicator--{value}",
        "campaign": None,
        "description": None,
        "confidence": None,
        "tlp": Tlp.GREEN,
        "pap": Pap.GREEN,
        "valid_from": None,
        "valid_until": None,
        "origin": None,
        "external_id": None,
        "sources": (),
        "body": f'{{"value":"{value}"}}'.encode(),
    }
    return IndicatorEntry(**(fields | changes))  # type: ignore[arg-type]


def stored(id: str = "malware--1", version: str = "2026-03-14T00:00:00.000Z", **changes: object) -> StoredObject:
    """An object of our own, with some fields changed."""
    fields: dict[str, object] = {
        "id": id,
        "type": id.partition("--")[0],
        "version": version,
        "created_by": None,
        "body": f'{{"id":"{id}","modified":"{version}"}}'.encode(errors="replace"),
        "tlp": Tlp.GREEN,
        "pap": Pap.GREEN,
    }
    return StoredObject(**(fields | changes))  # type: ignore[arg-type]
