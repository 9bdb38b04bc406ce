"""The roll-up, merged: collectors add rows of one key with every batch; here each key becomes one row again."""

from __future__ import annotations

import msgspec

from seawall.match.portable.stage import ComputingSession

MERGED = "portable_rollup"
_KEY = "type, value, high, low, role, basis, day, side, sector"


class RollupTotals(msgspec.Struct, frozen=True):
    """What the roll-up holds. ``overlap``: distinct values, not at our own end, that stand on two sides or more."""

    rows: int  # distinct keys
    values: int  # distinct (type, value)
    records: int  # what the rows count
    sensor_bits: int  # set bits over all rows, a check of the merged sets
    overlap: int


def rollup_totals(session: ComputingSession) -> RollupTotals:
    """Merge the roll-up (kept as ``portable_rollup``) and count it."""
    session.keep(
        MERGED,
        f"SELECT {_KEY}, min(first) AS first, max(last) AS last, CAST(sum(count) AS BIGINT) AS count, "
        "bit_or(sensor_bits) AS sensor_bits, bit_or(own_bits) AS own_bits "
        f"FROM {session.rollup(0)} AS r GROUP BY {_KEY}",
    )
    counted = session.sql(
        "SELECT count(*) AS n, CAST(sum(count) AS BIGINT) AS records, "
        "CAST(sum(bit_count(sensor_bits)) AS BIGINT) AS bits "
        f"FROM {MERGED} m"
    ).to_pylist()[0]
    values = session.sql(
        "SELECT count(*) AS n, count(*) FILTER (WHERE sides >= 2) AS overlap FROM ("
        "SELECT count(DISTINCT CASE WHEN role <> 'own' THEN side END) AS sides "
        f"FROM {MERGED} m GROUP BY type, value, high, low) v"
    ).to_pylist()[0]
    return RollupTotals(
        rows=counted["n"],
        values=values["n"],
        records=counted["records"] or 0,
        sensor_bits=counted["bits"] or 0,
        overlap=values["overlap"],
    )
