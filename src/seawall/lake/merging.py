"""Several files of the lake made into fewer that hold the same: one step of compaction, inside a writer's commit.

Event numbers and the generations of rows stay, so what refers to an event, and who reads only what is new, notice
nothing. Roll-up rows of one key become one: least first, greatest last, the sum of counts, all bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa

from seawall.lake.files import (
    DAY_MICROSECONDS,
    PLACES,
    day_folder,
    side_folder,
    time_range,
    write_placed,
    write_table,
)
from seawall.lake.manifest import Part
from seawall.lake.places import place_sql
from seawall.lake.writer import DuckDBWriter
from seawall.model import OBSERVATION_SCHEMA, ROLLUP_SCHEMA

GENERATION = "generation"
ROLLUP_PART_ROWS = 1_000_000  # of one placed file; what must be in memory to write it, some 150 MB
_KEY = ", ".join(ROLLUP_SCHEMA.names[: ROLLUP_SCHEMA.get_field_index("first")])
_PLACED = pa.schema([*ROLLUP_SCHEMA, pa.field("place", pa.int64())])


def merge_observations(writer: DuckDBWriter, parts: Sequence[Part]) -> None:
    """Put one file in place of several of one day and side; rows in the order of the files."""
    path, full = writer.new_file(f"observations/day={day_folder(_day(parts))}/side={side_folder(parts[0].side)}")
    table = pa.concat_tables([_with_generations(writer, part) for part in parts])
    merged = _merged(path, parts, rows=len(table))
    if not merged.since:
        table = table.select(OBSERVATION_SCHEMA.names)
    write_table(table, full)
    writer.put([merged], instead_of=parts)


def split_rollup(writer: DuckDBWriter, parts: Sequence[Part]) -> None:
    """Put files of one day each in place of files that hold several days."""
    table = pa.concat_tables([writer.read_part(part, ROLLUP_SCHEMA.names) for part in parts])
    days = table.column("day").to_numpy()
    table = table.take(pa.array(np.argsort(days, kind="stable")))
    present, counts = np.unique(days, return_counts=True)
    start = 0
    made = []
    for day, count in zip(present.tolist(), counts.tolist(), strict=True):
        rows = table.slice(start, count)
        start += count
        path, full = writer.new_file("rollup")
        write_table(rows, full)
        first, last = time_range(rows, "first", "last")
        made.append(msgspec.structs.replace(_merged(path, parts, rows=count), day=day, first=first, last=last))
    writer.put(made, instead_of=parts)


def merge_rollup(writer: DuckDBWriter, day: int, parts: Sequence[Part]) -> None:
    """Put files with one row a key, in the order of their places, in place of all the files of one day."""
    source = writer.relation(parts, ROLLUP_SCHEMA)
    grouped = (
        f"SELECT {_KEY}, min(first) AS first, max(last) AS last, CAST(sum(count) AS BIGINT) AS count, "
        f"bit_or(sensor_bits) AS sensor_bits, bit_or(own_bits) AS own_bits FROM {source} GROUP BY {_KEY}"
    )
    made = []
    for table in writer.portions(
        f"(SELECT *, {place_sql()} AS place FROM ({grouped}) ORDER BY place, {_KEY})", _PLACED, ROLLUP_PART_ROWS
    ):
        path, full = writer.new_file("rollup", PLACES)
        write_placed(table.select(ROLLUP_SCHEMA.names), table.column("place").to_numpy(), full)
        first, last = time_range(table, "first", "last")
        merged = _merged(path, parts, rows=len(table))
        made.append(msgspec.structs.replace(merged, day=day, first=first, last=last, placed=True))
    writer.put(made, instead_of=parts)


def merge_derived(writer: DuckDBWriter, parts: Sequence[Part]) -> None:
    """Put one file of a derived data set in place of several; columns that some lack become NULL there."""
    path, full = writer.new_file(f"derived/{side_folder(parts[0].name)}")
    writer.copy(f"(SELECT * FROM {writer.files(parts, unlike=True)})", full)
    writer.put([_merged(path, parts, rows=sum(part.rows for part in parts))], instead_of=parts)


def day_of(part: Part) -> int | None:
    """The one day that all rows of a file are of; None when there are several."""
    if part.day is not None:
        return part.day
    first, last = part.first // DAY_MICROSECONDS, part.last // DAY_MICROSECONDS
    return first if first == last else None


def _with_generations(writer: DuckDBWriter, part: Part) -> pa.Table:
    if part.since:
        return writer.read_part(part, [*OBSERVATION_SCHEMA.names, GENERATION])
    table = writer.read_part(part, OBSERVATION_SCHEMA.names)
    return table.append_column(GENERATION, pa.array(np.full(len(table), part.generation)))


def _merged(path: str, parts: Sequence[Part], *, rows: int) -> Part:
    """A part that stands for several of one kind, name, side and day."""
    since, last = min(part.earliest for part in parts), max(part.generation for part in parts)
    return Part(
        path,
        parts[0].kind,
        last,
        rows,
        parts[0].name,
        parts[0].day,
        parts[0].side,
        min(part.first for part in parts),
        max(part.last for part in parts),
        since if since != last else 0,
    )


def _day(parts: Sequence[Part]) -> int:
    days = {part.day for part in parts}
    (day,) = days
    if day is None:
        raise ValueError(f"{parts[0].path} is no file of observations")
    return day
