"""Arrow tables to Parquet files: columns checked, rows split by UTC day and side, everything fsynced.

The writer is pyarrow: on the reference load it took a third of the CPU time of the engine's own COPY (decision 0002).
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seawall.lake.manifest import disk_refused, sync_file
from seawall.model import Fault

DAY_MICROSECONDS = 86_400_000_000
COMPRESSION = "zstd"
COMPRESSION_LEVEL = 1  # level 3 costs a quarter more time for 1 % less size
ROW_GROUP_ROWS = 131_072
ROLLUP_GROUP_ROWS = 4_096  # of placed roll-ups: what a look-up of one value must unpack; smaller ones cost in footers
FOLDER_NAME_LENGTH = 40
PLACES = ".places"  # beside a placed roll-up: its rows' places, 8 bytes each, little-endian, ascending

# Columns whose values repeat within a file; a dictionary on the others costs time and saves nothing.
REPEATING = frozenset(
    {
        "side",
        "sensor",
        "sector",
        "kind",
        "basis",
        "own_end",
        "client_end",
        "rsit",
        "src_high",
        "dst_high",
        "dst_low",
        "dst_port",
        "protocol",
        "domain",
        "email",
        "ja3",
        "ja4",
        "hassh",
        "hassh_of",
        "username",
        "signature_id",
        "signature",
        "severity",
        "category",
        "cve",
        "technique",
        "country",
        "asn",
        "occurrence",
        "source_file",
        "type",
        "role",
        "day",
        "sensor_bits",
        "own_bits",
        "count",
        "generation",
    }
)

# Columns that readers leave row groups out by. Least and greatest values of the others cost a quarter of the writing.
PRUNED_BY = frozenset(
    {"event", "time", "src_high", "src_low", "dst_high", "dst_low"}
    | {"type", "day", "high", "low", "value", "first", "last", "indicator"}
)
NEARLY_ASCENDING = frozenset({"event", "time", "source_line", "first", "last"})  # neighbours differ little


def checked(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """``table`` with the columns of ``schema`` in its order. Raises Fault E-LAKE-006 naming the first that fails."""
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            raise _unfit(field.name, "it is missing")
        column = table.column(field.name)
        plain = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if plain != field.type:
            try:
                column = column.cast(field.type)
            except pa.ArrowInvalid as error:
                raise _unfit(field.name, str(error)) from None
        if not field.nullable and column.null_count:
            raise _unfit(field.name, "it holds NULL")
        columns.append(column)
    return pa.table(columns, names=schema.names)


def _unfit(column: str, reason: str) -> Fault:
    return Fault("E-LAKE-006", "The column {column} cannot be stored: {reason}.", column=column, reason=reason)


def by_day_and_side(table: pa.Table) -> Iterator[tuple[int, str, pa.Table]]:
    """``(day, side, rows)``: ``table`` split by UTC day and side, each part in the original order."""
    if not len(table):
        return
    days = table.column("time").to_numpy() // DAY_MICROSECONDS
    sides = table.column("side").combine_chunks()
    if not pa.types.is_dictionary(sides.type):
        sides = sides.dictionary_encode()
    names = sides.dictionary.to_pylist()
    codes = (days - days.min()) * len(names) + sides.indices.to_numpy()
    present, starts = np.unique(np.sort(codes), return_index=True)
    if len(present) == 1:
        yield int(days[0]), names[int(sides.indices[0].as_py())], table
        return
    ordered = table.take(pa.array(np.argsort(codes, kind="stable")))
    bounds = [*starts.tolist(), len(table)]
    for code, start, end in zip(present.tolist(), bounds, bounds[1:], strict=False):
        yield int(days.min()) + code // len(names), names[code % len(names)], ordered.slice(start, end - start)


def side_folder(side: str) -> str:
    """A folder name for a side, whatever characters a person put into its name."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", side)[:FOLDER_NAME_LENGTH]
    if plain == side and plain:
        return plain
    return f"{plain}-{hashlib.sha256(side.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def day_folder(day: int) -> str:
    """``2026-03-14`` for days since 1970-01-01."""
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


def write_placed(table: pa.Table, places: np.ndarray, path: Path) -> None:
    """Write a roll-up in the order of ``places``, and these beside it. Raises Unavailable E-LAKE-004."""
    beside = path.with_name(path.name + PLACES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            table,
            path,
            compression=COMPRESSION,
            compression_level=COMPRESSION_LEVEL,
            row_group_size=ROLLUP_GROUP_ROWS,
            use_dictionary=[name for name in table.column_names if name in REPEATING],
            write_statistics=["type", "day"],  # on every column they would outweigh what they save
            store_schema=False,
        )
        places.astype("<i8", copy=False).tofile(beside)
        sync_file(path)
        sync_file(beside)
    except OSError as error:
        path.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
        raise disk_refused(path.parent, error) from error


def write_table(table: pa.Table, path: Path) -> None:
    """Write ``table`` to ``path`` and make its bytes durable. Raises Unavailable E-LAKE-004 when the disk refuses."""
    repeating = [name for name in table.column_names if name in REPEATING]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            table,
            path,
            compression=COMPRESSION,
            compression_level=COMPRESSION_LEVEL,
            row_group_size=ROW_GROUP_ROWS,
            use_dictionary=repeating or False,
            column_encoding=dict.fromkeys(_nearly_ascending(table), "DELTA_BINARY_PACKED"),
            write_statistics=[name for name in table.column_names if name in PRUNED_BY],
            store_schema=False,
        )
        sync_file(path)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise disk_refused(path.parent, error) from error


def _nearly_ascending(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if field.name in NEARLY_ASCENDING and pa.types.is_integer(field.type)]


def time_range(table: pa.Table, first: str, last: str) -> tuple[int, int]:
    """Least value of column ``first`` and greatest of ``last``; zeros for no rows."""
    if not len(table):
        return 0, 0
    return pc.min(table.column(first)).as_py(), pc.max(table.column(last)).as_py()
