"""Which of peers' values an exported file only watches: a file acts wherever it is loaded, without a canary.

Policy has said that a circle's members may act without a click; the lane's reasons for a person hold for files too.
What the lanes would only watch *first* (too little is known of our own sessions) goes into the file, as its terms say.
"""

from __future__ import annotations

from collections.abc import Sequence

from seawall.flow.node import Node
from seawall.flow.orders_facts import limits_of, radii, trials
from seawall.model import Observable, ObservableType
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.protect.lanes import LOOK_ALIKE, LaneFacts, Trial, lane_for
from seawall.protect.names import look_alike

NEEDS_A_PERSON = frozenset({"wide", LOOK_ALIKE, "blast-radius", "confidence", "canary-failed", "rolled-back"})
_VOUCHED = ("policy", "terms")  # the acceptance itself was policy's question


def only_watched(node: Node, entries: Sequence[IndicatorEntry]) -> list[bool]:
    """For each entry whether a person has to decide before a file may block it."""
    values = [Observable(entry.type, entry.value) for entry in entries]
    asked = [value for value, entry in zip(values, entries, strict=True) if entry.origin is not None]
    if not asked:
        return [False] * len(entries)
    puts = node.store.orders.puts([(value.type, value.value) for value in asked])
    radius, trial, limits = radii(node, asked), trials(node, asked), limits_of(node)
    found: list[bool] = []
    for value, entry in zip(values, entries, strict=True):
        put = puts.get((value.type, value.value))
        facts = LaneFacts(
            action=Action.BLOCK,
            type=value.type,
            value=value.value,
            origin=entry.origin,
            accepted_by=_VOUCHED,
            radius=radius.get(value),
            flags=(LOOK_ALIKE,) if value.type is ObservableType.DOMAIN and look_alike(value.value) else (),
            put_by=put.people if put is not None else (),
            trial=trial.get(value, Trial.NONE),
            confidence=entry.confidence,
            limits=limits,
        )
        found.append(entry.origin is not None and lane_for(facts).rule in NEEDS_A_PERSON)
    return found
