"""Roll-up rows about given values: a search in the places beside compacted files, then only the row groups found.

Steps: (1) the places that the values may have, as disjoint ranges; (2) two binary searches for each range in every
file's places, which are mapped, not read; (3) the row groups that hold what was found are unpacked, and of those the
rows found are kept in a temporary table. Files that are not compacted yet are handed on whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seawall.lake.files import PLACES, ROLLUP_GROUP_ROWS
from seawall.lake.manifest import Part
from seawall.lake.places import spans
from seawall.model import ROLLUP_SCHEMA, Unavailable

FOUND = "lake_rollup_found"
MAX_KEYS = 200_000  # more are compared with everything: most row groups would be unpacked anyway
GROUPS_AT_ONCE = 64  # row groups unpacked together: 262,144 rows, some 40 MB
READERS = 2  # files looked into at the same time
_SCHEMA = pa.schema([field.with_nullable(True) for field in ROLLUP_SCHEMA])


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


def rows_about(session: Session, folder: Path, parts: Sequence[Part], keys: Sequence[tuple[str, str]]) -> str:
    """Relation text of the rows about ``keys``. Raises Unavailable E-LAKE-003 for a file that cannot be read."""
    placed = [part for part in parts if part.placed]
    if not placed or len(keys) > MAX_KEYS:
        return session.rollup()
    asked = spans(keys)
    names = ", ".join(ROLLUP_SCHEMA.names)
    columns = ", ".join(f"{field.name} {_TYPES[field.type]}" for field in _SCHEMA)
    session.sql(f"CREATE OR REPLACE TEMP TABLE {FOUND} ({columns})")
    with ThreadPoolExecutor(READERS) as pool:
        for at in range(0, len(placed), READERS):  # no further ahead: what a wide range finds is held in memory
            for tables in pool.map(lambda part: _found_in(folder, part, asked), placed[at : at + READERS]):
                for table in tables:
                    session.register(f"{FOUND}_more", table)
                    session.sql(f"INSERT INTO {FOUND} SELECT {names} FROM {FOUND}_more")
    fresh = session.relation([part for part in parts if not part.placed], ROLLUP_SCHEMA)
    return f"(SELECT {names} FROM {FOUND} UNION ALL SELECT {names} FROM {fresh})"


_TYPES = {pa.int64(): "BIGINT", pa.int32(): "INTEGER", pa.string(): "VARCHAR"}


def _found_in(folder: Path, part: Part, asked: np.ndarray) -> list[pa.Table]:
    path = folder / part.path
    try:
        places = np.memmap(path.with_name(path.name + PLACES), dtype="<i8", mode="r")
        starts = np.searchsorted(places, asked[:, 0], side="left")
        ends = np.searchsorted(places, asked[:, 1], side="right")
        hit = ends > starts
        if not hit.any():
            return []
        return list(_rows(path, starts[hit], ends[hit]))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise Unavailable(
            "E-LAKE-003",
            "The lake file {path} cannot be read: {reason}; restore it from a backup.",
            path=path,
            reason=error,
        ) from error


def _rows(path: Path, starts: np.ndarray, ends: np.ndarray) -> Iterator[pa.Table]:
    """The rows [start, end) of each range, which are disjoint and ascending."""
    rows = np.repeat(starts - np.concatenate(([0], np.cumsum(ends - starts)[:-1])), ends - starts)
    rows += np.arange(len(rows))
    groups, first = np.unique(rows // ROLLUP_GROUP_ROWS, return_index=True)
    bounds = [*first.tolist(), len(rows)]
    with pq.ParquetFile(path) as file:
        for at in range(0, len(groups), GROUPS_AT_ONCE):
            some = groups[at : at + GROUPS_AT_ONCE]
            table = file.read_row_groups(some.tolist(), columns=ROLLUP_SCHEMA.names, use_threads=False)
            wanted = rows[bounds[at] : bounds[min(at + GROUPS_AT_ONCE, len(groups))]]
            # all row groups but the last of a file are full, and the last can only stand last
            group = np.searchsorted(some, wanted // ROLLUP_GROUP_ROWS)
            yield table.take(pa.array(group * ROLLUP_GROUP_ROWS + wanted % ROLLUP_GROUP_ROWS)).combine_chunks()
