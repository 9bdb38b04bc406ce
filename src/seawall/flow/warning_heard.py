"""Answers that come back: a peer's opinion or sighting about an indicator that we hold becomes its answer here.

What a peer says is believed as its own word only: one answer a peer and value, about values that the object it refers
to names and that are here already. A plain sighting of another product counts when it is about an indicator of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from seawall.codec.answering import HeardAnswer, read_answer
from seawall.codec.sharing import read_sighting
from seawall.flow.context import find_objects
from seawall.flow.node import Node
from seawall.model import Observable, ObservableType
from seawall.model.answer import Answer
from seawall.model.stored import StoredObject

MAX_VALUES = 100  # of one answer: who names a whole list at once has not looked
ValuesBehind = Callable[[Node, str], Iterable[Observable]]


def is_only_an_answer(node: Node, item: StoredObject) -> bool:
    """Whether a sighting tells nothing but an answer: refuted, taken back, or beside a sighting with its evidence."""
    heard = read_answer(item.body)
    if heard is None or not heard.flagged or b'"answer"' not in item.body:
        return False
    return read_sighting(item.body).count == 0 or item.origin in {
        told.origin for told in node.store.sightings.told(_keys(node, heard, _plain_values))
    }


def hear_answers(node: Node, items: Sequence[StoredObject], values_behind: ValuesBehind) -> int:
    """Keep what these objects of peers answer; how many answers were kept or taken back."""
    kept: list[Answer] = []
    gone = 0
    for item in items:
        heard = read_answer(item.body) if item.type in ("opinion", "sighting") and item.origin else None
        if heard is None or (not heard.flagged and not _about_ours(node, heard)):
            continue
        keys = _keys(node, heard, values_behind)
        if heard.verdict is None or item.revoked:
            gone += _take_back(node, keys, item)
            continue
        kept += [
            Answer(type, value, heard.verdict, item.stored_at, item.id, item.origin, heard.note) for type, value in keys
        ]
    node.store.answers.put(kept)
    return len(kept) + gone


def _take_back(node: Node, keys: Sequence[tuple[ObservableType, str]], item: StoredObject) -> int:
    """Only the answer that this very object gave: a peer may withdraw a sighting and stand by its opinion."""
    held = node.store.answers.of(keys)
    return sum(
        node.store.answers.remove(*key, item.origin)
        for key, answers in held.items()
        if any(one.peer == item.origin and one.by == item.id for one in answers)
    )


def _keys(node: Node, heard: HeardAnswer, values_behind: ValuesBehind) -> list[tuple[ObservableType, str]]:
    found: dict[tuple[ObservableType, str], None] = {}
    for reference in heard.references:
        for value in values_behind(node, _indicator(node, reference)):
            found[value.type, value.value] = None
            if len(found) == MAX_VALUES:
                return list(found)
    return list(found)


def _indicator(node: Node, reference: str) -> str:
    """The indicator that a reference is about: itself, or what a sighting is a sighting of."""
    if reference.startswith("sighting--"):
        for held in find_objects(node, reference):
            return read_sighting(held.body).sighting_of_ref
    return reference


def _about_ours(node: Node, heard: HeardAnswer) -> bool:
    return any(
        held.origin is None
        for reference in heard.references
        for held in find_objects(node, _indicator(node, reference))
    )


def _plain_values(node: Node, indicator: str) -> list[Observable]:
    return [Observable(entry.type, entry.value) for entry in node.store.indicators.by_id(indicator)]
