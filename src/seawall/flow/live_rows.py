"""Our sightings as of now: what the lake's hits tell, and what a tail has seen that is not in the lake yet."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seawall.flow.hit_rows import with_hits
from seawall.flow.node import Node
from seawall.lake import LakeSession
from seawall.match import findings_of, sighting_table
from seawall.model import SightingSummary
from seawall.model.finding_table import FINDING_SCHEMA

KEY = ("type", "value", "side")


def own_sightings(node: Node, session: LakeSession, keys: pa.Table) -> pa.Table:
    """What our sensors tell, as of now, and what the site's own systems reported (``hit_rows``)."""
    return with_hits(node, _seen_by_sensors(node, session, keys), keys)


def _seen_by_sensors(node: Node, session: LakeSession, keys: pa.Table) -> pa.Table:
    """``match.sighting_table`` with the sightings of moments ago, sorted alike.

    A live row tells the whole sighting, so the one that counts more events is the later one. Of a live row the alarms
    and the sensors are not known exactly until its lines are in the lake.
    """
    told = sighting_table(session, keys)
    live = node.store.sightings.own()
    if not live:
        return told
    held = {key: place for place, key in enumerate(zip(*(told[name].to_pylist() for name in KEY), strict=True))}
    counts = told["count"].to_pylist()
    newer: list[dict[str, Any]] = []
    replaced: set[int] = set()
    for row, one in zip(findings_of(live).to_pylist(), live, strict=True):
        place = held.get((one.type.value, one.value, one.side))
        if place is not None and counts[place] >= one.count:
            continue
        if place is not None:
            replaced.add(place)
        newer.append(row | {"campaign": _campaign(keys, one), "sensors": 1})
    if not newer:
        return told
    keep = pa.array([place not in replaced for place in range(len(told))], pa.bool_())
    whole = pa.concat_tables([told.filter(keep), pa.Table.from_pylist(newer, schema=FINDING_SCHEMA)])
    return whole.sort_by([(name, "ascending") for name in KEY])


def just_met(node: Node, contacts: pa.Table, seen: pa.Table) -> pa.Table:
    """Rows of ``seen`` that a tail saw and the lake does not hold, as contacts whose evidence is not measured yet.

    Nothing for values that ``contacts`` tells of.
    """
    known = set(zip(*(contacts[name].to_pylist() for name in KEY), strict=True))
    fresh = {(one.type.value, one.value, one.side) for one in node.store.sightings.own()} - known
    met = [row for row in seen.to_pylist() if (row["type"], row["value"], row["side"]) in fresh] if fresh else []
    plain = [row | {"indicator_id": None, "campaign": None} for row in met]
    return pa.Table.from_pylist(plain, schema=FINDING_SCHEMA).cast(contacts.schema)


def _campaign(keys: pa.Table, one: SightingSummary) -> str | None:
    rows = keys.filter(pc.equal(keys["value"], one.value)).select(["indicator_id", "campaign"]).to_pylist()
    return next((row["campaign"] for row in rows if row["indicator_id"] == one.indicator_id), None)
