"""The tests between an indicator and a tool that would act on it."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.model import Pap, Tlp
from seawall.model.circle import CircleTerms
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.policy.rules import Rule, Test


def enforcement_tests(entry: IndicatorEntry, action: Action, terms: CircleTerms | None) -> Iterator[Test]:
    """In order: TLP, PAP, origin. ``terms``: the circle through which a peer's indicator came."""
    yield Test(Rule.ENFORCE_TLP, entry.tlp < Tlp.RED, entry.tlp.label)
    if action is Action.WATCH:  # reading our own logs is invisible from outside: even PAP:RED permits it
        return
    yield Test(Rule.ENFORCE_PAP, entry.pap <= Pap.GREEN, entry.pap.label)
    accepted = entry.origin is None or (
        terms is not None and terms.auto_enforce and entry.origin in terms.members - terms.exclusions
    )
    yield Test(Rule.ENFORCE_ORIGIN, accepted, entry.origin or "own")
