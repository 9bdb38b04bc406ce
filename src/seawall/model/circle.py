"""The terms of a circle: a named audience and what may go to it. Values only; ``policy`` gives them meaning."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.marking import Pap, Tlp

SHAREABLE_TYPES: frozenset[str] = frozenset(
    {
        "attack-pattern",
        "autonomous-system",
        "campaign",
        "course-of-action",
        "domain-name",
        "email-addr",
        "file",
        "grouping",
        "identity",
        "incident",
        "indicator",
        "infrastructure",
        "intrusion-set",
        "ipv4-addr",
        "ipv6-addr",
        "language-content",
        "location",
        "malware",
        "malware-analysis",
        "marking-definition",
        "extension-definition",
        "note",
        "opinion",
        "relationship",
        "report",
        "sighting",
        "threat-actor",
        "tool",
        "url",
        "vulnerability",
        "x509-certificate",
    }
)
"""What a circle permits unless its terms say otherwise. Raw telemetry (observed-data, network-traffic, artifact,
process, user-account, e-mail messages) is not among them: rule 3."""


class Track(StrEnum):
    """Who is seated: officials (1), officials in private role with others (1.5), non-officials only (2)."""

    ONE = "1"
    ONE_AND_A_HALF = "1.5"
    TWO = "2"


class HeldData(StrEnum):
    """What becomes of what a member sent here once the relation with it ends for good."""

    KEEP = "keep"  # under its markings
    EXPIRE = "expire"  # it stays to be looked up, and neither matches nor blocks any more
    DELETE = "delete"


class Proof(StrEnum):
    """What a recipient can show others of what it was told: our signature, or nothing that it could not have made."""

    TRANSFERABLE = "transferable"
    BETWEEN_US = "between-us"  # it is convinced, and cannot convince anybody else


class Seat(StrEnum):
    """As what somebody sits at a table: in office, in office but speaking privately, or without office."""

    OFFICIAL = "official"
    PRIVATE_ROLE = "private-role"
    NON_OFFICIAL = "non-official"


SEATED: dict[Track, frozenset[Seat]] = {
    Track.ONE: frozenset({Seat.OFFICIAL}),
    Track.ONE_AND_A_HALF: frozenset({Seat.PRIVATE_ROLE, Seat.NON_OFFICIAL}),
    Track.TWO: frozenset({Seat.NON_OFFICIAL}),
}
"""Whom a circle of each track seats. Nobody said otherwise: an official, who sits on track 1 only."""


class StandingRelease(msgspec.Struct, frozen=True, kw_only=True):
    """What goes without a click, and within which bounds.

    In force only when two named people here approved it (``approved_by``), this node and the recipient's both signed
    it (``signed_by``, node ids), it is not suspended, and ``expires_at`` (microseconds UTC) lies ahead.
    """

    name: str
    types: frozenset[str]  # STIX types; an empty set releases nothing
    least_confidence: int = 0  # STIX confidence 0-100; an object without one counts as 0
    least_sensors: int = 0  # distinct sensors behind the object
    bases: frozenset[str] = frozenset()  # one of these bases must stand behind the object; empty: any
    tlp_at_most: Tlp = Tlp.AMBER  # stricter objects always need two named people
    cap_per_hour: int = 1_000
    cap_per_day: int = 10_000
    expires_at: int
    suspended: bool = False
    approved_by: tuple[str, ...] = ()
    signed_by: frozenset[str] = frozenset()


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """What *we* take in from the members of a circle, within its terms. Local: the others need not know."""

    types: frozenset[str] | None = None  # None: all that the circle carries
    least_confidence: int = 0  # STIX confidence below which an indicator stays outside; without one it counts as 0
    needs: frozenset[str] = frozenset()  # as ``minimum_context``, for what comes in


class CircleTerms(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a circle's terms. Members and exclusions are local names: peers' code names or TAXII users."""

    name: str
    version: int = 1  # rises with every change; part of the policy version that releases and refusals carry
    members: frozenset[str]
    exclusions: frozenset[str] = frozenset()  # never recipients, here or of anything made from what came in here
    excluded_communities: frozenset[str] = frozenset()  # whose members stand among the exclusions, also later ones
    tlp_ceiling: Tlp
    tlp_floor: Tlp = Tlp.AMBER_STRICT  # what unmarked objects are taken for
    pap_ceiling: Pap = Pap.RED
    types: frozenset[str] = SHAREABLE_TYPES
    track: Track = Track.ONE
    community: bool = False  # a named community in the sense of TLP:GREEN
    onward_at_most: Tlp | None = Tlp.GREEN  # what came in here may go on to other circles up to this; None: nothing
    attribution: bool = True  # False: do not name us, here or further on
    chatham_house: bool = False  # use what is said here; name neither the provider nor anybody who took part
    redaction: frozenset[str] = frozenset()  # property names struck at any depth, and dotted paths from the top
    sharing_kinds: frozenset[str] = frozenset()  # which kinds of information it takes (``reference.sharing_kinds``)
    minimum_context: frozenset[str] = frozenset()  # "confidence" or "indicator.labels": must be there and not empty
    standing: tuple[StandingRelease, ...] = ()
    acceptance: Acceptance = Acceptance()
    auto_enforce: bool = False  # block on what members send, without a click here
    cloud_pap: Pap = Pap.GREEN  # the strictest PAP whose values a member's tools in a cloud may be given
    commitment_age_seconds: int = 86_400  # how long a value must have been committed before an overlap run uses it
    proof: Proof = Proof.TRANSFERABLE  # what a recipient can show others of what it was told
    held_data: HeldData = HeldData.KEEP  # what becomes of each other's knowledge when the relation ends
