#!/usr/bin/env python3
"""The reference job scripted by hand on DuckDB, as one would for a single report: the yardstick of ``reference.py``.

    python bench/by_hand.py LOAD

Parses and types the events (``bench/ingest.py``), joins them with the indicators, aggregates by indicator, side,
sector and hour, and writes Parquet. No digest, quarantine, de-duplication, roll-up, increments or snapshots; it knows
that the load holds IPv4 and clean lines only. Prints one JSON document with its counts, which must be ours too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.ingest import by_hand, costs, cpu

ADDRESS = "s[1]::BIGINT * 16777216 + s[2]::BIGINT * 65536 + s[3]::BIGINT * 256 + s[4]::BIGINT"
EVENTS = """
CREATE TABLE events AS
SELECT e.file_row_number AS event, e.time, s.side, s.sector, e.src, e.dst, e.domain, e.url, e.sha256
FROM read_parquet('{parquet}', file_row_number = true) AS e JOIN read_csv('{sensors}') AS s ON s.sensor = e.host
"""
INDICATORS = f"""
CREATE TABLE indicators AS
SELECT id, type, value, campaign, {ADDRESS} AS address, length
FROM (
    SELECT *, string_split(string_split(value, '/')[1], '.') AS s,
        TRY_CAST(string_split(value, '/')[2] AS INTEGER) AS length
    FROM read_csv('{{indicators}}') WHERE type IN ('ipv4', 'cidr')
)
UNION ALL BY NAME
SELECT id, type, value, campaign FROM read_csv('{{indicators}}') WHERE type NOT IN ('ipv4', 'cidr')
"""
ENDS = "CREATE TABLE ends AS SELECT event, src AS address FROM events UNION SELECT event, dst FROM events"
NAMES = """
CREATE TABLE names AS
SELECT domain, array_to_string(labels[place:], '.') AS name
FROM (
    SELECT domain, string_split(domain, '.') AS labels, unnest(range(1, len(labels))) AS place
    FROM (SELECT DISTINCT domain FROM events WHERE domain IS NOT NULL)
)
"""
EXACT = "SELECT event, id FROM ends JOIN indicators USING (address) WHERE type = 'ipv4'"
NETWORK = """
SELECT event, id FROM ends JOIN indicators AS i
ON i.type = 'cidr' AND i.length = {length} AND ends.address >> {shift} = i.address >> {shift}
"""
OTHERS = """
SELECT event, id FROM events JOIN names USING (domain) JOIN indicators ON type = 'domain' AND value = name
UNION ALL SELECT event, id FROM events JOIN indicators ON type = 'url' AND value = url
UNION ALL SELECT event, id FROM events JOIN indicators ON type = 'sha256' AND value = sha256
"""
AGGREGATES = """
CREATE TABLE aggregates AS
SELECT id, campaign, side, sector, time // 3600000000 AS hour, min(time) AS first, max(time) AS last, count(*) AS count
FROM hits JOIN events USING (event) JOIN indicators USING (id) GROUP BY ALL
"""


def main() -> int:
    """Do the job and print its counts and costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(job(given.load, Path(scratch))))
    return 0


def job(load: Path, scratch: Path) -> dict[str, Any]:
    """Everything, measured as one."""
    before = cpu()
    by_hand(load, scratch)
    connection = duckdb.connect(
        str(scratch / "job.duckdb"), config={"threads": 2, "memory_limit": "700MB", "temp_directory": str(scratch)}
    )
    connection.execute(EVENTS.format(parquet=scratch / "by-hand.parquet", sensors=load / "sensors.csv"))
    connection.execute(INDICATORS.format(indicators=load / "indicators.csv"))
    connection.execute(ENDS)
    connection.execute(NAMES)
    lengths = connection.execute("SELECT DISTINCT length FROM indicators WHERE type = 'cidr'").fetchall()
    networks = [NETWORK.format(length=length, shift=32 - length) for (length,) in lengths]
    connection.execute(
        f"CREATE TABLE hits AS SELECT DISTINCT * FROM ({' UNION ALL '.join([EXACT, *networks, OTHERS])})"
    )
    connection.execute(AGGREGATES)
    connection.execute(f"COPY aggregates TO '{scratch / 'aggregates.parquet'}' (FORMAT parquet, COMPRESSION zstd)")
    events, hits, matched, indicators, aggregates = connection.execute(
        "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM hits), (SELECT count(DISTINCT event) FROM hits), "
        "(SELECT count(DISTINCT id) FROM hits), (SELECT count(*) FROM aggregates)"
    ).fetchall()[0]
    return costs(events, cpu() - before) | {
        "hits": hits,
        "matched_events": matched,
        "indicators_hit": indicators,
        "aggregates": aggregates,
    }


if __name__ == "__main__":
    sys.exit(main())
