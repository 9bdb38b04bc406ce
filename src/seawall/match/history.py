"""History x new indicators: the roll-up tells which keys occur at all and when, so raw rows are read only for these.

The roll-up holds every compared value once per day, side, sector, role and basis, and is far smaller than the rows.
Three uses: ``prune`` narrows a raw match to the days that met a key, ``keep_past`` keeps what the roll-up says of days
whose rows have left the lake, and ``rollup_sightings`` answers "was this ever seen?" without raw rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from seawall.match.hits import Stretch, map_addresses, map_names
from seawall.match.interface import LakeSession
from seawall.match.keys import TEXT_COLUMNS, load_keys

ROLLUP_ADDRESS_TYPES = ("ipv4", "ipv6")
OCCURRING = "match_occurring"
_PRUNED = "match_pruned"
PARTS = ("address", "range", "text")
_COLUMNS = "indicator, type, side, sector, first, last, count, day, basis, sensor_bits"
_NAMES = "SELECT DISTINCT value AS text FROM {rollup} AS r WHERE type = 'domain' AND value IS NOT NULL"
_ADDRESSES = (
    "SELECT DISTINCT high, low FROM {rollup} AS r WHERE type IN ('ipv4', 'ipv6') "
    "AND high IS NOT NULL AND low IS NOT NULL"
)


def occurrences(session: LakeSession, stretch: Stretch, keys: pa.Table) -> None:
    """Fill ``match_occurring`` with the roll-up rows that meet a key of the stretch; ``keys`` are the same keys."""
    full = bool(session.rolled_days() - session.days())
    about = _about(session, keys, full=full)
    occurring = _occurring(session, about, stretch.keys, stretch.counts, exact=stretch.exact, full=full)
    session.sql(f"CREATE OR REPLACE TEMP TABLE {OCCURRING} AS {occurring}")


def prune(session: LakeSession, stretch: Stretch) -> Stretch | None:
    """The same match with only the keys of ``match_occurring``, on the days that met one; None: no key occurs.

    CVE keys are kept unseen: the roll-up need not hold them.
    """
    span = session.sql(f"SELECT min(first) AS first, max(last) AS last FROM {OCCURRING}")
    first, last = span["first"][0].as_py(), span["last"][0].as_py()
    unseen = "SELECT number FROM {keys}_text WHERE type NOT IN ({known})".format(
        keys=stretch.keys, known=", ".join(f"'{name}'" for name in ("domain", *TEXT_COLUMNS))
    )
    others = session.sql(f"SELECT count(*) AS n FROM ({unseen})")["n"][0].as_py()
    if first is None and not others:
        return None
    for part in PARTS:
        kept = session.sql(
            f"SELECT k.* FROM {stretch.keys}_{part} k WHERE k.number IN (SELECT indicator FROM {OCCURRING}) "
            f"OR k.number IN ({unseen})"
        )
        session.register(f"{_PRUNED}_{part}", kept)
    kinds = session.sql(
        " UNION ALL ".join(f"SELECT type, count(*) AS n FROM {_PRUNED}_{part} GROUP BY type" for part in PARTS)
    )
    counts = dict(zip(kinds["type"].to_pylist(), kinds["n"].to_pylist(), strict=True))
    pruned = msgspec.structs.replace(stretch, keys=_PRUNED, counts=counts)
    if others:
        return pruned
    days = session.sql(f"SELECT DISTINCT day FROM {OCCURRING}")["day"].to_pylist()
    return msgspec.structs.replace(
        pruned,
        relation=session.observations(0, set(days) & session.days()),
        since=max(first, stretch.since or first),
        until=last,
        mapped=True,
    )


def rollup_sightings(session: LakeSession, keys: pa.Table, *, exact: bool = False) -> pa.Table:
    """Sightings of the keys in the whole history, from the roll-up alone.

    Columns indicator, side, first, last, count, sectors (in order of arrival). ``count`` counts rows of each end, so a
    row whose two ends are the same value counts twice. Expiry is not looked at: the roll-up knows days, not events.
    """
    counts = load_keys(session, keys, "match_asked")
    occurring = _occurring(session, _about(session, keys, full=False), "match_asked", counts, exact=exact)
    return session.sql(
        "SELECT indicator, side, min(first) AS first, max(last) AS last, CAST(sum(count) AS BIGINT) AS count, "
        "list(sector ORDER BY first, sector) AS sectors FROM ("
        "  SELECT indicator, side, sector, min(first) AS first, max(last) AS last, sum(count) AS count"
        f"  FROM ({occurring}) GROUP BY indicator, side, sector"
        ") GROUP BY indicator, side ORDER BY indicator, side"
    )


def _about(session: LakeSession, keys: pa.Table, *, full: bool) -> str:
    types: Sequence[str] = keys["type"].to_pylist()
    columns = ["type", "value", "high", "low", "side", "sector", "first", "last", "count", "day"]
    return session.rollup_about(
        list(zip(types, keys["value"].to_pylist(), strict=True)),
        [*columns, "basis", "sensor_bits"] if full else columns,
    )


def _occurring(
    session: LakeSession, rollup: str, keys: str, counts: dict[str, int], *, exact: bool, full: bool = False
) -> str:
    """SQL: the roll-up rows that meet a key; bases and sensors only if ``full``, as days need whose rows have left."""
    wanted = "k.indicator, k.type, r.side, r.sector, r.first, r.last, r.count, CAST(r.day AS BIGINT) AS day, " + (
        "r.basis, r.sensor_bits" if full else "'' AS basis, 0::BIGINT AS sensor_bits"
    )
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
    nothing = (
        "SELECT 0::BIGINT AS indicator, '' AS type, '' AS side, '' AS sector, 0::BIGINT AS first, 0::BIGINT AS last, "
        "0::BIGINT AS count, 0::BIGINT AS day, '' AS basis, 0::BIGINT AS sensor_bits WHERE false"
    )
    return f"SELECT {_COLUMNS} FROM ({' UNION ALL '.join(parts) or nothing})"
