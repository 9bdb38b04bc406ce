"""What two sides must have said alike before a circle counts as agreed: its terms as text, and their digest."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Annotated

import msgspec

from seawall.model import Fault, Pap, Tlp
from seawall.model.circle import SHAREABLE_TYPES, CircleTerms, HeldData, Proof, StandingRelease, Track

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Word = Annotated[str, msgspec.Meta(max_length=100)]
Words = Annotated[list[Word], msgspec.Meta(max_length=1_000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


def shared_terms(terms: CircleTerms) -> dict[str, object]:
    """The part of the terms that both sides must share, as plain values.

    Terms that earlier versions do not know are told only where they say something. Left out because they are local:
    members and exclusions (code names), the version number, whether *we* enforce what members send, and who approved.
    """
    further: dict[str, object] = {"chatham_house": True} if terms.chatham_house else {}
    if terms.sharing_kinds:
        further["sharing_kinds"] = sorted(terms.sharing_kinds)
    if terms.proof is not Proof.TRANSFERABLE:
        further["proof"] = terms.proof.value
    if terms.held_data is not HeldData.KEEP:
        further["held_data"] = terms.held_data.value
    if terms.cloud_pap is not Pap.GREEN:
        further["cloud_pap"] = terms.cloud_pap.label
    return {
        **further,
        "name": terms.name,
        "tlp_ceiling": terms.tlp_ceiling.label,
        "tlp_floor": terms.tlp_floor.label,
        "pap_ceiling": terms.pap_ceiling.label,
        "types": sorted(terms.types),
        "track": terms.track.value,
        "community": terms.community,
        "onward_at_most": terms.onward_at_most.label if terms.onward_at_most is not None else None,
        "attribution": terms.attribution,
        "redaction": sorted(terms.redaction),
        "minimum_context": sorted(terms.minimum_context),
        "commitment_age_seconds": terms.commitment_age_seconds,
        "standing": sorted((_standing(item) for item in terms.standing), key=lambda item: str(item["name"])),
    }


def _standing(item: StandingRelease) -> dict[str, object]:
    return {
        "name": item.name,
        "types": sorted(item.types),
        "least_confidence": item.least_confidence,
        "least_sensors": item.least_sensors,
        "bases": sorted(item.bases),
        "tlp_at_most": item.tlp_at_most.label,
        "cap_per_hour": item.cap_per_hour,
        "cap_per_day": item.cap_per_day,
    }


@lru_cache(maxsize=1_024)
def terms_digest(terms: CircleTerms) -> str:
    """The digest of what both sides must share of these terms."""
    return digest_of(shared_terms(terms))


def digest_of(shared: dict[str, object]) -> str:
    """SHA-256 over the sorted JSON of terms as ``shared_terms`` gives them, lower hex."""
    return hashlib.sha256(msgspec.json.encode(shared, order="sorted")).hexdigest()


def read_terms(shared: dict[str, object], members: frozenset[str], *, expires_at: int = 0) -> CircleTerms:
    """The terms that a peer said, with ``members`` of ours; standing releases end at ``expires_at``, unsigned.

    They mean exactly what was said: reading them and stating them again gives the same digest. Raises Fault E-FLOW-410
    for terms that this version cannot read or that nobody here could state.
    """
    try:
        said = msgspec.convert(shared, type=_Shared)
        terms = _terms(said, members, expires_at)
    except (msgspec.ValidationError, Fault, ValueError) as error:
        raise Fault(
            "E-FLOW-410", "These terms of a circle cannot be read here: {reason}.", reason=str(error)[:200]
        ) from None
    if digest_of(shared_terms(terms)) != digest_of(shared):
        raise Fault("E-FLOW-410", "These terms of a circle cannot be read here: {reason}.", reason="unusual spelling")
    return terms


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    types: Words
    least_confidence: Annotated[int, msgspec.Meta(ge=0, le=100)]
    least_sensors: Count
    bases: Words
    tlp_at_most: Word
    cap_per_hour: Count
    cap_per_day: Count


class _Shared(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    tlp_ceiling: Word
    tlp_floor: Word
    pap_ceiling: Word
    types: Words
    track: Word
    community: bool
    onward_at_most: Word | None
    attribution: bool
    redaction: Words
    minimum_context: Words
    commitment_age_seconds: Count
    standing: Annotated[list[_Rule], msgspec.Meta(max_length=100)]
    chatham_house: bool = False
    sharing_kinds: Words = []
    held_data: Word = HeldData.KEEP.value
    cloud_pap: Word = Pap.GREEN.label
    proof: Word = Proof.TRANSFERABLE.value


def _terms(said: _Shared, members: frozenset[str], expires_at: int) -> CircleTerms:
    return CircleTerms(
        name=said.name,
        members=members,
        tlp_ceiling=Tlp.parse(said.tlp_ceiling),
        tlp_floor=Tlp.parse(said.tlp_floor),
        pap_ceiling=Pap.parse(said.pap_ceiling),
        types=frozenset(said.types) & SHAREABLE_TYPES,
        track=Track(said.track),
        community=said.community,
        onward_at_most=None if said.onward_at_most is None else Tlp.parse(said.onward_at_most),
        attribution=said.attribution,
        chatham_house=said.chatham_house,
        sharing_kinds=frozenset(said.sharing_kinds),
        held_data=HeldData(said.held_data),
        cloud_pap=Pap.parse(said.cloud_pap),
        proof=Proof(said.proof),
        redaction=frozenset(said.redaction),
        minimum_context=frozenset(said.minimum_context),
        commitment_age_seconds=said.commitment_age_seconds,
        standing=tuple(_rule(rule, expires_at) for rule in said.standing),
    )


def _rule(said: _Rule, expires_at: int) -> StandingRelease:
    return StandingRelease(
        name=said.name,
        types=frozenset(said.types) & SHAREABLE_TYPES,
        least_confidence=said.least_confidence,
        least_sensors=said.least_sensors,
        bases=frozenset(said.bases),
        tlp_at_most=Tlp.parse(said.tlp_at_most),
        cap_per_hour=said.cap_per_hour,
        cap_per_day=said.cap_per_day,
        expires_at=expires_at,
    )
