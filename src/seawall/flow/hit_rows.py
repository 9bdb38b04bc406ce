"""Reported hits as sightings, beside those that the lake tells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seawall.flow.node import Node
from seawall.model import Basis, Pap, Tlp
from seawall.model.finding_table import FINDING_SCHEMA
from seawall.model.hit import HitTotal

KEY = ("type", "value", "side")
CANDIDATE_TLP, CANDIDATE_PAP = Tlp.AMBER, Pap.GREEN  # as candidates of the lake
Row = dict[str, Any]


def with_hits(node: Node, told: pa.Table, keys: pa.Table) -> pa.Table:
    """Sightings (FINDING_SCHEMA) with what was reported added, sorted by type, value and side.

    What the lake tells of the same value and side is added up: a site reports what the lake does not hold. Hits of an
    indicator that is no longer among ``keys`` (the store's key table) give none, as matched ones.
    """
    totals = node.store.hits.totals()
    if not totals:
        return told
    added = _rows(totals, _facts(keys, totals))
    if not added:
        return told
    places = {key: place for place, key in enumerate(zip(*(told[name].to_pylist() for name in KEY), strict=True))}
    joined = {key: places[key] for key in added if key in places}
    held = told.take(list(joined.values())).to_pylist() if joined else []
    for key, row in zip(joined, held, strict=True):
        added[key] = _sum(row, added[key])
    replaced = set(joined.values())
    keep = pa.array([place not in replaced for place in range(len(told))], pa.bool_())
    whole = pa.concat_tables([told.filter(keep), pa.Table.from_pylist(list(added.values()), schema=FINDING_SCHEMA)])
    return whole.sort_by([(name, "ascending") for name in KEY])


def hit_contacts(node: Node, contacts: pa.Table, seen: pa.Table) -> pa.Table:
    """Of ``seen``, the rows that were reported and the lake does not tell of: met by us, whoever named the value.

    They stand without their indicator, so that an indicator that a peer's own sighting made vouches for nothing.
    """
    known = set(zip(*(contacts[name].to_pylist() for name in KEY), strict=True))
    fresh = {(one.type.value, one.value, one.side) for one in node.store.hits.totals()} - known
    met = [row for row in seen.to_pylist() if (row["type"], row["value"], row["side"]) in fresh] if fresh else []
    plain = [row | {"indicator_id": None, "campaign": None} for row in met]
    return pa.Table.from_pylist(plain, schema=FINDING_SCHEMA).cast(contacts.schema)


def hit_sides(node: Node) -> set[str]:
    """The sides that reported hits."""
    return {one.side for one in node.store.hits.totals()}


def _facts(keys: pa.Table, totals: Iterable[HitTotal]) -> dict[tuple[str, str, str | None], Row]:
    """What the wanted rows of the key table say, by type, value and indicator."""
    wanted = pa.array(sorted({one.value for one in totals}), pa.string())
    found = keys.filter(pc.is_in(keys["value"], value_set=wanted)).to_pylist() if len(keys) else []
    return {(row["type"], row["value"], row["indicator_id"]): row for row in found}


def _rows(totals: Iterable[HitTotal], facts: dict[tuple[str, str, str | None], Row]) -> dict[tuple[str, ...], Row]:
    """One row a value and side; sectors in the order of their first hit."""
    found: dict[tuple[str, ...], Row] = {}
    for one in sorted(totals, key=lambda total: (total.first_seen, total.sector)):
        key = (one.type.value, one.value, one.side)
        named = facts.get((one.type.value, one.value, one.indicator_id)) if one.indicator_id is not None else None
        if named is None and one.indicator_id is not None:
            continue
        row = _row(one, named)
        found[key] = _sum(found[key], row) if key in found else row
    return found


def _row(one: HitTotal, named: Row | None) -> Row:
    hostile = one.basis not in (Basis.NONE, Basis.INDICATOR)
    bases = {one.basis} | ({Basis.INDICATOR.value} if named is not None and named.get("origin") is None else set())
    return {
        "type": one.type.value,
        "value": one.value,
        "side": one.side,
        "first_seen": one.first_seen,
        "last_seen": one.last_seen,
        "count": one.count,
        "hostile": one.count if hostile else 0,
        "sectors": [one.sector],
        "basis": sorted(bases),
        "sensors": one.reporters,
        "indicator_id": one.indicator_id,
        "campaign": named.get("campaign") if named is not None else None,
        "tlp": _level(named, "tlp", int(CANDIDATE_TLP), int(Tlp.AMBER)),
        "pap": _level(named, "pap", int(CANDIDATE_PAP), int(Pap.AMBER)),
    }


def _level(named: Row | None, name: str, candidate: int, unmarked: int) -> int:
    if named is None:
        return candidate
    return unmarked if named.get(name) is None else int(named[name])


def _sum(one: Row, other: Row) -> Row:
    """Two rows of one value and side as one: the strictest marking, the indicator if either has one."""
    named = one if one["indicator_id"] is not None else other
    earlier, later = (one, other) if one["first_seen"] <= other["first_seen"] else (other, one)
    return {
        **one,
        "first_seen": earlier["first_seen"],
        "last_seen": max(one["last_seen"], other["last_seen"]),
        "count": one["count"] + other["count"],
        "hostile": one["hostile"] + other["hostile"],
        "sectors": list(dict.fromkeys([*earlier["sectors"], *later["sectors"]])),
        "basis": sorted({*one["basis"], *other["basis"]}),
        "sensors": max(one["sensors"], other["sensors"]),
        "indicator_id": named["indicator_id"],
        "campaign": named["campaign"],
        "tlp": max(one["tlp"], other["tlp"]),
        "pap": max(one["pap"], other["pap"]),
    }
