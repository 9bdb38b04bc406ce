"""Seoul saw attackers and tells Taipei, in one process and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from flow.neighbours import AT, agree, neighbours, push
from seawall.codec.sharing import candidate_indicator, encode, sighting_of
from seawall.flow.node import Node
from seawall.model import Observable, ObservableType, Pap, SightingSummary, Tlp
from seawall.model.stored import StoredObject

HOUR = 3_600_000_000
CIRCLE = "tw-kr"
TYPES = frozenset({"indicator", "sighting", "opinion"})


def saw(
    node: Node, value: str, *, tlp: Tlp = Tlp.AMBER, ago: int = HOUR, sectors: tuple[str, ...] = ("energy",)
) -> str:
    """The node's honeypots met an address, and its own people may tell it; returns the indicator's id."""
    observable, at = Observable(ObservableType.IPV4, value), node.clock()
    seen = SightingSummary(
        ObservableType.IPV4, value, "KR", at - ago, at - ago + 1, 5, sectors, None, ("honeypot",), tlp, Pap.GREEN, None
    )
    identity = node.keys.identity_id
    indicator = candidate_indicator(observable, identity=identity, created=at - ago, tlp=tlp, pap=Pap.GREEN)
    sighting = sighting_of(seen, indicator_id=indicator["id"], identity=identity, sensors=3, modified=at)
    made = [
        StoredObject(
            body["id"], body["type"], body["modified"], identity, encode(body), tlp, Pap.GREEN, stored_at=at,
            inputs=inputs,
        )
        for body, inputs in ((indicator, ()), (sighting, (indicator["id"],)))
    ]  # fmt: skip
    node.store.objects.put(made)
    return str(indicator["id"])


def permit(nodes: dict[str, Node], types: frozenset[str] = TYPES, tlp: Tlp = Tlp.AMBER) -> None:
    """The circle takes these types, and its standing release lets them go at once."""
    agree(nodes, CIRCLE, *nodes, tlp=tlp)
    for node in nodes.values():
        terms = node.store.circles.get(CIRCLE)
        rules = tuple(msgspec.structs.replace(rule, types=types) for rule in terms.standing)
        wider = msgspec.structs.replace(terms, version=terms.version + 1, standing=rules, types=types)
        node.store.circles.save(wider, node.clock())
    from seawall.flow.terms import terms_digest

    for node in nodes.values():
        terms = node.store.circles.get(CIRCLE)
        for other in terms.members:
            node.store.notes.set(f"agreed:{CIRCLE}:{other}", terms_digest(terms))


@contextmanager
def told(folder: Path, *values: str, types: frozenset[str] = TYPES) -> Iterator[dict[str, Node]]:
    """Seoul (``sel``) told Taipei (``tpe``) of these addresses."""
    with neighbours(folder, "tpe", "sel") as nodes:
        permit(nodes, types)
        for value in values:
            saw(nodes["sel"], value)
        push(nodes, CIRCLE, "sel", "tpe")
        yield nodes


__all__ = ["AT", "CIRCLE", "HOUR", "permit", "push", "saw", "told"]
