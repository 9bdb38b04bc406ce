"""On which days values were met."""

from __future__ import annotations

import pyarrow as pa

from match.fake_lake import FakeLake
from match.scenes import HOUR, Traffic
from seawall.match import DAYS_SCHEMA, day_table

SERVER, NAME = "198.51.100.7", "evil.example"


def test_one_row_a_value_sector_and_day() -> None:
    """Records of one day and sector are one row, with its alarms and the sensors that raised them; others are left
    out."""
    traffic = Traffic()
    traffic.meet(1, dst=SERVER, alarm=True, at=HOUR)
    traffic.meet(2, dst=SERVER, at=2 * HOUR)
    traffic.meet(1, dst=SERVER, alarm=True, sensor=10, at=3 * HOUR)
    traffic.meet(1, dst="198.51.100.8", domain=NAME, at=30 * HOUR)
    lake = FakeLake()
    lake.add(traffic.rows)
    asked = pa.table({"type": ["ipv4", "domain", "cve"], "value": [SERVER, NAME, "CVE-2026-1"]})
    with lake.reading() as session:
        found = day_table(session, asked)
    assert found.schema == DAYS_SCHEMA
    rows = {(row["value"], row["day"]): row for row in found.to_pylist()}
    assert rows.keys() == {(SERVER, 0), (NAME, 1)}
    first = rows[SERVER, 0]
    assert (first["first"], first["last"], first["count"], first["hostile"]) == (HOUR, 3 * HOUR, 3, 2)
    assert (first["sensors"], first["surely"]) == (2, False)
    assert rows[NAME, 1]["hostile"] == 0


def test_nothing_asked_nothing_found() -> None:
    """No values and an empty lake give an empty table."""
    none = pa.table({"type": pa.array([], pa.string()), "value": pa.array([], pa.string())})
    with FakeLake().reading() as session:
        assert day_table(session, none).num_rows == 0
