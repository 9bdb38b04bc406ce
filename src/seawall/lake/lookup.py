"""Roll-up rows about given values: a search in the places beside compacted files, then only the row groups found.

Steps: (1) the places that the values may have, as disjoint ranges; (2) two binary searches for each range in every
file's places, which are mapped, not read; (3) the row groups that hold what was found are unpacked, and of those the
rows found are kept in a temporary table. Files that are not compacted yet are handed on whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seawall.lake.files import ROLLUP_GROUP_ROWS
from seawall.lake.manifest import Part
from seawall.lake.places import TAG_SHIFT, TYPES, spans
from seawall.lake.snapshot import unreadable
from seawall.lake.storage import Storage
from seawall.model import ROLLUP_SCHEMA
from seawall.model.observation import IPV4_MAPPED_LOW

FOUND = "lake_rollup_found"
MAX_KEYS = 200_000  # more are compared with everything: most row groups would be unpacked anyway
GROUPS_AT_ONCE = 64  # row groups unpacked together: 262,144 rows, some 40 MB
KEPT_ROWS = 500_000  # rows found that are held before they are kept in the engine, which may spill them
READERS = 2  # files looked into at the same time
_LABELS = frozenset({"type", "role", "basis", "side", "sector"})


class Session(Protocol):
    """The part of a session that this needs."""

    def register(self, name: str, table: pa.Table) -> None:
        """Make a table readable."""

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Run one statement."""

    def rollup(self, after: int = 0) -> str:
        """Relation text of the whole roll-up."""

    def relation(self, parts: Sequence[Part], schema: pa.Schema) -> str:
        """Relation text of some files."""


def rows_about(
    session: Session, storage: Storage, parts: Sequence[Part], keys: Sequence[tuple[str, str]], columns: Sequence[str]
) -> str:
    """Relation text of the rows about ``keys``. Raises Unavailable E-LAKE-003 for a file that cannot be read."""
    placed = [part for part in parts if part.placed]
    if not placed or len(keys) > MAX_KEYS:
        return session.rollup()
    asked = spans(keys)
    schema = pa.schema([ROLLUP_SCHEMA.field(name) for name in columns])
    names = ", ".join(columns)
    typed = ", ".join(f"{field.name} {_TYPES[field.type]}" for field in schema)
    session.sql(f"CREATE OR REPLACE TEMP TABLE {FOUND} ({typed})")
    held: list[pa.Table] = []
    with ThreadPoolExecutor(READERS) as pool:
        for at in range(0, len(placed), READERS):  # no further ahead: what a wide range finds is held in memory
            for tables in pool.map(lambda part: _found_in(storage, part, asked, schema), placed[at : at + READERS]):
                held += tables
            if held and (sum(map(len, held)) >= KEPT_ROWS or at + READERS >= len(placed)):
                session.register(f"{FOUND}_more", pa.concat_tables(held).unify_dictionaries())
                session.sql(f"INSERT INTO {FOUND} SELECT {names} FROM {FOUND}_more")
                held = []
    fresh = session.relation([part for part in parts if not part.placed], schema)
    return f"(SELECT {names} FROM {FOUND} UNION ALL SELECT {names} FROM {fresh})"


_TYPES = {pa.int64(): "BIGINT", pa.int32(): "INTEGER", pa.string(): "VARCHAR"}


def _found_in(storage: Storage, part: Part, asked: np.ndarray, schema: pa.Schema) -> list[pa.Table]:
    try:
        places = storage.places(part)
        starts = np.searchsorted(places, asked[:, 0], side="left")
        ends = np.searchsorted(places, asked[:, 1], side="right")
        found: list[pa.Table] = []
        labels = [name for name in schema.names if name in _LABELS]
        with storage.opened(part) as source, pq.ParquetFile(source, read_dictionary=labels, pre_buffer=False) as file:
            for tag in np.unique(asked[ends > starts, 0] >> TAG_SHIFT).tolist():
                hit = (ends > starts) & (asked[:, 0] >> TAG_SHIFT == tag)  # a span never reaches into another type
                found += _rows(file, starts[hit], ends[hit], _Implied(tag, part, places), schema)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise unreadable(storage, part, error) from error
    return found


class _Implied:
    """Columns that a place and its file tell already; unpacking a column of a row group costs 50 us."""

    def __init__(self, tag: int, part: Part, places: np.ndarray) -> None:
        self._kind = TYPES[tag] if tag < len(TYPES) else None
        self._day = part.day
        self._places = places

    def column(self, field: pa.Field, rows: np.ndarray) -> pa.Array | None:
        """The column for these rows of the file; None when it must be read."""
        if field.name == "day" and self._day is not None:
            return pa.array(np.full(len(rows), self._day, np.int32))
        if self._kind is None:
            return None
        if field.name == "type":
            return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(rows), np.int32)), [self._kind])
        if field.name == "value" and self._kind in ("ipv4", "ipv6"):
            return pa.nulls(len(rows), field.type)
        if field.name in ("high", "low") and self._kind != "ipv6":
            if self._kind != "ipv4":
                return pa.nulls(len(rows), field.type)
            return pa.array(np.zeros(len(rows), np.int64) if field.name == "high" else self._lows(rows))
        return None

    def _lows(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self._places[rows] & 0xFFFF_FFFF | IPV4_MAPPED_LOW)


def _rows(
    file: pq.ParquetFile, starts: np.ndarray, ends: np.ndarray, implied: _Implied, schema: pa.Schema
) -> Iterator[pa.Table]:
    """The rows [start, end) of each range, which are disjoint, ascending and of one type."""
    rows = np.repeat(starts - np.concatenate(([0], np.cumsum(ends - starts)[:-1])), ends - starts)
    rows += np.arange(len(rows))
    groups, first = np.unique(rows // ROLLUP_GROUP_ROWS, return_index=True)
    bounds = [*first.tolist(), len(rows)]
    for at in range(0, len(groups), GROUPS_AT_ONCE):
        some = groups[at : at + GROUPS_AT_ONCE]
        wanted = rows[bounds[at] : bounds[min(at + GROUPS_AT_ONCE, len(groups))]]
        columns = {field.name: implied.column(field, wanted) for field in schema}
        read = [name for name, column in columns.items() if column is None]
        table = file.read_row_groups(some.tolist(), columns=read, use_threads=False)
        # all row groups but the last of a file are full, and the last can only stand last
        group = np.searchsorted(some, wanted // ROLLUP_GROUP_ROWS)
        taken = table.take(pa.array(group * ROLLUP_GROUP_ROWS + wanted % ROLLUP_GROUP_ROWS))
        yield pa.table({name: taken[name] if column is None else column for name, column in columns.items()})
