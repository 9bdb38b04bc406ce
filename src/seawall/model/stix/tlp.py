"""TLP marking-definitions: the ids of TLP 1 (STIX 2.1, 7.2.1.4) and TLP 2.0 (OASIS common objects) <-> ``Tlp``.

Both are read, TLP 2.0 is written, and an id that came in stays as it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seawall.model.errors import Fault
from seawall.model.marking import Pap, Tlp

TLP2_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP2_CREATED = "2022-10-01T00:00:00.000Z"
TLP1_CREATED = "2017-01-20T00:00:00.000Z"

TLP2_IDS: dict[Tlp, str] = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
TLP1_IDS: dict[Tlp, str] = {
    Tlp.CLEAR: "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",  # TLP:WHITE
    Tlp.GREEN: "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    Tlp.AMBER: "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    Tlp.RED: "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
TLP_BY_ID: dict[str, Tlp] = {id: level for ids in (TLP1_IDS, TLP2_IDS) for level, id in ids.items()}


def tlp_of_refs(marking_refs: Iterable[str]) -> Tlp | None:
    """The strictest TLP among marking references; None when none of them is a TLP marking."""
    return max((TLP_BY_ID[ref] for ref in marking_refs if ref in TLP_BY_ID), default=None)


def tlp_of_label(label: str) -> Tlp | None:
    """The TLP of a free label such as ``tlp:amber+strict`` or ``TLP:WHITE``; None for any other label."""
    if not label.strip().lower().startswith("tlp:"):
        return None
    try:
        return Tlp.parse(label)
    except Fault:
        return None


def pap_of_label(label: str) -> Pap | None:
    """The PAP of a free label such as ``PAP:RED``; None for any other label."""
    if not label.strip().lower().startswith("pap:"):
        return None
    try:
        return Pap.parse(label)
    except Fault:
        return None


def tlp2_object(level: Tlp) -> dict[str, Any]:
    """The TLP 2.0 marking-definition of a level, as OASIS publishes it."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP2_IDS[level],
        "created": TLP2_CREATED,
        "name": f"TLP:{level.label.upper()}",
        "extensions": {TLP2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level.label}},
    }


def tlp1_object(level: Tlp) -> dict[str, Any]:
    """The TLP 1 marking-definition of a level. Raises KeyError for AMBER+STRICT, which TLP 1 does not have."""
    word = "white" if level is Tlp.CLEAR else level.label
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP1_IDS[level],
        "created": TLP1_CREATED,
        "definition_type": "tlp",
        "name": f"TLP:{word.upper()}",
        "definition": {"tlp": word},
    }
