"""Which values our own sensors have met: no decoy is drawn from them, and a decoy that was met is one no more."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from seawall.codec.values import address_halves
from seawall.flow.node import Node
from seawall.lake import LakeSession
from seawall.model import ObservableType

ADDRESSES = (ObservableType.IPV4.value, ObservableType.IPV6.value)
MET = "met by our own sensors"


def met_values(session: LakeSession, values: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of (type, canonical value) that stand in the lake at any end, with any basis; names also as the host of
    a URL or a mail address."""
    rows = []
    for type, value in values:
        high, low = address_halves(value) if type in ADDRESSES else (0, 0)
        rows.append({"type": type, "value": value, "v": "" if type in ADDRESSES else value, "h": high, "l": low})
    fields = [("type", pa.string()), ("value", pa.string()), ("v", pa.string()), ("h", pa.int64()), ("l", pa.int64())]
    session.register("flow_asked", pa.Table.from_pylist(rows, schema=pa.schema(fields)))
    host = (
        "CASE WHEN type = 'email' THEN split_part(value, '@', 2) "
        "ELSE regexp_extract(value, '^[a-z]+://([^/:]+)', 1) END"
    )
    found = session.sql(
        "SELECT DISTINCT a.type, a.value FROM flow_asked a JOIN ("
        "SELECT type, coalesce(value, '') AS v, coalesce(high, 0) AS h, coalesce(low, 0) AS l "
        f"FROM {session.rollup(0)} AS r UNION ALL SELECT 'domain', {host}, 0, 0 FROM {session.rollup(0)} AS s "
        "WHERE type IN ('url', 'email')) USING (type, v, h, l)"
    )
    return set(zip(found["type"].to_pylist(), found["value"].to_pylist(), strict=True))


def tend_decoys(node: Node, session: LakeSession) -> int:
    """Retire decoys that our own sensors met since: somebody has a reason to hold them now. How many."""
    standing = [(item.type, item.value) for item in node.store.decoys.list(standing=True)]
    if not standing:
        return 0
    met = met_values(session, standing)
    if met:
        node.store.decoys.retire(sorted(met), MET)
    return len(met)
