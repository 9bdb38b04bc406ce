"""The rules by name, in the order they are tried. Names are stable: ledger and ``seawall why`` show them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.messages import translate
from seawall.model.circle import CircleTerms

POLICY_VERSION = "seawall-3"  # rises when any rule here decides something differently


class Rule(StrEnum):
    """Every test between an object and a recipient. All must pass; the first that fails is the reason on record."""

    MEMBER = "circle-member"
    EXCLUSION = "circle-exclusion"
    AGREED = "circle-agreed"
    SEAT = "track-seat"
    OBJECT_EXCLUSION = "object-exclusion"
    ECHO = "origin-echo"
    TYPE = "object-type"
    KIND = "sharing-kind"
    MARKINGS = "markings-understood"
    GRANULAR = "granular-marking"
    TLP_CEILING = "tlp-ceiling"
    TRACK = "track-two"
    PAP_CEILING = "pap-ceiling"
    IEP_DATES = "iep-dates"
    IEP_ENCRYPT = "iep-encrypt-in-transit"
    IEP_RESALE = "iep-unmodified-resale"
    ONWARD = "onward-sharing"
    TWO_PEOPLE = "two-people"
    PERMISSION = "permission"
    UNNAMED = "unnamed-provider"
    IEP_NAME = "iep-provider-attribution"
    PRIVATE = "private-value"
    CONTEXT = "minimum-context"
    REFERENCE = "withheld-reference"
    TOO_LARGE = "too-large"
    # beyond circles
    OWN_USE = "own-use"
    ENFORCE_TLP = "enforce-tlp"
    ENFORCE_CLEARANCE = "enforce-clearance"
    ENFORCE_PLACE = "enforce-place"
    ENFORCE_PAP = "enforce-pap"
    ENFORCE_ORIGIN = "enforce-origin"


MEANING: dict[Rule, str] = {
    Rule.MEMBER: "the recipient is a member of the circle",
    Rule.EXCLUSION: "the circle does not exclude the recipient",
    Rule.AGREED: "the recipient agreed to these very terms",
    Rule.SEAT: "the circle's track seats such a recipient",
    Rule.OBJECT_EXCLUSION: "nothing that the object was made from excludes the recipient",
    Rule.ECHO: "the object does not go back to the peer that sent it",
    Rule.TYPE: "the circle permits objects of this type",
    Rule.KIND: "the circle takes this kind of information",
    Rule.MARKINGS: "every marking of the object and its inputs can be read here",
    Rule.GRANULAR: "what is marked above the ceiling within the object can be left out",
    Rule.TLP_CEILING: "the strictest TLP of the object and its inputs is not above the ceiling",
    Rule.TRACK: "a track 2 circle gets nothing above TLP:GREEN",
    Rule.PAP_CEILING: "the strictest PAP is not above the ceiling",
    Rule.IEP_DATES: "its information exchange policy is in force",
    Rule.IEP_ENCRYPT: "what must be encrypted in transit goes through encrypted channels only",
    Rule.IEP_RESALE: "what must not be resold unmodified leaves only as something made from it",
    Rule.ONWARD: "what came from a peer leaves its circle only as TLP:CLEAR, or as TLP:GREEN to a named community",
    Rule.TWO_PEOPLE: "two named people approved TLP:RED or TLP:AMBER+STRICT",
    Rule.PERMISSION: "a person approved this release, or a standing release covers it",
    Rule.UNNAMED: "the object is not itself the name of somebody who must not be named",
    Rule.IEP_NAME: "a provider who must be named is named",
    Rule.PRIVATE: "the object is not about an own asset or a victim",
    Rule.CONTEXT: "the object carries the circle's minimum context",
    Rule.REFERENCE: "nothing that the object cannot do without is withheld",
    Rule.TOO_LARGE: "the object is not larger or deeper than every peer must take",
    Rule.OWN_USE: "the person may see the object",
    Rule.ENFORCE_TLP: "TLP:RED is for named people, not for tools",
    Rule.ENFORCE_CLEARANCE: "the consumer is cleared for the TLP: beyond our own machines never above AMBER",
    Rule.ENFORCE_PLACE: "a cloud gets no PAP:AMBER or PAP:RED unless the circle says so, nobody else's machine PAP:RED",
    Rule.ENFORCE_PAP: "blocking is visible to the attacker: it takes PAP:GREEN or PAP:CLEAR",
    Rule.ENFORCE_ORIGIN: "a peer's indicator blocks only under the circle's auto-enforce",
}


def meaning(rule: Rule, lang: str) -> str:
    """When the rule passes, in the reader's language."""
    return translate(MEANING[rule], lang)


class Test(msgspec.Struct, frozen=True):
    """One rule tried on one object and recipient. ``detail`` is for our own people only."""

    __test__ = False  # not a test case, whatever test collectors think of the name

    rule: Rule
    passed: bool
    detail: str


def policy_version(terms: CircleTerms | None) -> str:
    """What a release or refusal was decided under: ``seawall-1/tw-kr@3``."""
    return POLICY_VERSION if terms is None else f"{POLICY_VERSION}/{terms.name}@{terms.version}"
