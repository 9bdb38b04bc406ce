"""On which days given values were met, and by whom: the history that scores and predictions rest on."""

from __future__ import annotations

import pyarrow as pa

from seawall.match.interface import LakeSession
from seawall.match.reach import distinct
from seawall.match.values import KEY, register_values, without_query

_ASKED = "match_days_asked"
_COLUMNS = [
    *("type", "value", "high", "low", "role", "basis"),
    *("day", "side", "sector", "first", "last", "count", "sensor_bits"),
]
DAYS_SCHEMA = pa.schema(
    [
        pa.field("type", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),  # canonical
        pa.field("side", pa.string(), nullable=False),
        pa.field("sector", pa.string(), nullable=False),
        pa.field("day", pa.int32(), nullable=False),  # days since 1970-01-01, UTC
        pa.field("first", pa.int64(), nullable=False),  # microseconds UTC
        pa.field("last", pa.int64(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),  # records
        pa.field("hostile", pa.int64(), nullable=False),  # of these with an alarm
        pa.field("sensors", pa.int64(), nullable=False),  # distinct ones that raised an alarm, estimated
        pa.field("surely", pa.bool_(), nullable=False),  # a honeypot, a block or an analyst among them
    ]
)


def day_table(session: LakeSession, values: pa.Table) -> pa.Table:
    """Our records of ``values`` (columns type, value) as DAYS_SCHEMA: one row a value, side, sector and day, sorted.

    Only meetings at the remote end count; types that cannot be candidates give no row. Sensors' clocks are not
    corrected here: a day is coarser than what is taken for a wrong clock.
    """
    asked = sorted(set(zip(values["type"].to_pylist(), values["value"].to_pylist(), strict=True)))
    register_values(session, _ASKED, asked)
    rows = session.rollup_about(asked, _COLUMNS)
    spelt = (
        f"SELECT *, CASE WHEN type = 'url' THEN {without_query('value')} ELSE coalesce(value, '') END AS v, "
        f"coalesce(high, 0) AS h, coalesce(low, 0) AS l FROM {rows} AS r"
    )
    alarmed = "FILTER (r.basis <> 'none')"
    found = session.sql(
        "SELECT type, value, side, sector, day, first, last, count, hostile, "
        f"CAST(round({distinct('bits')}) AS BIGINT) AS sensors, surely FROM ("
        "SELECT a.type, a.value, r.side, r.sector, r.day, min(r.first) AS first, max(r.last) AS last, "
        "CAST(sum(r.count) AS BIGINT) AS count, "
        f"CAST(coalesce(sum(r.count) {alarmed}, 0) AS BIGINT) AS hostile, "
        f"coalesce(bit_or(r.sensor_bits) {alarmed}, 0) AS bits, "
        "coalesce(bool_or(r.basis IN ('honeypot', 'blocked', 'analyst')), false) AS surely "
        f"FROM ({spelt}) r JOIN {_ASKED} a USING ({KEY}) WHERE r.role <> 'own' "
        "GROUP BY a.type, a.value, r.side, r.sector, r.day) ORDER BY type, value, day, side, sector"
    )
    return found.cast(DAYS_SCHEMA)
