"""Days whose rows have left the lake: their matches stay, and new indicators meet what the roll-up still says of them.

Two things are kept. Hits of such days are taken over by a rebuild, which cannot compute them again. What new
indicators meet there is kept in the derived data set PAST, by indicator, side, sector, day and basis; it counts as
sightings, never as hits, because there is no event left to point to. A row whose two ends are the same value counts
twice, and a day counts for an indicator when the first record of it there came before the indicator's expiry.
"""

from __future__ import annotations

from seawall.match.history import OCCURRING, PARTS
from seawall.match.interface import LakeSession, LakeWriter

PAST = "past"
DAY = 86_400_000_000  # microseconds
_DAY_BEGINS = f"(h.time - ((h.time % {DAY}) + {DAY}) % {DAY})"
_COLUMNS = "indicator, type, side, sector, basis, first, last, count, sensor_bits, run"


def has_past(session: LakeSession) -> bool:
    """True when there are days of which only the roll-up is left."""
    return bool(session.rolled_days() - session.days())


def keep_past(writer: LakeWriter, keys: str, after: int, run: int) -> bool:
    """Keep what ``match_occurring`` says of such days about indicators numbered above ``after``; False for nothing.

    ``keys``: the registered keys' prefix.
    """
    days = sorted(writer.rolled_days() - writer.days())
    expiries = " UNION ALL ".join(f"SELECT number, until FROM {keys}_{part}" for part in PARTS)
    found = (
        f"(SELECT indicator, type, side, sector, basis, min(first) AS first, max(last) AS last, "
        f"CAST(sum(count) AS BIGINT) AS count, bit_or(sensor_bits) AS sensor_bits, {run:d} AS run FROM {OCCURRING} "
        f"SEMI JOIN ({expiries}) k ON k.number = indicator AND first < k.until "
        f"WHERE list_contains({days!r}::BIGINT[], day) AND indicator > {after:d} "
        "GROUP BY indicator, type, side, sector, basis, day)"
    )
    if not days or writer.sql(f"SELECT count(*) AS n FROM {found}")["n"][0].as_py() == 0:
        return False
    writer.append_derived(PAST, found)
    return True


def past(session: LakeSession) -> str | None:
    """Relation text of what was kept; None when nothing was."""
    held = session.derived(PAST)
    return None if held is None else f"(SELECT {_COLUMNS} FROM {held} AS p)"


def lasting(session: LakeSession, hits: str, columns: str) -> str:
    """SQL for any engine: ``columns`` of the held hits whose rows have left the lake."""
    kept = ", ".join(str(day * DAY) for day in sorted(session.days()))
    return f"SELECT {columns} FROM {hits} AS h" + (f" WHERE {_DAY_BEGINS} NOT IN ({kept})" if kept else "")


def with_past(session: LakeSession, by_sector: str, basis_bit: str, touched: str) -> str:
    """SQL: sightings ``by_sector`` (of hits) joined by those of days that have left.

    Columns indicator, side, sector, first, last, count, hostile, bases, sensors. The roll-up knows sensors by bits
    only: they are counted where no hit names any. ``touched``: a WHERE clause over ``indicator``.
    """
    held = past(session)
    if held is None:
        return by_sector
    bits = "list_filter(list_transform(range(62), lambda i: CASE WHEN (b >> i) & 1 = 1 THEN 'bit ' || i END), "
    bits += "lambda name: name IS NOT NULL)"
    earlier = (
        f"SELECT indicator, side, sector, first, last, count, CASE WHEN basis <> 'none' THEN count ELSE 0 END AS "
        f"hostile, {basis_bit} AS bases, CAST(NULL AS VARCHAR[]) AS sensors, sensor_bits FROM {held} AS p {touched}"
    )
    return (
        "SELECT indicator, side, sector, first, last, count, hostile, bases, "
        f"coalesce(nullif(names, []), {bits.replace('b >>', 'all_bits >>')}) AS sensors FROM ("
        "SELECT indicator, side, sector, min(first) AS first, max(last) AS last, CAST(sum(count) AS BIGINT) AS count, "
        "CAST(sum(hostile) AS BIGINT) AS hostile, bit_or(bases) AS bases, "
        "flatten(list(sensors) FILTER (sensors IS NOT NULL)) AS names, bit_or(sensor_bits) AS all_bits FROM ("
        f"SELECT *, 0::BIGINT AS sensor_bits FROM ({by_sector}) UNION ALL {earlier}) GROUP BY indicator, side, sector)"
    )
