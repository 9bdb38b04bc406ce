"""What canaries and rollbacks found about single values, kept for as long as it counts.

It stands beside the order book, because the book is made anew from what policy permits: a value that was rolled back
must not come into force again with the next refresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from seawall.flow.node import Node
from seawall.model import Observable
from seawall.model.directive import Action
from seawall.protect.gate import undo_name
from seawall.protect.lanes import Trial
from seawall.protect.radius import DAY

KEY = "trial:{undo_id}"
LIFE: Mapping[Trial, int] = {Trial.PASSED: 30 * DAY, Trial.FAILED: 7 * DAY, Trial.ROLLED_BACK: 30 * DAY}
"""A value that passed is not watched again while a directive on it may live; one that failed is tried again when the
table of blast radii has seen it for a while; what hurt stays with people."""


class Found(msgspec.Struct, frozen=True):
    """How a trial ended. ``text`` is an English sentence with places."""

    trial: Trial
    at: int  # microseconds UTC
    text: str
    values: dict[str, str] = {}


def trials(node: Node, values: Sequence[Observable]) -> dict[Observable, Trial]:
    """How each value's trial ended; values without one, or whose trial no longer counts, are left out."""
    return {value: found.trial for value, found in trials_found(node, values).items()}


def trials_found(node: Node, values: Sequence[Observable]) -> dict[Observable, Found]:
    """The same with sentences, for screens."""
    keys = {KEY.format(undo_id=undo_name(Action.BLOCK, value)): value for value in values}
    now = node.clock()
    found: dict[Observable, Found] = {}
    for key, text in node.store.notes.several(list(keys)).items():
        kept = msgspec.json.decode(text, type=Found)
        if now - kept.at <= LIFE.get(kept.trial, 0):
            found[keys[key]] = kept
    return found


def keep_trial(node: Node, values: Iterable[Observable], found: Found) -> None:
    """Remember how the trial of these values ended."""
    text = msgspec.json.encode(found).decode()
    for value in values:
        node.store.notes.set(KEY.format(undo_id=undo_name(Action.BLOCK, value)), text)


def forget_trial(node: Node, value: Observable) -> None:
    """As if it had never been tried: the undo of a canary or a rollback."""
    node.store.notes.delete(KEY.format(undo_id=undo_name(Action.BLOCK, value)))
