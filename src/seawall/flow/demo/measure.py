"""Figures read out of the nodes' own lakes and stores for the demonstration's report."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from seawall.codec.values import address_halves
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.screens import node_screens
from seawall.match import candidate_table
from seawall.model import Warning

ADDRESSES = ("ipv4", "ipv6")
Key = tuple[str, str]


def all_warnings(node: Node) -> list[Warning]:
    """Every warning that the node holds."""
    found: list[Warning] = []
    after: int | None = 0
    while after is not None:
        page = node.store.warnings.list(WHOLE_NODE, after=after, limit=10_000)
        found += page.items
        after = page.next
    return found


def values_met(node: Node) -> int:
    """Distinct values at the remote end, of any basis."""
    with node.lake.reading() as session:
        query = (
            "SELECT count(*) AS n FROM (SELECT DISTINCT type, value, high, low "
            f"FROM {session.rollup(0)} AS r WHERE role <> 'own')"
        )
        return int(session.sql(query)["n"][0].as_py())


def candidate_keys(node: Node) -> set[Key]:
    """The values that the node suspects, by its own sensors."""
    with node.lake.reading() as session:
        table = candidate_table(session, node_screens(node)).select(["type", "value"])
    return set(zip(table["type"].to_pylist(), table["value"].to_pylist(), strict=True))


def first_sectors(node: Node, keys: Iterable[Key]) -> dict[Key, str]:
    """The sector in which this node's own sensors met each value first; values never met are left out."""
    rows = []
    for kind, value in keys:
        high, low = address_halves(value) if kind in ADDRESSES else (0, 0)
        rows.append({"type": kind, "asked": value, "v": "" if kind in ADDRESSES else value, "h": high, "l": low})
    names = [("type", pa.string()), ("asked", pa.string()), ("v", pa.string()), ("h", pa.int64()), ("l", pa.int64())]
    with node.lake.reading() as session:
        session.register("demo_asked", pa.Table.from_pylist(rows, schema=pa.schema(names)))
        found = session.sql(
            "SELECT a.type, a.asked, arg_min(r.sector, r.first) AS sector FROM demo_asked a JOIN "
            "(SELECT type, CASE WHEN type = 'url' THEN split_part(value, '?', 1) ELSE coalesce(value, '') END AS v, "
            f"coalesce(high, 0) AS h, coalesce(low, 0) AS l, sector, first FROM {session.rollup(0)} AS x "
            "WHERE role <> 'own') r USING (type, v, h, l) GROUP BY a.type, a.asked"
        )
    keyed = zip(found["type"].to_pylist(), found["asked"].to_pylist(), strict=True)
    return dict(zip(keyed, found["sector"].to_pylist(), strict=True))


def listed_values(block_list: Path) -> set[str]:
    """Every value that stands in an exported CSV block list; empty before the first export."""
    if not block_list.is_file():
        return set()
    with block_list.open(newline="", encoding="utf-8") as file:
        return {row["value"].lstrip("'") for row in csv.DictReader(file) if row.get("value")}
