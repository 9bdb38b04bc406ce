"""STIX 2.0 lifted to 2.1 (STIX 2.1 part 1.2 lists the changes; the OASIS elevator sets the precedents).

What 2.1 has no place for, or asks for what 2.0 did not say, is noted in the loss report, never dropped in silence.
"""

from __future__ import annotations

import re
from typing import Any

from seawall.codec.losses import LossCounter
from seawall.codec.stix.lift_observed import lift_observed_data
from seawall.model.stix import OBJECT_TYPES
from seawall.model.stix.tlp import TLP_BY_ID, tlp1_object
from seawall.model.stix.vocabularies import VOCABULARIES

# 2.0 put these vocabularies into "labels"; 2.1 gave each its own property.
_LABELS_MOVED = {
    "indicator": ("indicator_types", "indicator-type-ov"),
    "malware": ("malware_types", "malware-type-ov"),
    "report": ("report_types", "report-type-ov"),
    "threat-actor": ("threat_actor_types", "threat-actor-type-ov"),
    "tool": ("tool_types", "tool-type-ov"),
}
_START_STOP = re.compile(r"\b(START|STOP)\s+'([^']*)'")
_MOMENT = re.compile(r"(.*T\d{2}:\d{2}:\d{2})(?:\.(\d{1,2}))?Z")


def is_stix20(properties: dict[str, Any], bundle_version: str | None) -> bool:
    """2.0 objects carry no ``spec_version``; 2.1 asks SDOs, SROs and markings for it, and SCOs have no ``created``."""
    if "spec_version" in properties:
        return bool(properties["spec_version"] == "2.0")
    return bundle_version == "2.0" or "created" in properties or "modified" in properties


def lift(properties: dict[str, Any], losses: LossCounter) -> list[dict[str, Any]]:
    """The 2.1 objects that one 2.0 object becomes: itself, and for observed-data also the observables in it."""
    kind = properties.get("type")
    lifted = {**properties, "spec_version": "2.1"}
    if properties.get("id") in TLP_BY_ID:
        return [tlp1_object(TLP_BY_ID[properties["id"]])]
    for name in ("created", "modified"):
        if isinstance(text := lifted.get(name), str):
            lifted[name] = _to_milliseconds(text)
    if "modified" not in lifted and "created" in lifted and kind != "marking-definition" and kind in OBJECT_TYPES:
        lifted["modified"] = lifted["created"]
        losses.add("stix20:modified", f"{properties.get('id')}: 'modified' was missing, 'created' is used")
    if isinstance(kind, str) and kind in _LABELS_MOVED:
        _move_labels(lifted, *_LABELS_MOVED[kind])
    if kind == "indicator":
        _indicator(lifted, losses)
    elif kind == "malware" and "is_family" not in lifted:
        lifted["is_family"] = True
        losses.add("stix20:is_family", f"{lifted.get('id')}: 2.0 does not say whether it is a family; taken for one")
    elif kind == "observed-data" and isinstance(lifted.get("objects"), dict):
        return lift_observed_data(lifted, losses)
    return [lifted]


def _to_milliseconds(text: str) -> str:
    match = _MOMENT.fullmatch(text)
    return f"{match[1]}.{(match[2] or '').ljust(3, '0')}Z" if match else text


def _move_labels(lifted: dict[str, Any], target: str, vocabulary: str) -> None:
    """Words of the vocabulary move; other labels stay labels, which 2.1 has too."""
    labels = lifted.get("labels")
    if not isinstance(labels, list) or target in lifted:
        return
    words = VOCABULARIES[vocabulary]
    moved = [label for label in labels if isinstance(label, str) and label in words]
    kept = [label for label in labels if label not in moved]
    if moved:
        lifted[target] = moved
        del lifted["labels"]
        if kept:
            lifted["labels"] = kept


def _indicator(lifted: dict[str, Any], losses: LossCounter) -> None:
    lifted.setdefault("pattern_type", "stix")
    pattern = lifted.get("pattern")
    if isinstance(pattern, str) and lifted["pattern_type"] == "stix":
        fresh = _START_STOP.sub(r"\1 t'\2'", pattern)
        if fresh != pattern:
            lifted["pattern"] = fresh
            losses.add("stix20:pattern", f"{lifted.get('id')}: START / STOP moments rewritten as timestamps")
    if "valid_from" not in lifted and "created" in lifted:
        lifted["valid_from"] = lifted["created"]
        losses.add("stix20:valid_from", f"{lifted.get('id')}: 'valid_from' was missing, 'created' is used")
