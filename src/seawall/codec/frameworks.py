"""Bodies of reference knowledge that come as STIX: ATT&CK, ATLAS, DISARM. Each keeps to a namespace of its own.

They are told by their creators' identities and by the addresses they cite, not by file names. DISARM calls its phases
and numbers ``mitre-attack``, as ATT&CK does: its T0085 would be taken for a technique of industrial control systems.
These names are corrected on the way in; ids, versions and notices stay as published.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from seawall.codec.losses import LossCounter
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE

FRAMEWORK = "framework:"
"""Source names of reference knowledge begin so; what has such a source is never offered to a circle."""
ATTACK, ATLAS, DISARM = "mitre-attack", "mitre-atlas", "disarm"
_IDENTITIES = {
    "identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5": ATTACK,
    "identity--f1a0f560-2d9e-4c5d-bf47-7e96e805de82": DISARM,
}
_ADDRESSES = {
    "https://attack.mitre.org/": ATTACK,
    "https://atlas.mitre.org/": ATLAS,
    "https://github.com/DISARMFoundation/": DISARM,
    "https://disarmframework.herokuapp.com/": DISARM,
}
_CATALOGUES = frozenset({"x-mitre-collection", "x-mitre-matrix", "x-mitre-tactic"})
_NAMES = {DISARM: "DISARM", ATLAS: ATLAS, ATTACK: ATTACK}


def is_framework(item: StoredObject) -> bool:
    """Published reference knowledge: everybody has it, so it is neither offered nor refused, and may be referred to."""
    return item.origin is None and (item.source or "").startswith(FRAMEWORK)


class _Head(msgspec.Struct):
    type: str = ""
    id: str = ""
    created_by_ref: str | None = None
    external_references: list[dict[str, Any]] = []


class _Bundle(msgspec.Struct):
    objects: list[msgspec.Raw] = []


def framework_of(data: bytes) -> str | None:
    """Which framework a STIX bundle publishes; None for intelligence, which may well cite one.

    A framework holds its own matrix, tactics or collection. A report with a few copied techniques does not.
    """
    if not any(b'"' + name.encode() + b'"' in data for name in _CATALOGUES):
        return None
    try:
        raws = msgspec.json.decode(data, type=_Bundle).objects
    except UNREADABLE:
        return None
    for raw in raws:
        try:
            head = msgspec.json.decode(raw, type=_Head)
        except UNREADABLE:
            continue
        if head.type in _CATALOGUES and (found := _by_creator(head)) is not None:
            return found
    return None


def _by_creator(head: _Head) -> str | None:
    """The address counts before the identity: ATLAS and DISARM have been published under MITRE's."""
    for reference in head.external_references:
        address = str(reference.get("url", ""))
        for start, name in _ADDRESSES.items():
            if address.startswith(start):
                return name
    return _IDENTITIES.get(head.created_by_ref or "")


def in_its_namespace(data: bytes, framework: str, losses: LossCounter) -> bytes:
    """The bundle with phases and numbers named as the framework's own. Call it when ``framework_of`` found one."""
    document: dict[str, Any] = msgspec.json.decode(data)
    objects = [part for part in document["objects"] if isinstance(part, dict)]
    if framework != ATTACK:
        changed = sum(_rename(part, framework) for part in objects)
        if changed:
            losses.add(f"{framework}:namespace", f"{changed} objects named their phases or numbers as ATT&CK does")
    for kind, count in _outdated(objects).items():
        losses.add(f"{framework}:{kind}", f"{count} objects are {kind}; they are kept and say so")
    return msgspec.json.encode(document)


def _rename(part: dict[str, Any], framework: str) -> bool:
    changed = False
    for phase in _dicts(part.get("kill_chain_phases")):
        if phase.get("kill_chain_name") == ATTACK:
            phase["kill_chain_name"] = framework
            changed = True
    for reference in _dicts(part.get("external_references")):
        address = str(reference.get("url", ""))
        ours = any(address.startswith(start) for start, name in _ADDRESSES.items() if name == framework)
        if reference.get("source_name") == ATTACK and ours:
            reference["source_name"] = _NAMES[framework]
            changed = True
    return changed


def _outdated(objects: Iterable[dict[str, Any]]) -> dict[str, int]:
    counts = {"revoked": 0, "deprecated": 0}
    for part in objects:
        counts["revoked"] += part.get("revoked") is True
        counts["deprecated"] += part.get("x_mitre_deprecated") is True
    return {kind: count for kind, count in counts.items() if count}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
