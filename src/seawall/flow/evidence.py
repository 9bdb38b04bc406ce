"""What our own sensors know of an object that asks to leave: how many of them, on which bases.

Standing releases may ask for a least number of sensors and for a basis. A sighting of ours says both itself; an
indicator rests on our sightings of it. What others told has no evidence of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from seawall.codec.sharing import sensors_and_bases
from seawall.flow.node import Node
from seawall.model.circle import CircleTerms
from seawall.model.stored import StoredObject
from seawall.policy import Evidence

NONE = Evidence()


def page_evidence(node: Node, items: Sequence[StoredObject], terms: CircleTerms) -> list[Evidence]:
    """The evidence behind each item; looked up only when a standing release of the circle asks for any."""
    if not any(rule.least_sensors or rule.bases for rule in terms.standing):
        return [NONE] * len(items)
    made = node.store.descent.derived(item.id for item in items if item.type == "indicator")
    sightings = node.store.objects.latest(id for ids in made.values() for id in ids if id.startswith("sighting--"))
    return [
        _joined(node, [item] if item.type == "sighting" else _of(sightings, made.get(item.id, ()))) for item in items
    ]


def _of(sightings: dict[str, StoredObject], ids: Iterable[str]) -> list[StoredObject]:
    return [sightings[id] for id in ids if id in sightings]


def _joined(node: Node, sightings: Iterable[StoredObject]) -> Evidence:
    """Sightings on several sides have different sensors, so their numbers add up."""
    sensors, bases = 0, frozenset[str]()
    for sighting in sightings:
        if sighting.origin is None and sighting.created_by == node.keys.identity_id:
            count, here = sensors_and_bases(sighting.body)
            sensors += count
            bases |= here
    return msgspec.structs.replace(NONE, sensors=sensors, bases=bases)
