"""STIX objects as dictionaries and JSON: what came in goes out exactly, unknown properties and extensions included."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.model.stix import OBJECT_TYPES, Bundle, CustomObject, ObservableObject, StixObject

_FIELDS: dict[str, frozenset[str]] = {
    name: frozenset(kind.__struct_fields__) - {"more"} | {"type"} for name, kind in OBJECT_TYPES.items()
}
_CUSTOM_FIELDS = frozenset(CustomObject.__struct_fields__) - {"more", "custom_type", "defanged"}
_CUSTOM_OBSERVABLE_FIELDS = frozenset(ObservableObject.__struct_fields__) - {"more"}
_encode = msgspec.json.Encoder().encode


def from_dict(properties: dict[str, Any]) -> StixObject:
    """The struct of a dictionary. Raises msgspec.ValidationError for what ``check`` would call an error of type."""
    kind = properties.get("type")
    known = OBJECT_TYPES.get(kind) if isinstance(kind, str) else None
    fields = _FIELDS[str(kind)] if known is not None else _custom_fields(properties)
    if known is not None and properties.keys() <= fields:
        return msgspec.convert(properties, known)
    more = {name: value for name, value in properties.items() if name not in fields}
    core = {name: value for name, value in properties.items() if name in fields} if more else properties
    if known is None:
        more.pop("type", None)
        core = {name: value for name, value in core.items() if name != "type"}
        custom = {**core, "custom_type": kind, "more": more}
        return msgspec.convert(custom, CustomObject)
    return msgspec.convert({**core, "more": more} if more else core, known)


def _custom_fields(properties: dict[str, Any]) -> frozenset[str]:
    """What a type of somebody's own has from the specification: as an SDO with versions, or as an observable."""
    return _CUSTOM_FIELDS if "created" in properties or "modified" in properties else _CUSTOM_OBSERVABLE_FIELDS


def to_dict(obj: StixObject | Bundle) -> dict[str, Any]:
    """The properties of a struct, ``type`` first."""
    properties: dict[str, Any] = msgspec.to_builtins(obj)
    more = properties.pop("more", {})
    if isinstance(obj, CustomObject):
        properties["type"] = properties.pop("custom_type")
    return {**properties, **more}


def encode(obj: StixObject | Bundle) -> bytes:
    """One object as JSON, UTF-8."""
    return _encode(to_dict(obj))
