"""Extensions (7.3) that objects here carry: what may stand in each, under its extension-definition's id.

``firm`` ones are ours, or an OASIS standard: breaking them is an error. The others are drafts of other groups, of which
this is our reading: what does not fit earns a warning.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from seawall.model.stix.kinds import Identifier, Json, Kind, Natural, Timestamp
from seawall.model.stix.objects import Musts
from seawall.model.stix.tlp import TLP2_EXTENSION

EVIDENCE_EXTENSION = "extension-definition--3d4e1a1f-0c56-5b2e-9d0f-7f6c8c2b9a10"
CHIP_STAGE_EXTENSION = "extension-definition--6a0f6f2e-5d1b-4f0e-9b57-2b8a1c7d4e93"
MISP_EXTENSION = "extension-definition--7e1b7f4c-2f0e-5d53-9a5c-1c8e0f6d4a21"
IEP_EXTENSION = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
INCIDENT_CORE_EXTENSION = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
PLAYBOOK_EXTENSION = "extension-definition--1e1c1bd7-c527-4215-8e18-e199e74da57c"
ORIGIN_EXTENSION = "extension-definition--c0b8a1de-5f5b-5b0c-8f0a-3f6b1d2e7a94"
FLAW_ANSWER_EXTENSION = "extension-definition--9647a99e-fa85-5546-9471-44abd8948da4"
HUNT_EXTENSION = "extension-definition--61355649-b3dd-5983-9fe7-2a5bdd9083b3"
HUNT_ANSWER_EXTENSION = "extension-definition--e283f49d-ec68-59a5-813c-c2dd28f5c847"
WALLET_EXTENSION = "extension-definition--be78509e-6958-51b1-8b26-d17ee0eba2d7"

_Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


def _one_of(name: str) -> Kind:
    return Kind("enumeration", vocabulary=name)


_PropertyExtension = Annotated[str, _one_of("seawall-property-extension")]


class Tlp2Marking(msgspec.Struct, frozen=True, kw_only=True):
    """TLP 2.0 of a marking definition (OASIS common objects, 2022)."""

    extension_type: _PropertyExtension
    tlp_2_0: Annotated[str, _one_of("seawall-tlp-2-0")]


class IepPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The FIRST Information Exchange Policy 2.0 of a marking definition (draft of December 2022)."""

    extension_type: _PropertyExtension
    encrypt_in_transit: Annotated[str, _one_of("seawall-iep-encrypt")] | None = None
    permitted_actions: Annotated[str, _one_of("seawall-iep-actions")] | None = None
    affected_party_notifications: Annotated[str, _one_of("seawall-iep-may")] | None = None
    tlp: Annotated[str, _one_of("seawall-iep-tlp")] | None = None
    provider_attribution: Annotated[str, _one_of("seawall-iep-attribution")] | None = None
    unmodified_resale: Annotated[str, _one_of("seawall-iep-may")] | None = None
    iep_id: str | None = None
    iep_version: str | None = None
    start_date: Timestamp | None = None
    end_date: Timestamp | None = None


class IncidentCore(msgspec.Struct, frozen=True, kw_only=True):
    """OASIS Incident Core 2.0 (draft of 10 October 2023) on an incident."""

    extension_type: _PropertyExtension
    determination: Annotated[str, _one_of("seawall-incident-determination")]
    investigation_status: Annotated[str, _one_of("seawall-incident-status")]
    criticality: _Percent | None = None
    recoverability: Annotated[str, _one_of("seawall-incident-recoverability")] | None = None
    impact_refs: list[Identifier] | None = None
    incident_types: list[str] | None = None


class Playbook(msgspec.Struct, frozen=True, kw_only=True):
    """A course of action's playbook (community extension), here CACAO 2.0."""

    extension_type: _PropertyExtension
    playbook_id: str | None = None
    playbook_standard: str | None = None
    playbook_abstraction: str | None = None
    playbook_type: list[str] | None = None
    playbook_base64: Annotated[str, Kind("binary")] | None = None
    playbook_creation_time: Timestamp | None = None
    playbook_modification_time: Timestamp | None = None
    playbook_impact: _Percent | None = None
    playbook_severity: _Percent | None = None
    playbook_priority: _Percent | None = None


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """Says that the object is a cryptocurrency wallet of the community's own type."""

    extension_type: Annotated[str, _one_of("seawall-new-sco")]


class SightingEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Ours: what stands behind a sighting, or that it is withdrawn."""

    extension_type: _PropertyExtension
    first_seen_microseconds: int | None = None  # since 1970-01-01 UTC, where STIX has milliseconds
    sectors: list[str] | None = None  # in order of arrival
    bases: list[str] | None = None
    sensors: Natural | None = None
    withdrawn: bool | None = None
    answer: Annotated[str, _one_of("seawall-answer")] | None = None  # to a sighting of the recipient


class ChipStage(msgspec.Struct, frozen=True, kw_only=True):
    """Ours: which stage of the semiconductor supply chain an identity or infrastructure works at."""

    extension_type: _PropertyExtension
    chip_stage: Annotated[str, _one_of("seawall-chip-stage")]
    inputs: list[str] | None = None
    musts: ClassVar[Musts] = Musts()


class MispPart(msgspec.Struct, frozen=True, kw_only=True):
    """Ours: what STIX has no place for of the part of a MISP event that an object was made from."""

    extension_type: _PropertyExtension
    kind: Annotated[str, _one_of("seawall-misp-part")]
    event_uuid: str | None = None
    object_uuid: str | None = None
    misp: Json | None = None


class OriginSignature(msgspec.Struct, frozen=True, kw_only=True):
    """Ours: who said the object, provable wherever it goes (docs/explanation/who-said-it.md)."""

    extension_type: _PropertyExtension
    key_id: str  # SHA-256 of the Ed25519 key, its first 32 hexadecimal digits
    signature: Annotated[str, Kind("binary")]
    signed_by: Identifier | None = None  # who left something out on the way; absent: the object's creator signed
    derived: bool | None = None


class FlawAnswerPart(msgspec.Struct, frozen=True, kw_only=True):
    """Ours: whether its maker is affected by the vulnerability that a note is about, in the words of VEX."""

    extension_type: _PropertyExtension
    status: Annotated[str, _one_of("seawall-flaw-status")]
    cve: str
    justification: str | None = None
    count: Natural | None = None  # installations, where the circle's terms let counts go


class HuntPart(msgspec.Struct, frozen=True, kw_only=True):
    """Ours: that an indicator asks its reader to look for it, within which window."""

    extension_type: _PropertyExtension
    form: Annotated[str, _one_of("seawall-hunt-form")]
    since: Timestamp
    until: Timestamp


class HuntAnswerPart(msgspec.Struct, frozen=True, kw_only=True):
    """Ours: what a note answers to a hunt, by tiers. ``band``: the number of rows lies between, ends included."""

    extension_type: _PropertyExtension
    tier: Annotated[str, _one_of("seawall-hunt-tier")]
    band: list[int] | None = None
    count: int | None = None
    noise: str | None = None  # epsilon of the discrete Laplace noise over ``count``
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    sectors: list[str] | None = None
    bases: list[str] | None = None


class KnownExtension(msgspec.Struct, frozen=True):
    """An extension whose content is judged. ``on``: the object types that it belongs to; empty: any."""

    name: str
    shape: type[msgspec.Struct]
    description: str
    on: tuple[str, ...] = ()
    firm: bool = False
    own: bool = False


KNOWN_EXTENSIONS: dict[str, KnownExtension] = {
    TLP2_EXTENSION: KnownExtension(
        "tlp-2-0", Tlp2Marking, "Traffic Light Protocol 2.0.", ("marking-definition",), firm=True
    ),
    IEP_EXTENSION: KnownExtension("iep-2-0", IepPolicy, "Information Exchange Policy 2.0.", ("marking-definition",)),
    INCIDENT_CORE_EXTENSION: KnownExtension("incident-core", IncidentCore, "Incident Core 2.0.", ("incident",)),
    PLAYBOOK_EXTENSION: KnownExtension("playbook", Playbook, "A playbook.", ("course-of-action",)),
    WALLET_EXTENSION: KnownExtension("wallet", Wallet, "A cryptocurrency wallet.", ("cryptocurrency-wallet",)),
    EVIDENCE_EXTENSION: KnownExtension(
        "sighting-evidence",
        SightingEvidence,
        "Sectors in order of arrival, bases and number of sensors behind a sighting.",
        ("sighting",),
        firm=True,
        own=True,
    ),
    CHIP_STAGE_EXTENSION: KnownExtension(
        "chip-stage",
        ChipStage,
        "The stage of the semiconductor supply chain at which an organisation or a site works.",
        ("identity", "infrastructure"),
        firm=True,
        own=True,
    ),
    ORIGIN_EXTENSION: KnownExtension(
        "origin-signature",
        OriginSignature,
        "The signature of whoever made the object, or of who had to leave something out of it on the way.",
        firm=True,
        own=True,
    ),
    FLAW_ANSWER_EXTENSION: KnownExtension(
        "flaw-answer",
        FlawAnswerPart,
        "Whether the maker of a note is affected by the vulnerability that it is about.",
        ("note",),
        firm=True,
        own=True,
    ),
    HUNT_EXTENSION: KnownExtension(
        "hunt", HuntPart, "That an indicator asks its reader to look for it.", ("indicator",), firm=True, own=True
    ),
    HUNT_ANSWER_EXTENSION: KnownExtension(
        "hunt-answer", HuntAnswerPart, "What a note answers to a hunt, by tiers.", ("note",), firm=True, own=True
    ),
    MISP_EXTENSION: KnownExtension(
        "misp-part",
        MispPart,
        "What STIX has no place for of the part of a MISP event that the object was made from.",
        firm=True,
        own=True,
    ),
}
