"""What an object carries: TLP, PAP, exclusions, origin, whether its provider may be named; and how that is inherited.

Derived objects carry the strictest of all their inputs (rule 2): ``strictest`` is a join, so it does not matter in
which order or how often inputs are counted.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from seawall.model import Pap, Tlp
from seawall.model.stix.known_extensions import IEP_EXTENSION
from seawall.model.stix.tlp import TLP2_EXTENSION, TLP2_IDS, TLP_BY_ID, pap_of_label, tlp_of_label
from seawall.model.stored import StoredObject

_NAMESPACE = uuid.UUID("0c8b5c0e-7f0a-5d7e-8f57-0a5f6f2d9b11")
_CREATED = "2026-11-01T00:00:00.000Z"
_PAP_OF_ACTIONS = {
    "none": Pap.RED,
    "contact-for-instruction": Pap.RED,
    "internally-visible-actions": Pap.RED,
    "externally-visible-indirect-actions": Pap.AMBER,
    "externally-visible-direct-actions": Pap.GREEN,
}
"""IEP 2.0 permitted_actions, each to the loosest PAP that permits no more."""
_DO_NOT_NAME_STATEMENT = "Provider attribution: must-not"


def _statement_id(statement: str) -> str:
    return f"marking-definition--{uuid.uuid5(_NAMESPACE, statement)}"


PAP_IDS: dict[Pap, str] = {level: _statement_id(f"PAP:{level.label.upper()}") for level in Pap}
"""STIX has no PAP marking: statement markings with ids of our own, beside the usual ``PAP:AMBER`` labels."""
PAP_BY_ID: dict[str, Pap] = {id: level for level, id in PAP_IDS.items()}
DO_NOT_NAME = _statement_id(_DO_NOT_NAME_STATEMENT)
"""Carried by everything whose provider asked not to be named, so that it survives every further sharing."""


class Origin(msgspec.Struct, frozen=True, order=True):
    """A peer, and the circle through which its object came; an empty circle means it is not known any more."""

    peer: str
    circle: str = ""


class Markings(msgspec.Struct, frozen=True):
    """What governs an object. ``tlp`` None: nothing said; ``unmarked``: something it was made from said nothing."""

    tlp: Tlp | None = None
    pap: Pap = Pap.CLEAR
    excluded: frozenset[str] = frozenset()  # code names that must never get it
    origins: frozenset[Origin] = frozenset()  # whose knowledge stands in it, beside our own
    named: bool = True  # False: its provider must not be named
    unmarked: bool = False

    def tlp_at_floor(self, floor: Tlp) -> Tlp:
        """The TLP that governs where ``floor`` is what unmarked objects are taken for."""
        if self.tlp is None:
            return floor
        return max(self.tlp, floor) if self.unmarked else self.tlp


def strictest(markings: Iterable[Markings]) -> Markings:
    """What something made from all of these carries. Of nothing: unmarked."""
    given = list(markings)
    return Markings(
        tlp=max((item.tlp for item in given if item.tlp is not None), default=None),
        pap=max((item.pap for item in given), default=Pap.CLEAR),
        excluded=frozenset().union(*(item.excluded for item in given)),
        origins=frozenset().union(*(item.origins for item in given)),
        named=all(item.named for item in given),
        unmarked=any(item.unmarked or item.tlp is None for item in given) or not given,
    )


def markings_of(stored: StoredObject, circle: str = "") -> Markings:
    """What a stored object itself carries, without its inputs; ``circle``: through which a peer's object came."""
    try:
        refs = msgspec.json.decode(stored.body, type=_Marked).object_marking_refs
    except msgspec.DecodeError:
        refs = []
    return Markings(
        tlp=stored.tlp,
        pap=stored.pap,
        excluded=stored.excluded,
        origins=frozenset({Origin(stored.origin, circle)}) if stored.origin is not None else frozenset(),
        named=DO_NOT_NAME not in refs,
    )


def read_markings(body: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]] | None = None) -> Markings:
    """What a STIX object says of itself: marking references, granular ones, and MISP-style labels.

    A granular marking governs the whole object, until ``granular`` leaves the part out at release.
    ``definitions``: marking-definition objects by id that came along, for markings whose ids are not well known (IEP
    2.0, somebody's own TLP).
    """
    refs = [ref for ref in _list(body.get("object_marking_refs")) if isinstance(ref, str)]
    for granular in _list(body.get("granular_markings")):
        if isinstance(granular, dict) and isinstance(ref := granular.get("marking_ref"), str):
            refs.append(ref)
    said = [_said_by(ref, (definitions or {}).get(ref)) for ref in refs]
    said += [_said_by_label(label) for label in _list(body.get("labels")) if isinstance(label, str)]
    tlp = max((item.tlp for item in said if item.tlp is not None), default=None)
    return Markings(
        tlp=tlp,
        pap=max((item.pap for item in said), default=Pap.CLEAR),
        named=all(item.named for item in said),
        unmarked=tlp is None,
    )


def _said_by(ref: str, definition: Mapping[str, Any] | None) -> Markings:
    if ref in TLP_BY_ID:
        return Markings(tlp=TLP_BY_ID[ref])
    if ref in PAP_BY_ID or ref == DO_NOT_NAME:
        return Markings(pap=PAP_BY_ID.get(ref, Pap.CLEAR), named=ref != DO_NOT_NAME)
    return Markings() if definition is None else _said_by_definition(definition)


def _said_by_label(label: str) -> Markings:
    if label.strip().lower() == "tlp:ex:chr":  # Chatham House Rule: use it, do not say who said it
        return Markings(named=False)
    return Markings(tlp=tlp_of_label(label), pap=pap_of_label(label) or Pap.CLEAR)


def _said_by_definition(definition: Mapping[str, Any]) -> Markings:
    extensions = definition.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    policy = extensions.get(IEP_EXTENSION)
    policy = policy if isinstance(policy, dict) else {}
    own = definition.get("definition")
    levels = [policy.get("tlp"), own.get("tlp") if isinstance(own, dict) else None]
    if isinstance(tlp2 := extensions.get(TLP2_EXTENSION), dict):
        levels.append(tlp2.get("tlp_2_0"))
    tlps = [level for text in levels if isinstance(text, str) and (level := tlp_of_label(f"tlp:{text}")) is not None]
    return Markings(
        tlp=max(tlps, default=None),
        pap=_PAP_OF_ACTIONS.get(str(policy.get("permitted_actions", "")), Pap.CLEAR),
        named=policy.get("provider_attribution") != "must-not",
    )


def write_markings(body: dict[str, Any], tlp: Tlp, pap: Pap, *, named: bool) -> None:
    """Make ``body`` say what governs it. A TLP 1 reference of the same level stays as it came; weaker ones go."""
    if body.get("type") == "marking-definition":
        return
    refs = [ref for ref in _list(body.get("object_marking_refs")) if isinstance(ref, str)]
    refs = [ref for ref in refs if TLP_BY_ID.get(ref, tlp) == tlp]
    if not any(ref in TLP_BY_ID for ref in refs):
        refs.append(TLP2_IDS[tlp])
    refs = [ref for ref in refs if PAP_BY_ID.get(ref, pap) == pap]
    if pap > Pap.CLEAR and PAP_IDS[pap] not in refs:
        refs.append(PAP_IDS[pap])
    if not named and DO_NOT_NAME not in refs:
        refs.append(DO_NOT_NAME)
    body["object_marking_refs"] = refs


def marking_objects() -> list[dict[str, Any]]:
    """The definitions behind our own marking ids, for bundles that should stand alone."""
    statements = [(PAP_IDS[level], f"PAP:{level.label.upper()}") for level in Pap]
    statements.append((DO_NOT_NAME, _DO_NOT_NAME_STATEMENT))
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


class _Marked(msgspec.Struct):
    object_marking_refs: list[str] = []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
