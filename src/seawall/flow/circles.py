"""Creating, agreeing and showing circles."""

from __future__ import annotations

import re

import msgspec

from seawall.flow.communities import expand
from seawall.flow.live_arrivals import relation_changed
from seawall.flow.mail_members import mail_member
from seawall.flow.node import Node
from seawall.flow.offers import offer_terms
from seawall.flow.seats import check_seats
from seawall.flow.term_words import checked_kinds, checked_proof, checked_properties
from seawall.flow.terms import shared_terms, terms_digest
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Pap, Refused, Tlp, UserRole
from seawall.model.circle import SHAREABLE_TYPES, Acceptance, CircleTerms, Proof, StandingRelease, Track

STANDING_LIFE = 365 * 86_400_000_000  # microseconds: a standing release is looked at anew every year
CAP_PER_HOUR, CAP_PER_DAY = 100_000, 1_000_000
"""Objects: a large feed moves in within the day it is added, and a flood is stopped within the hour."""
_AGE = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
AGREED = "agreed:{circle}:{peer}"
"""Key of the note that holds the terms digest a peer last stated for a circle."""


class CircleWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for, as typed; what is left out is as careful as can be."""

    name: str
    members: tuple[str, ...]
    tlp_ceiling: str
    tlp_floor: str = "amber+strict"
    pap_ceiling: str = "red"
    types: tuple[str, ...] | None = None
    auto: tuple[str, ...] = ()
    auto_enforce: bool = False
    commitment_age: str = "24h"
    exclusions: tuple[str, ...] = ()
    track: str = "1"
    attribution: bool = False
    chatham_house: bool = False
    kinds: tuple[str, ...] = ()
    redaction: tuple[str, ...] = ()
    minimum_context: tuple[str, ...] = ()
    proof: str = "transferable"


def create_circle(node: Node, wish: CircleWish) -> dict[str, object]:
    """Create a circle, or a new version of it, from a wish.

    Raises Fault E-FLOW-030 (unknown member), -031 (unknown type), -032 (unreadable age), -035 (unknown track),
    -036 (no member), E-STORE-030 (unusable name), Refused E-FLOW-033 when standing releases or auto-enforce lack a
    second person (rule 9).
    """
    node.require("manage-peers")
    save_terms(node, _terms(node, wish), sensitive=bool(wish.auto or wish.auto_enforce))
    return describe_circle(node, wish.name)


def save_terms(node: Node, terms: CircleTerms, *, sensitive: bool) -> CircleTerms:
    """Keep ``terms`` as the next version of its circle; returns it as kept.

    ``sensitive``: more leaves, or is blocked, without a click than before, so two people stand for it (rule 9); they
    stand for every standing release in these terms. Raises Refused E-FLOW-033 without a second person, E-STORE-030.
    """
    first, second = node.require("manage-peers"), node.approver
    if sensitive and second is None:
        raise Refused(
            "E-FLOW-033",
            "Standing releases and auto-enforce need a second person; give their token with --approver-token.",
        )
    check_seats(node, terms.track, terms.members)
    _check_proof(node, terms)
    held = node.store.circles.versions(terms.name)
    version = held[-1] + 1 if held else 1
    standing = terms.standing
    if second is not None:
        people = (first.name, second.name)
        standing = tuple(msgspec.structs.replace(rule, approved_by=people) for rule in standing)
        node.store.approvals.both("circle", f"{terms.name}@{version}", *people, node.clock())
    kept = msgspec.structs.replace(terms, version=version, standing=standing)
    node.store.circles.save(kept, node.clock())
    node.event(EventKind.CIRCLE_TERMS, kept.name, version=kept.version, digest=terms_digest(kept))
    offer_terms(node, kept)
    for member in sorted(kept.members):  # what they said may act differently from now on
        relation_changed(node, member)
    return kept


def _terms(node: Node, wish: CircleWish) -> CircleTerms:
    ceiling, floor = Tlp.parse(wish.tlp_ceiling), Tlp.parse(wish.tlp_floor)
    check_members(node, wish.members)
    types = checked_types(wish.types) if wish.types is not None else SHAREABLE_TYPES
    standing = (
        StandingRelease(
            name=f"auto-{wish.name}",
            types=checked_types(wish.auto),
            tlp_at_most=min(ceiling, Tlp.AMBER),
            cap_per_hour=CAP_PER_HOUR,
            cap_per_day=CAP_PER_DAY,
            expires_at=node.clock() + STANDING_LIFE,
            signed_by=frozenset({node.keys.node_id}),
        ),
    )
    excluded, among = expand(node, wish.exclusions)
    return CircleTerms(
        name=wish.name,
        members=frozenset(wish.members),
        exclusions=excluded,
        excluded_communities=among,
        tlp_ceiling=ceiling,
        tlp_floor=floor,
        pap_ceiling=Pap.parse(wish.pap_ceiling),
        types=types,
        track=parse_track(wish.track),
        attribution=wish.attribution,
        chatham_house=wish.chatham_house,
        sharing_kinds=checked_kinds(wish.kinds),
        redaction=checked_properties(wish.redaction),
        minimum_context=checked_properties(wish.minimum_context),
        standing=standing if wish.auto else (),
        auto_enforce=wish.auto_enforce,
        commitment_age_seconds=age_seconds(wish.commitment_age),
        proof=checked_proof(wish.proof),
    )


def parse_track(given: str) -> Track:
    """Raises Fault E-FLOW-035 for what is no track."""
    try:
        return Track(given)
    except ValueError:
        raise Fault("E-FLOW-035", "{given} is no track; use 1, 1.5 or 2.", given=repr(given[:10])) from None


def check_members(node: Node, members: tuple[str, ...]) -> None:
    """Pass when each is a peer or a TAXII user; raises Fault E-FLOW-036 for none, E-FLOW-030 for a stranger."""
    if not members:
        raise Fault("E-FLOW-036", "A circle needs members; name them with --members A,B.")
    known = {peer.code_name for peer in node.store.peers.list()}
    known |= {user.name for user in node.store.users.list() if user.role is UserRole.TAXII}
    known |= {peer.code_name for peer in node.store.mail_peers.list()}
    for member in members:
        if member not in known:
            raise Fault(
                "E-FLOW-030",
                "{name} is neither a peer nor a TAXII user; add it first with 'peers add' or 'users add'.",
                name=repr(member[:64]),
            )


def checked_types(types: tuple[str, ...]) -> frozenset[str]:
    """The same types; raises Fault E-FLOW-031 for one that may not be shared."""
    for kind in types:
        if kind not in SHAREABLE_TYPES:
            raise Fault(
                "E-FLOW-031",
                "{given} is no type that may be shared; use {known}.",
                given=repr(kind[:40]),
                known=", ".join(sorted(SHAREABLE_TYPES)),
            )
    return frozenset(types)


def age_seconds(text: str) -> int:
    """Seconds in ``24h``, ``30m``, ``0s``; raises Fault E-FLOW-032."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise Fault("E-FLOW-032", "{given} is no age; write 24h, 30m or 0s.", given=repr(text[:20]))
    return int(found[1]) * _UNITS[found[2]]


def agreed_with(node: Node, terms: CircleTerms, member: str) -> bool:
    """Whether this member stated the same terms; our own TAXII users agree by holding a token, mail peers by
    two people who verified them."""
    stated = node.store.notes.get(AGREED.format(circle=terms.name, peer=member))
    if stated is not None:
        return stated == terms_digest(terms)
    if (by_mail := mail_member(node, member)) is not None:
        return by_mail
    return any(user.name == member and user.role is UserRole.TAXII for user in node.store.users.list())


def state_terms(node: Node, circle: str, peer: str, digest: str) -> None:
    """Keep what a peer stated for a circle."""
    key = AGREED.format(circle=circle, peer=peer)
    if node.store.notes.get(key) != digest:
        node.store.notes.set(key, digest)
        event = LedgerEvent(EventKind.CIRCLE_AGREED, node.clock(), peer, circle, {"digest": digest})
        node.ledger.record_event(event)


def _check_proof(node: Node, terms: CircleTerms) -> None:
    """Mail is signed by OpenPGP, which anybody can check. Raises Refused E-FLOW-476 for such a member."""
    if terms.proof is Proof.BETWEEN_US:
        for member in sorted(terms.members):
            if mail_member(node, member) is not None:
                raise Refused(
                    "E-FLOW-476",
                    "{name} is reached by signed mail, which proves to anybody what we said; what is said in a circle "
                    "with it cannot stay between us.",
                    name=member,
                )


def plain_acceptance(acceptance: Acceptance) -> dict[str, object]:
    """What we take in, as plain values; ``types`` None: all."""
    return {
        "types": None if acceptance.types is None else sorted(acceptance.types),
        "least_confidence": acceptance.least_confidence,
        "needs": sorted(acceptance.needs),
    }


def describe_circle(node: Node, name: str) -> dict[str, object]:
    """A circle's terms in plain values, and who has agreed."""
    node.require("read")
    terms = node.store.circles.get(name)
    agreed = {member: agreed_with(node, terms, member) for member in sorted(terms.members)}
    return {
        **shared_terms(terms),
        "version": terms.version,
        "members": sorted(terms.members),
        "exclusions": sorted(terms.exclusions),
        "excluded_communities": sorted(terms.excluded_communities),
        "auto_enforce": terms.auto_enforce,
        "acceptance": plain_acceptance(terms.acceptance),
        "agreed": all(agreed.values()),
        "agreed_with": [member for member, yes in agreed.items() if yes],
        "digest": terms_digest(terms),
    }


def describe_circles(node: Node) -> list[dict[str, object]]:
    """All circles, by name."""
    node.require("read")
    return [describe_circle(node, terms.name) for terms in node.store.circles.list()]
