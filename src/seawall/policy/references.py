"""References from one object to others: removed when the other is withheld, or fatal when the object needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

NEEDED: dict[str, frozenset[str]] = {
    "relationship": frozenset({"source_ref", "target_ref"}),
    "sighting": frozenset({"sighting_of_ref"}),
    "language-content": frozenset({"object_ref"}),
    "report": frozenset({"object_refs"}),
    "grouping": frozenset({"object_refs"}),
    "note": frozenset({"object_refs"}),
    "opinion": frozenset({"object_refs"}),
}
"""Properties that STIX 2.1 requires; a list among them must keep at least one reference."""
_LEFT_ALONE = frozenset({"object_marking_refs", "marking_ref", "created_by_ref"})
"""Markings bind whoever reads them; naming the creator is the attribution switch's business."""


class Pruned(msgspec.Struct, frozen=True):
    """An object without the references it may not show; ``broken`` names the needed one that is missing."""

    body: dict[str, Any]
    broken: str | None = None


def references(body: dict[str, Any]) -> Iterator[str]:
    """Every object id that ``body`` refers to, markings and creator aside."""
    for key, value in body.items():
        if key in _LEFT_ALONE:
            continue
        if key.endswith("_ref") and isinstance(value, str):
            yield value
        elif key.endswith("_refs") and isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))
        else:
            for inner in value if isinstance(value, list) else (value,):
                if isinstance(inner, dict):
                    yield from references(inner)


def prune(body: dict[str, Any], may_show: Callable[[str], bool]) -> Pruned:
    """``body`` with only those references that ``may_show`` permits."""
    if all(may_show(id) for id in references(body)):
        return Pruned(body)
    needed = NEEDED.get(str(body.get("type")), frozenset())
    fresh = _kept(body, may_show)
    missing = sorted(key for key in needed if key in body and key not in fresh)
    return Pruned(fresh, missing[0] if missing else None)


def _kept(body: dict[str, Any], may_show: Callable[[str], bool]) -> dict[str, Any]:
    fresh: dict[str, Any] = {}
    for key, value in body.items():
        if key in _LEFT_ALONE:
            fresh[key] = value
        elif key.endswith("_ref") and isinstance(value, str):
            if may_show(value):
                fresh[key] = value
        elif key.endswith("_refs") and isinstance(value, list):
            if shown := [item for item in value if isinstance(item, str) and may_show(item)]:
                fresh[key] = shown
        elif isinstance(value, dict):
            fresh[key] = _kept(value, may_show)
        elif isinstance(value, list):
            fresh[key] = [_kept(item, may_show) if isinstance(item, dict) else item for item in value]
        else:
            fresh[key] = value
    return fresh
