"""Rows for the tests of the lake's maintenance: traffic of several days, sides and batches."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa

from match.fake_lake import roll_up, row
from seawall.lake import Lake
from seawall.model import OBSERVATION_SCHEMA

DAY = 86_400_000_000
ONE_COMMIT = """
with lake.writing() as writer:
    writer.append_derived("a", "(SELECT 1 AS n)")
    writer.append_derived("b", "(SELECT 1 AS n)")
    writer.replace_derived("c", "(SELECT 1 AS n)")
    writer.set_note("n", str(int(writer.note("n") or 0) + 1))
print("committed")
"""
"""The end of a script in which ``lake`` is killed somewhere: two rows, a replaced data set and a note in one commit."""


def commits(lake: Lake) -> int:
    """How often it came to its end; every data set and the note have to agree about that."""
    with lake.reading() as session:
        notes = int(session.note("n") or 0)
        for name in ("a", "b"):
            relation = session.derived(name)
            assert len(session.sql(f"SELECT n FROM {relation}") if relation else []) == notes
    return notes


def traffic(number: int, count: int, *, days: int = 3, seed: int = 7) -> list[dict[str, Any]]:
    """Rows of one batch: few values, so that every batch meets the same keys again."""
    chance = random.Random(seed * 1_000 + number)
    rows = []
    for at in range(count):
        host = chance.randrange(40)
        rows.append(
            row(
                number * count + at + 1,
                time=chance.randrange(days * DAY),
                side=chance.choice(["TW", "KR"]),
                sector=chance.choice(["energy", "finance"]),
                sensor=f"s{chance.randrange(6)}",
                basis=chance.choice(["alert", "none", "none"]),
                own_end="source",
                src=f"10.0.0.{host + 1}",
                dst=chance.choice([f"198.51.100.{host}", f"2001:db8::{host:x}"]),
                domain=chance.choice([None, f"h{host}.a.b.example.net", f"h{host}.example.net", "example.net"]),
                url=chance.choice([None, f"http://example.net/{host}?q=1"]),
                sha256=chance.choice([None, f"{host:064x}"]),
            )
        )
    return rows


def add(lake: Lake, rows: list[dict[str, Any]]) -> None:
    """Commit the rows, as ingest does."""
    table = pa.Table.from_pylist(rows, schema=OBSERVATION_SCHEMA)
    with lake.writing() as writer:
        writer.append_observations(table.drop_columns(["event"]))
        writer.append_rollup(roll_up(table))


def held(lake: Lake) -> dict[str, Any]:
    """All that a reader can ask of the lake, in an order of its own: rows by event, roll-up by key."""
    with lake.reading() as session:
        rows = session.sql(f"SELECT * FROM {session.observations()} ORDER BY event").to_pylist()
        key = "type, value, high, low, role, basis, day, side, sector"
        rolled = session.sql(
            f"SELECT {key}, min(first) AS first, max(last) AS last, sum(count)::BIGINT AS n, "
            f"bit_or(sensor_bits) AS s, bit_or(own_bits) AS o FROM {session.rollup()} GROUP BY ALL ORDER BY {key}"
        ).to_pylist()
    return {"observations": rows, "rollup": rolled}
