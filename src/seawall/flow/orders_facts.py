"""What the safety work knows of values that are to be ordered: how far a block would reach, how a canary went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seawall.flow.node import Node
from seawall.flow.radius import radius
from seawall.flow.scores import evidence_of
from seawall.flow.trials import trials as kept
from seawall.model import Observable
from seawall.protect.lanes import LaneLimits, Trial
from seawall.protect.radius import Radius


def radii(node: Node, values: Sequence[Observable]) -> Mapping[Observable, Radius]:
    """The prebuilt table's answers; nothing for values it cannot answer for."""
    return radius(node, values)


def trials(node: Node, values: Sequence[Observable]) -> Mapping[Observable, Trial]:
    """How far each value's canary came; values without one are left out."""
    return kept(node, values)


def scores(node: Node, values: Sequence[Observable]) -> Mapping[Observable, float]:
    """What others' and our people's words alone make of each value, 0 to 100: our sensors' records take the lake."""
    from seawall.warn import score

    at = node.clock()
    found = evidence_of(node, [(value.type, value.value) for value in values], sensors=False)
    known = {evidence: round(score(evidence, at).value, 1) for evidence in set(found.values())}  # a list says the same
    return {Observable(*key): known[evidence] for key, evidence in found.items()}


def limits_of(node: Node) -> LaneLimits:
    """How many legitimate sessions a block may cut without a person."""
    asked = node.settings.protect
    return LaneLimits(
        fast_sessions=asked.fast_sessions,
        own_sessions=asked.own_sessions,
        least_confidence=asked.least_confidence,
    )
