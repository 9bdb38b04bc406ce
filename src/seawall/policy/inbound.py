"""What may come in from a peer. Everything in it is the peer's word: data, bounded, and never somebody else's voice.

In order: (1) size, (2) shape and nesting, (3) the sender's seat in the circle, (4) type, (5) markings against the
ceilings, unmarked taken for the floor, (6) nobody speaks for us or for another peer, (7) nobody replaces what we hold
from somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from seawall.model import Tlp
from seawall.model.bounds import MAX_NESTING, MAX_OBJECT_BYTES
from seawall.model.circle import CircleTerms, Track
from seawall.model.stix.tlp import TLP_BY_ID
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE
from seawall.policy.checks import lacking_context
from seawall.policy.markings import Markings, Origin, read_markings
from seawall.policy.statements import OWN_IDS

MAX_REFERENCES = 10_000  # a report listing a whole campaign
_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,100}--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


class InboundRule(StrEnum):
    """Why an object did not come in. Stable names, as in the ledger."""

    SIZE = "inbound-size"
    SHAPE = "inbound-shape"
    NESTING = "inbound-nesting"
    MEMBER = "inbound-member"
    TYPE = "inbound-type"
    NOT_TAKEN = "inbound-not-taken"
    CONFIDENCE = "inbound-confidence"
    CONTEXT = "inbound-context"
    TLP_CEILING = "inbound-tlp-ceiling"
    PAP_CEILING = "inbound-pap-ceiling"
    SPOOFED_OWN = "inbound-spoofed-own"
    SPOOFED_PEER = "inbound-spoofed-peer"
    WELL_KNOWN = "inbound-well-known-marking"
    HELD_ELSEWHERE = "inbound-held-from-another"


class Held(msgspec.Struct, frozen=True):
    """What we hold under the same id already."""

    origin: str | None  # code name; None: our own import or our own object


class InboundContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision may know of this node."""

    at: int  # microseconds UTC
    own_identities: frozenset[str]  # our STIX identity ids
    peer_identities: Mapping[str, str]  # STIX identity -> code name, of every peer we know
    held: Callable[[str], Held | None]
    definitions: Mapping[str, Mapping[str, Any]] = {}  # marking-definitions at hand, by id


class Admitted(msgspec.Struct, frozen=True):
    """What to keep: ``stored`` bears the peer as origin and the circle as source; its bytes are the peer's."""

    stored: StoredObject
    markings: Markings


class Declined(msgspec.Struct, frozen=True):
    """What did not come in, by which rule; ``sentence`` may be told to the sender."""

    rule: InboundRule
    sentence: str


def inbound(body: bytes, peer: str, terms: CircleTerms, context: InboundContext) -> Admitted | Declined:
    """Whether ``body`` (one STIX object, JSON) may come in from ``peer`` under ``terms``, and as what."""
    if len(body) > MAX_OBJECT_BYTES:
        return Declined(InboundRule.SIZE, "The object is larger than 1 MiB.")
    try:
        opened = msgspec.json.decode(body)
    except UNREADABLE:
        return Declined(InboundRule.SHAPE, "The object is not readable JSON.")
    if not isinstance(opened, dict) or (head := _head(opened)) is None:
        return Declined(InboundRule.SHAPE, "The object lacks a proper type, id or timestamp.")
    id, kind, version = head
    if not (_is_small(body) or _within_bounds(opened)):
        return Declined(InboundRule.NESTING, "The object is nested too deeply or refers to too many others.")
    if peer not in terms.members or peer in terms.exclusions:
        return Declined(InboundRule.MEMBER, "The sender has no seat in this circle.")
    if kind not in terms.types:
        return Declined(InboundRule.TYPE, "The circle does not carry objects of this type.")
    if (declined := _unwanted(opened, kind, terms)) is not None:
        return declined
    said = read_markings(opened, context.definitions)
    tlp = said.tlp_at_floor(terms.tlp_floor)
    if kind == "marking-definition" and said.tlp is None:  # nobody marks a marking: it goes where what it marks goes
        tlp = min(tlp, terms.tlp_ceiling)
    ceiling = min(terms.tlp_ceiling, Tlp.GREEN) if terms.track is Track.TWO else terms.tlp_ceiling
    if tlp > ceiling:
        return Declined(InboundRule.TLP_CEILING, "The object is marked above the circle's TLP ceiling.")
    if said.pap > terms.pap_ceiling:
        return Declined(InboundRule.PAP_CEILING, "The object is marked above the circle's PAP ceiling.")
    if (declined := _voice(opened, id, peer, context)) is not None:
        return declined
    if (held := context.held(id)) is not None and held.origin != peer:
        return Declined(InboundRule.HELD_ELSEWHERE, "An object with this id is held from somebody else.")
    return _admitted(opened, body, (id, kind, version), tlp, said, peer, terms, context)


def _admitted(
    opened: dict[str, Any],
    body: bytes,
    head: tuple[str, str, str],
    tlp: Tlp,
    said: Markings,
    peer: str,
    terms: CircleTerms,
    context: InboundContext,
) -> Admitted:
    id, kind, version = head
    creator = opened.get("created_by_ref")
    stored = StoredObject(
        id=id,
        type=kind,
        version=version,
        created_by=creator if isinstance(creator, str) else None,
        body=body,
        tlp=tlp,
        pap=said.pap,
        origin=peer,
        source=terms.name,
        stored_at=context.at,
        revoked=opened.get("revoked") is True,
        excluded=terms.exclusions,
    )
    origins = frozenset({Origin(peer, terms.name)})
    return Admitted(stored, Markings(tlp, said.pap, terms.exclusions, origins, named=said.named))


def _head(opened: dict[str, Any]) -> tuple[str, str, str] | None:
    id, kind = opened.get("id"), opened.get("type")
    version = opened.get("modified", opened.get("created", ""))
    if not (isinstance(id, str) and isinstance(kind, str) and isinstance(version, str)):
        return None
    if not _ID.fullmatch(id) or not id.startswith(f"{kind}--") or (version and not _TIMESTAMP.fullmatch(version)):
        return None
    return id, kind, version


def _is_small(body: bytes) -> bool:
    """Whether so few brackets and commas stand in it that it cannot pass the bounds: true of nearly every object."""
    return body.count(b"{") + body.count(b"[") <= MAX_NESTING and body.count(b",") < MAX_REFERENCES


def _within_bounds(opened: dict[str, Any]) -> bool:
    level: list[Any] = [opened]
    references = 0
    for _ in range(MAX_NESTING):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                references += sum(
                    len(value) for key, value in item.items() if key.endswith("_refs") and isinstance(value, list)
                )
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if references > MAX_REFERENCES:
            return False
        level = [item for item in below if isinstance(item, (dict, list))]
        if not level:
            return True
    return False


def _unwanted(opened: dict[str, Any], kind: str, terms: CircleTerms) -> Declined | None:
    """What our own acceptance keeps outside. A revocation always comes in: less is known then, and it is safer."""
    wanted = terms.acceptance
    if opened.get("revoked") is True:
        return None
    if wanted.types is not None and kind not in wanted.types:
        return Declined(InboundRule.NOT_TAKEN, "This node takes no objects of this type in this circle.")
    confidence = opened.get("confidence")
    if kind == "indicator" and (confidence if isinstance(confidence, int) else 0) < wanted.least_confidence:
        return Declined(InboundRule.CONFIDENCE, "This node takes indicators of more confidence only.")
    if lacking := sorted(lacking_context(opened, wanted.needs)):
        return Declined(InboundRule.CONTEXT, f"This node takes the object only with: {', '.join(lacking)}.")
    return None


def _voice(opened: dict[str, Any], id: str, peer: str, context: InboundContext) -> Declined | None:
    """Nobody but ourselves and the peer itself may stand as creator among those we know, nor describe them."""
    for speaker in (opened.get("created_by_ref"), id):
        if not isinstance(speaker, str):
            continue
        if speaker in context.own_identities:
            return Declined(InboundRule.SPOOFED_OWN, "The object claims to be made by this node.")
        if context.peer_identities.get(speaker, peer) != peer:
            return Declined(InboundRule.SPOOFED_PEER, "The object claims to be made by another node.")
    if id in OWN_IDS or (id in TLP_BY_ID and _claimed(opened) not in (None, TLP_BY_ID[id])):
        return Declined(InboundRule.WELL_KNOWN, "The object defines a marking that is already well known.")
    return None


def _claimed(opened: dict[str, Any]) -> Tlp | None:
    return read_markings({"object_marking_refs": ["claimed"]}, {"claimed": opened}).tlp
