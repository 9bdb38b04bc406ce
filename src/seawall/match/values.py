"""Canonical values as join keys: (type, v, h, l), the way the roll-up spells them."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from seawall.codec.values import address_halves, halves_address
from seawall.match.interface import LakeSession
from seawall.match.reach import CANDIDATE_TYPES

KEY = "type, v, h, l"
ADDRESS_TYPES = ("ipv4", "ipv6")
_SCHEMA = pa.schema(
    [("type", pa.string()), ("value", pa.string()), ("v", pa.string()), ("h", pa.int64()), ("l", pa.int64())]
)


def without_query(url: str) -> str:
    """SQL: the URL without its query string, which may carry a victim's data."""
    return f"split_part({url}, '?', 1)"


def register_values(session: LakeSession, name: str, values: Iterable[tuple[str, str]]) -> None:
    """Register ``name`` (type, value, v, h, l) of canonical values; types that cannot be candidates are left out."""
    rows = []
    for kind, value in values:
        if kind in CANDIDATE_TYPES:
            address = kind in ADDRESS_TYPES
            high, low = address_halves(value) if address else (0, 0)
            text = "" if address else value.split("?", 1)[0] if kind == "url" else value
            rows.append({"type": kind, "value": value, "v": text, "h": high, "l": low})
    session.register(name, pa.Table.from_pylist(rows, schema=_SCHEMA))


def texts(keys: pa.Table) -> list[str]:
    """The canonical text of each (type, v, h, l)."""
    address = pc.is_in(keys["type"], value_set=pa.array(ADDRESS_TYPES)).to_pylist()
    columns = zip(address, *(keys[name].to_pylist() for name in ("v", "h", "l")), strict=True)
    return [halves_address(high, low) if is_address else text for is_address, text, high, low in columns]


def remote_values(rows: str, columns: str) -> str:
    """SQL: (``columns``, type, v, h, l) of every value of a candidate type in the rows: remote addresses, all texts.

    ``rows`` has the columns of OBSERVATION_SCHEMA. Whose a name is, the roll-up's role tells: keep judged values only.
    """
    version = "CASE WHEN {e}_high = 0 AND ({e}_low >> 32) = 65535 THEN 'ipv4' ELSE 'ipv6' END"
    parts = [
        f"SELECT {columns}, {version.format(e=end)} AS type, '' AS v, {end}_high AS h, {end}_low AS l FROM {rows} "
        f"WHERE {end}_low IS NOT NULL AND own_end = '{other}'"
        for end, other in (("src", "destination"), ("dst", "source"))
    ]
    for kind in CANDIDATE_TYPES:
        if kind.value not in ADDRESS_TYPES:
            text = without_query("url") if kind == "url" else f'"{kind.value}"'
            parts.append(
                f"SELECT {columns}, '{kind.value}' AS type, {text} AS v, 0 AS h, 0 AS l FROM {rows} "
                f'WHERE "{kind.value}" IS NOT NULL'
            )
    return " UNION ALL ".join(parts)
