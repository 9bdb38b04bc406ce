"""The tests between an indicator and a tool that would act on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from seawall.model import Pap, Tlp
from seawall.model.circle import CircleTerms
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.model.order import Place
from seawall.policy.rules import Rule, Test

TLP_BY_PLACE: Mapping[Place, Tlp] = MappingProxyType(
    {Place.OWN: Tlp.AMBER_STRICT, Place.COUNTRY: Tlp.AMBER, Place.CLOUD: Tlp.AMBER}
)
"""The most that a consumer may be cleared for: AMBER+STRICT stays within the organisation (FIRST TLP 2.0 section 3),
and whoever runs a tool for us is at best what that standard calls a client or provider who needs to know."""

PAP_BY_PLACE: Mapping[Place, Pap] = MappingProxyType(
    {Place.OWN: Pap.RED, Place.COUNTRY: Pap.AMBER, Place.CLOUD: Pap.GREEN}
)
"""What a consumer may hold without a word of the circle's: RED stays on machines of our own; a cloud sees neither RED
nor AMBER, because whoever runs it, and sometimes its other customers, learn what we look for."""


class Standpoint(msgspec.Struct, frozen=True):
    """Where a consumer outside this node stands, and up to which TLP a person here cleared it."""

    place: Place
    tlp_at_most: Tlp


def enforcement_tests(
    entry: IndicatorEntry,
    action: Action,
    terms: CircleTerms | None,
    standpoint: Standpoint | None = None,
    people: Sequence[str] = (),
) -> Iterator[Test]:
    """In order: TLP, clearance, place, PAP, origin. ``terms``: the circle through which a peer's indicator came.

    ``standpoint``: of a consumer to whom what is in force here is handed out; None: it stays with tools of this node.
    ``people``: of ours who decided that this very value is to be blocked: they answer for somebody else's word.
    """
    yield Test(Rule.ENFORCE_TLP, entry.tlp < Tlp.RED, entry.tlp.label)
    if standpoint is not None:
        cleared = min(standpoint.tlp_at_most, TLP_BY_PLACE[standpoint.place])
        yield Test(Rule.ENFORCE_CLEARANCE, entry.tlp <= cleared, f"{entry.tlp.label} above {cleared.label}")
        allowed = _pap_at(standpoint.place, entry, terms)
        yield Test(Rule.ENFORCE_PLACE, entry.pap <= allowed, f"{entry.pap.label} for place {standpoint.place.value}")
    if not action.hinders:  # reading our own logs is invisible from outside: even PAP:RED permits it
        return
    yield Test(Rule.ENFORCE_PAP, entry.pap <= Pap.GREEN, entry.pap.label)
    if standpoint is not None:  # it is in force here, so its origin was accepted
        return
    accepted = (
        entry.origin is None
        or bool(people)
        or (terms is not None and terms.auto_enforce and entry.origin in terms.members - terms.exclusions)
    )
    yield Test(Rule.ENFORCE_ORIGIN, accepted, entry.origin or "own")


def _pap_at(place: Place, entry: IndicatorEntry, terms: CircleTerms | None) -> Pap:
    """Only the circle through which somebody else's indicator came can say otherwise of a cloud, and never of ours."""
    from_circle = terms is not None and entry.origin is not None and entry.origin in terms.members - terms.exclusions
    if place is Place.CLOUD and terms is not None and from_circle:
        return terms.cloud_pap
    return PAP_BY_PLACE[place]
