"""History x new indicators: the roll-up tells which keys occur at all and when, so raw rows are read only for these.

The roll-up holds every compared value once per day, side, sector, role and basis, and is far smaller than the rows.
Two uses: ``prune`` narrows a raw match, and ``rollup_sightings`` answers "was this ever seen?" without raw rows.
"""

from __future__ import annotations

import msgspec
import pyarrow as pa

from seawall.match.hits import Stretch, map_addresses, map_names
from seawall.match.interface import LakeSession
from seawall.match.keys import TEXT_COLUMNS, load_keys

ROLLUP_ADDRESS_TYPES = ("ipv4", "ipv6")
_PRUNED = "match_pruned"
_NAMES = "SELECT DISTINCT value AS text FROM {rollup} AS r WHERE type = 'domain' AND value IS NOT NULL"
_ADDRESSES = (
    "SELECT DISTINCT high, low FROM {rollup} AS r WHERE type IN ('ipv4', 'ipv6') "
    "AND high IS NOT NULL AND low IS NOT NULL"
)


def prune(session: LakeSession, stretch: Stretch) -> Stretch | None:
    """The same match with only the keys that history knows, between their first and last moment; None: no key occurs.

    CVE keys are kept unseen: the roll-up need not hold them.
    """
    occurring = _occurring(session, session.rollup(0), stretch.keys, stretch.counts, exact=stretch.exact)
    session.sql(f"CREATE OR REPLACE TEMP TABLE match_occurring AS {occurring}")
    span = session.sql("SELECT min(first) AS first, max(last) AS last FROM match_occurring")
    first, last = span["first"][0].as_py(), span["last"][0].as_py()
    unseen = "SELECT number FROM {keys}_text WHERE type NOT IN ({known})".format(
        keys=stretch.keys, known=", ".join(f"'{name}'" for name in ("domain", *TEXT_COLUMNS))
    )
    others = session.sql(f"SELECT count(*) AS n FROM ({unseen})")["n"][0].as_py()
    if first is None and not others:
        return None
    for part in ("address", "range", "text"):
        kept = session.sql(
            f"SELECT k.* FROM {stretch.keys}_{part} k WHERE k.number IN (SELECT indicator FROM match_occurring) "
            f"OR k.number IN ({unseen})"
        )
        session.register(f"{_PRUNED}_{part}", kept)
    kinds = session.sql(
        " UNION ALL ".join(f"SELECT type, count(*) AS n FROM {_PRUNED}_{part} GROUP BY type" for part in _PARTS)
    )
    counts = dict(zip(kinds["type"].to_pylist(), kinds["n"].to_pylist(), strict=True))
    since = stretch.since if others or first is None else max(first, stretch.since or first)
    return msgspec.structs.replace(stretch, keys=_PRUNED, counts=counts, since=since, until=None if others else last)


_PARTS = ("address", "range", "text")


def rollup_sightings(session: LakeSession, keys: pa.Table, *, exact: bool = False) -> pa.Table:
    """Sightings of the keys in the whole history, from the roll-up alone.

    Columns indicator, side, first, last, count, sectors (in order of arrival). ``count`` counts rows of each end, so a
    row whose two ends are the same value counts twice. Expiry is not looked at: the roll-up knows days, not events.
    """
    counts = load_keys(session, keys, "match_asked")
    occurring = _occurring(session, session.rollup(0), "match_asked", counts, exact=exact)
    return session.sql(
        "SELECT indicator, side, min(first) AS first, max(last) AS last, CAST(sum(count) AS BIGINT) AS count, "
        "list(sector ORDER BY first, sector) AS sectors FROM ("
        "  SELECT indicator, side, sector, min(first) AS first, max(last) AS last, sum(count) AS count"
        f"  FROM ({occurring}) GROUP BY indicator, side, sector"
        ") GROUP BY indicator, side ORDER BY indicator, side"
    )


def _occurring(session: LakeSession, rollup: str, keys: str, counts: dict[str, int], *, exact: bool) -> str:
    """SQL: (indicator, side, sector, first, last, count) of the roll-up rows that meet a key."""
    wanted = "k.indicator, r.side, r.sector, r.first, r.last, r.count"
    parts: list[str] = []
    if {"ipv4", "ipv6", "cidr"} & counts.keys():
        map_addresses(session, keys, _ADDRESSES.format(rollup=rollup))
        parts.append(
            f"SELECT {wanted} FROM {rollup} AS r JOIN match_address_map k ON r.low = k.low AND r.high = k.high "
            "WHERE r.type IN ('ipv4', 'ipv6')"
        )
    texts = [name for name in TEXT_COLUMNS if name in counts]
    if "domain" in counts and not exact:
        map_names(session, keys, _NAMES.format(rollup=rollup))
        parts.append(
            f"SELECT {wanted} FROM {rollup} AS r JOIN match_text_map k ON r.value = k.text WHERE r.type = 'domain'"
        )
    elif "domain" in counts:
        texts.append("domain")
    if texts:
        key = f"(SELECT number AS indicator, type, value FROM {keys}_text)"
        parts.append(
            f"SELECT {wanted} FROM {rollup} AS r JOIN {key} k ON r.type = k.type AND r.value = k.value "
            f"WHERE r.type IN ({', '.join(repr(name) for name in texts)})"
        )
    nothing = "SELECT 0 AS indicator, '' AS side, '' AS sector, 0 AS first, 0 AS last, 0 AS count WHERE false"
    return " UNION ALL ".join(parts) or nothing
