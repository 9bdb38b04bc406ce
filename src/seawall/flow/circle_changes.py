"""A circle's terms over time: one thing changed at a time, and every version with who stood for it."""

from __future__ import annotations

import msgspec

from seawall.flow.circles import (
    age_seconds,
    check_members,
    checked_types,
    describe_circle,
    parse_track,
    plain_acceptance,
    save_terms,
)
from seawall.flow.communities import expand
from seawall.flow.node import Node
from seawall.flow.term_words import checked_held_data, checked_kinds, checked_proof, checked_properties
from seawall.flow.terms import shared_terms
from seawall.model import Fault, Pap, Tlp, rfc3339
from seawall.model.circle import CircleTerms


class CircleChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants otherwise; None stays as it is."""

    members: tuple[str, ...] | None = None
    exclusions: tuple[str, ...] | None = None
    tlp_ceiling: str | None = None
    tlp_floor: str | None = None
    pap_ceiling: str | None = None
    types: tuple[str, ...] | None = None
    track: str | None = None
    attribution: bool | None = None
    chatham_house: bool | None = None
    kinds: tuple[str, ...] | None = None
    redaction: tuple[str, ...] | None = None
    minimum_context: tuple[str, ...] | None = None
    auto_enforce: bool | None = None
    commitment_age: str | None = None
    held_data: str | None = None
    proof: str | None = None
    cloud_pap: str | None = None


def change_circle(node: Node, name: str, change: CircleChange) -> dict[str, object]:
    """The next version of a circle's terms. The members have to agree anew unless only local things changed.

    A circle that sends or blocks without a click is changed by two people. Raises NotFound for the circle, Fault
    E-FLOW-037 when nothing changes, and what creating a circle raises.
    """
    node.require("manage-peers")
    before = node.store.circles.get(name)
    after = _changed(node, before, change)
    if after == before:
        raise Fault("E-FLOW-037", "Nothing of the circle {name} would change.", name=name)
    save_terms(node, after, sensitive=bool(after.standing or after.auto_enforce))
    return describe_circle(node, name)


def set_acceptance(
    node: Node, name: str, *, types: tuple[str, ...] | None, least_confidence: int | None, needs: tuple[str, ...] | None
) -> dict[str, object]:
    """What we take in of a circle from now on; None stays as it is, no types means all. Nobody has to agree.

    Raises NotFound for the circle, Fault E-FLOW-031 for an unknown type, E-FLOW-037 when nothing changes.
    """
    node.require("manage-peers")
    terms = node.store.circles.get(name)
    wanted = terms.acceptance
    if types is not None:
        wanted = msgspec.structs.replace(wanted, types=checked_types(types) or None)
    if least_confidence is not None:
        wanted = msgspec.structs.replace(wanted, least_confidence=least_confidence)
    if needs is not None:
        wanted = msgspec.structs.replace(wanted, needs=checked_properties(needs))
    if wanted == terms.acceptance:
        raise Fault("E-FLOW-037", "Nothing of the circle {name} would change.", name=name)
    save_terms(node, msgspec.structs.replace(terms, acceptance=wanted), sensitive=False)
    return describe_circle(node, name)


def circle_history(node: Node, name: str) -> list[dict[str, object]]:
    """All versions, newest first: when, by whom, and each term that changed as [before, after]."""
    node.require("read")
    versions = node.store.circles.history(name)
    shown: list[dict[str, object]] = []
    before: dict[str, object] = {}
    for terms, saved_at in versions:
        now = _plain(terms)
        approval = node.store.approvals.of("circle", f"{name}@{terms.version}")
        people = [] if approval is None else [approval.requester, approval.approver]
        shown.append(
            {
                "version": terms.version,
                "at": rfc3339(saved_at),
                "approved_by": people,
                "changed": {key: [before.get(key), value] for key, value in now.items() if before.get(key) != value},
            }
        )
        before = now
    return shown[::-1]


def _plain(terms: CircleTerms) -> dict[str, object]:
    return {
        **shared_terms(terms),
        "members": sorted(terms.members),
        "exclusions": sorted(terms.exclusions),
        "excluded_communities": sorted(terms.excluded_communities),
        "auto_enforce": terms.auto_enforce,
        "acceptance": plain_acceptance(terms.acceptance),
    }


def _changed(node: Node, terms: CircleTerms, change: CircleChange) -> CircleTerms:
    if change.members is not None:
        check_members(node, change.members)
    excluded = None if change.exclusions is None else expand(node, change.exclusions)
    given: dict[str, object] = {
        "members": None if change.members is None else frozenset(change.members),
        "exclusions": None if excluded is None else excluded[0],
        "excluded_communities": None if excluded is None else excluded[1],
        "tlp_ceiling": None if change.tlp_ceiling is None else Tlp.parse(change.tlp_ceiling),
        "tlp_floor": None if change.tlp_floor is None else Tlp.parse(change.tlp_floor),
        "pap_ceiling": None if change.pap_ceiling is None else Pap.parse(change.pap_ceiling),
        "types": None if change.types is None else checked_types(change.types),
        "track": None if change.track is None else parse_track(change.track),
        "attribution": change.attribution,
        "chatham_house": change.chatham_house,
        "sharing_kinds": None if change.kinds is None else checked_kinds(change.kinds),
        "redaction": None if change.redaction is None else checked_properties(change.redaction),
        "minimum_context": None if change.minimum_context is None else checked_properties(change.minimum_context),
        "auto_enforce": change.auto_enforce,
        "held_data": None if change.held_data is None else checked_held_data(change.held_data),
        "proof": None if change.proof is None else checked_proof(change.proof),
        "cloud_pap": None if change.cloud_pap is None else Pap.parse(change.cloud_pap),
        "commitment_age_seconds": None if change.commitment_age is None else age_seconds(change.commitment_age),
    }
    return msgspec.structs.replace(terms, **{key: value for key, value in given.items() if value is not None})
