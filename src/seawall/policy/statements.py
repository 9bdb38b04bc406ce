"""Markings that STIX has no ids for, as statement markings with ids of our own: alike on every node, so they travel.

PAP levels, "do not name the provider", and what an information exchange policy (FIRST IEP 2.0) binds readers to.
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Any

from seawall.model import Pap

_NAMESPACE = uuid.UUID("0c8b5c0e-7f0a-5d7e-8f57-0a5f6f2d9b11")
_CREATED = "2026-11-01T00:00:00.000Z"
_DO_NOT_NAME_STATEMENT = "Provider attribution: must-not"


class Bound(StrEnum):
    """What an information exchange policy obliges readers to, beside TLP, PAP and "do not name"."""

    ENCRYPT = "encrypt-in-transit"  # HANDLING, section 7.1: must be encrypted when it is sent on
    NO_NOTIFICATION = "no-affected-party-notification"  # ACTION, section 8.2
    NO_RESALE = "no-unmodified-resale"  # LICENSING, section 10.2
    NAME_PROVIDER = "name-the-provider"  # SHARING, section 9.2: who passes it on must say whose it is


_STATEMENTS: dict[Bound, str] = {
    Bound.ENCRYPT: "Encrypt in transit: must",
    Bound.NO_NOTIFICATION: "Affected party notifications: must-not",
    Bound.NO_RESALE: "Unmodified resale: must-not",
    Bound.NAME_PROVIDER: "Provider attribution: must",
}


def _statement_id(statement: str) -> str:
    return f"marking-definition--{uuid.uuid5(_NAMESPACE, statement)}"


PAP_IDS: dict[Pap, str] = {level: _statement_id(f"PAP:{level.label.upper()}") for level in Pap}
"""STIX has no PAP marking: these stand beside the usual ``PAP:AMBER`` labels."""
PAP_BY_ID: dict[str, Pap] = {id: level for level, id in PAP_IDS.items()}
DO_NOT_NAME = _statement_id(_DO_NOT_NAME_STATEMENT)
"""Carried by everything whose provider asked not to be named, so that it survives every further sharing."""
BOUND_IDS: dict[Bound, str] = {bound: _statement_id(statement) for bound, statement in _STATEMENTS.items()}
BOUND_BY_ID: dict[str, Bound] = {id: bound for bound, id in BOUND_IDS.items()}
OWN_IDS: frozenset[str] = frozenset({*PAP_BY_ID, DO_NOT_NAME, *BOUND_BY_ID})
PLAIN_STATEMENTS: frozenset[str] = frozenset({"marking-definition--fa42a846-8d90-4e51-bc29-71d5b4802168"})
"""Statements known not to bind readers, so that they need not be at hand: MITRE's copyright notice in ATT&CK."""


def marking_objects() -> list[dict[str, Any]]:
    """The definitions behind our own marking ids, for bundles that should stand alone."""
    statements = [(PAP_IDS[level], f"PAP:{level.label.upper()}") for level in Pap]
    statements.append((DO_NOT_NAME, _DO_NOT_NAME_STATEMENT))
    statements += [(BOUND_IDS[bound], statement) for bound, statement in _STATEMENTS.items()]
    return [
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": id,
            "created": _CREATED,
            "definition_type": "statement",
            "definition": {"statement": statement},
        }
        for id, statement in statements
    ]
