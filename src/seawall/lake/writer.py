"""The one writer: collects new files, and gives the manifest that makes all of them visible together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.lake.engines.duckdb import DuckDBSession, query_failed, quoted, storage_failed
from seawall.lake.files import (
    DAY_MICROSECONDS,
    by_day_and_side,
    checked,
    day_folder,
    side_folder,
    time_range,
    write_table,
)
from seawall.lake.manifest import DERIVED, OBSERVATIONS, ROLLUP, Manifest, Part, sync_file
from seawall.lake.storage import Storage
from seawall.model import OBSERVATION_SCHEMA, ROLLUP_SCHEMA

GIVEN = pa.schema([field for field in OBSERVATION_SCHEMA if field.name != "event"])
BATCH_ROWS = 500_000  # rows held at once while a query is stored
NAME_LENGTH = 40


class DuckDBWriter(DuckDBSession):
    """A session that may write; see ``interface.LakeWriter``. It reads what it has itself written."""

    def __init__(self, storage: Storage, manifest: Manifest, engine: duckdb.DuckDBPyConnection) -> None:
        super().__init__(storage, manifest, engine)
        self._before = manifest
        self.committed = False
        self._touched: set[Path] = set()

    @property
    def pending(self) -> Manifest | None:
        """The manifest to commit; None when nothing was written."""
        if self._manifest == self._before:
            return None
        return msgspec.structs.replace(self._manifest, generation=self._next)

    def append_observations(self, relation: str | pa.Table) -> tuple[Part, ...]:
        """Add rows, number them and split them by day and side; the files made."""
        made: list[Part] = []
        for table in self._tables(relation, GIVEN):
            fit = checked(table, GIVEN)
            first = self._manifest.next_event
            numbered = fit.add_column(0, "event", pa.array(np.arange(first, first + len(fit), dtype=np.int64)))
            self._manifest = msgspec.structs.replace(self._manifest, next_event=first + len(fit))
            made += self._write_observations(numbered)
        self._add(made)
        return tuple(made)

    def rewrite_observations(self, part: Part, rows: pa.Table) -> tuple[Part, ...]:
        """Put rows in place of a file, split anew by day and side. The old file stays until no reader needs it."""
        made = self._write_observations(checked(rows, OBSERVATION_SCHEMA))
        self.put(made, instead_of=[part])
        return tuple(made)

    def _write_observations(self, numbered: pa.Table) -> list[Part]:
        made: list[Part] = []
        for day, side, rows in by_day_and_side(numbered):
            path = self._new_path(f"observations/day={day_folder(day)}/side={side_folder(side)}")
            write_table(rows, self._storage.files / path)
            low, high = time_range(rows, "time", "time")
            made.append(Part(path, OBSERVATIONS, self._next, len(rows), "", day, side, low, high))
        return made

    def append_rollup(self, relation: str | pa.Table) -> None:
        """Add roll-up rows."""
        for table in self._tables(relation, ROLLUP_SCHEMA):
            if not len(table):
                continue
            fit = checked(table, ROLLUP_SCHEMA)
            path = self._new_path("rollup")
            write_table(fit, self._storage.files / path)
            low, high = time_range(fit, "first", "last")
            self._add([Part(path, ROLLUP, self._next, len(fit), first=low, last=high)])

    def remove_rollup(self, days: Collection[int]) -> None:
        """Take out the roll-up rows of some days; files without any of them stay as they are."""
        gone = pa.array(sorted(days), pa.int32())
        for part in self._manifest.of(ROLLUP):
            if not any(part.first // DAY_MICROSECONDS <= day <= part.last // DAY_MICROSECONDS for day in days):
                continue
            kept = None
            if part.day not in days:
                held = self.read_part(part, ROLLUP_SCHEMA.names)
                kept = held.filter(pc.invert(pc.is_in(held.column("day"), gone)))
            self.put([], instead_of=[part])
            if kept is not None:
                self.append_rollup(kept)

    def rollup_parts(self) -> tuple[Part, ...]:
        """The roll-up's files, oldest first."""
        return self._manifest.of(ROLLUP)

    def derived_parts(self) -> tuple[Part, ...]:
        """The files of all derived data sets, oldest first."""
        return tuple(part for part in self._manifest.parts if part.kind == DERIVED)

    def put(self, made: Collection[Part], instead_of: Collection[Part]) -> None:
        """Have files stand where others stood: the rows are the same, or gone. The old files stay while readers do."""
        gone = set(instead_of)
        parts = self._manifest.parts
        at = next((place for place, part in enumerate(parts) if part in gone), len(parts))
        kept = [part for part in parts[at:] if part not in gone]
        self._manifest = msgspec.structs.replace(self._manifest, parts=(*parts[:at], *made, *kept))

    def new_file(self, stem: str, *beside: str) -> tuple[str, Path]:
        """A name below ``stem`` that was never used, relative to the lake and in full; removed if the writing fails.

        ``beside``: endings of further files of the same name.
        """
        path = self._new_path(stem)
        full = self._storage.files / path
        self._touched.update(full.with_name(full.name + ending) for ending in beside)
        return path, full

    def append_derived(self, name: str, relation: str | pa.Table) -> int:
        """Add rows to a derived data set."""
        part = self._write_derived(name, relation)
        self._add([part])
        return part.rows

    def replace_derived(self, name: str, relation: str | pa.Table) -> int:
        """Replace a derived data set. Its old files stay until no reader needs them."""
        part = self._write_derived(name, relation)
        self.remove_derived(name)
        self._add([part])
        return part.rows

    def remove_derived(self, name: str) -> None:
        """Forget a derived data set. Its files stay until no reader needs them."""
        self.put([], instead_of=self._manifest.of(DERIVED, name=name))

    def set_note(self, key: str, value: str) -> None:
        """Keep a small value with the snapshot."""
        self._manifest = msgspec.structs.replace(self._manifest, notes={**self._manifest.notes, key: value})

    def remove_note(self, key: str) -> None:
        """Forget a small value."""
        kept = {name: value for name, value in self._manifest.notes.items() if name != key}
        self._manifest = msgspec.structs.replace(self._manifest, notes=kept)

    @property
    def made(self) -> Collection[Path]:
        """Every file begun here, whatever became of it."""
        return self._touched

    @property
    def _next(self) -> int:
        return self._before.generation + 1

    def _add(self, parts: list[Part]) -> None:
        self._manifest = msgspec.structs.replace(self._manifest, parts=(*self._manifest.parts, *parts))

    def _new_path(self, stem: str) -> str:
        number = self._manifest.next_part
        self._manifest = msgspec.structs.replace(self._manifest, next_part=number + 1)
        path = self._storage.name(stem, self._next, number)
        self._touched.add(self._storage.files / path)
        return path

    def portions(self, relation: str, schema: pa.Schema, rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
        """A relation's rows in order, at most ``rows`` at once, so that a large query needs constant memory."""
        names = ", ".join(f'"{name}"' for name in schema.names)
        try:
            reader = self._cursor.sql(f"SELECT {names} FROM {relation}").to_arrow_reader(rows)
            held: list[pa.RecordBatch] = []
            for batch in reader:  # the engine gives smaller ones when it sorts
                if held and sum(map(len, held)) + len(batch) > rows:
                    yield pa.Table.from_batches(held)
                    held = []
                held.append(batch)
            if held:
                yield pa.Table.from_batches(held)
        except duckdb.Error as error:
            if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)) or storage_failed(error):
                raise query_failed(error) from error
            raise

    def copy(self, relation: str, target: Path) -> int:
        """Write a relation's rows as Parquet and make the file durable; how many there are."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            copied = self._cursor.execute(
                f"COPY (SELECT * FROM {relation}) TO {quoted(str(target))} "
                "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
            ).fetchone()
        except duckdb.Error as error:
            if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)) or storage_failed(error):
                raise query_failed(error) from error
            raise
        sync_file(target)
        return copied[0] if copied else 0

    def _tables(self, relation: str | pa.Table, schema: pa.Schema) -> Iterator[pa.Table]:
        if isinstance(relation, pa.Table):
            yield relation
        else:
            yield from self.portions(relation, schema)

    def _write_derived(self, name: str, relation: str | pa.Table) -> Part:
        path, target = self.new_file(f"derived/{side_folder(name)}")
        if isinstance(relation, pa.Table):
            write_table(relation, target)
            return Part(path, DERIVED, self._next, len(relation), name)
        return Part(path, DERIVED, self._next, self.copy(relation, target), name)
