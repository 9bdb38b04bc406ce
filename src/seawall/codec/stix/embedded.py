"""The deprecated ``objects`` of observed-data (4.14): cyber-observables under local keys that refer to each other."""

from __future__ import annotations

from typing import Any

from seawall.codec.stix.verdict import Findings, shown
from seawall.model.stix import OBJECT_TYPES
from seawall.model.stix.objects import ObservableObject


def check_embedded(objects: dict[str, Any], found: Findings) -> None:
    """Each object by its own rules; references by key must lead to an object that is there."""
    from seawall.codec.stix.check import check

    for key, part in objects.items():
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            found.errors.append(f"objects.{key}: is not an object with a 'type'")
            continue
        if not key.isdigit():
            found.warnings.append(f"objects: {shown(key)} is not a good key, use non-negative integers")
        verdict = check(part)
        found.errors.extend(f"objects.{key}: {error}" for error in verdict.errors)
        found.warnings.extend(f"objects.{key}: {warning}" for warning in verdict.warnings)
        known = OBJECT_TYPES.get(part["type"])
        if known is None or not issubclass(known, ObservableObject):
            continue
        for name in known.__struct_fields__:
            if name in part and name.endswith(("_ref", "_refs")) and name != "object_marking_refs":
                _resolve(f"objects.{key}.{name}", part[name], objects, found)


def _resolve(place: str, value: Any, objects: dict[str, Any], found: Findings) -> None:
    for reference in value if isinstance(value, list) else [value]:
        if isinstance(reference, str) and reference not in objects:
            found.errors.append(f"{place}: {shown(reference)} is not a key of these objects")
