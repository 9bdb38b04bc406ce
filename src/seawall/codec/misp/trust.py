"""Whether an extension may be believed. A peer may write anything into its own objects, our extension included.

What an object says by itself counts: a pattern is what is detected, a creator is who speaks, an id is what it is. An
extension that says otherwise is not read; the object then counts as plain STIX.
"""

from __future__ import annotations

from seawall.codec.misp.reading import Json, text_of, uuid_in
from seawall.codec.misp.types import RULES
from seawall.codec.misp.values import pattern_of

_TYPES: dict[str, frozenset[str]] = {
    "event": frozenset({"report"}),
    "attribute": frozenset({"indicator", "observed-data", "note", "vulnerability", "campaign", "threat-actor"}),
    "object": frozenset({"grouping"}),
    "report": frozenset({"note"}),
    "sighting": frozenset({"sighting", "opinion", "note"}),
    "reference": frozenset({"relationship"}),
    "data": frozenset({"artifact"}),
}


def disbelief(obj: Json, part: Json) -> str | None:
    """Why the extension of ``obj`` cannot be what it says; None when it can."""
    kind, event_uuid = part["kind"], uuid_in(part, "event_uuid")
    if event_uuid is None:
        return "its extension names no event"
    if obj["type"] not in _TYPES[kind]:
        return "its extension is of another kind than the object"
    if kind == "event" and obj["id"] != f"report--{event_uuid}":
        return "its extension names another event"
    if kind == "attribute":
        return _disbelief_in_value(obj, part.get("misp", {}))
    return None


def _disbelief_in_value(obj: Json, misp: Json) -> str | None:
    """A value for detection must be what the pattern looks for; what is no indicator must not become one."""
    kind, value = text_of(misp, "type", 100), misp.get("value")
    if not kind or not isinstance(value, str):
        return "its extension names no type or value"
    whole = kind in RULES or kind == "stix2-pattern"
    try:
        pattern = value.strip() if whole else pattern_of(kind, value)
    except ValueError:
        pattern = None
    if obj["type"] == "indicator":
        return None if pattern is not None and pattern == obj.get("pattern") else "its extension and pattern differ"
    if pattern is not None and misp.get("to_ids") is not False:
        return "its extension asks for a detection that it is not"
    return None


def speaks_for(obj: Json, report: Json | None) -> bool:
    """Whether a part and the event that it names have one creator, as far as both name one."""
    if report is None:
        return True
    mine, theirs = obj.get("created_by_ref"), report.get("created_by_ref")
    return mine is None or theirs is None or mine == theirs
