"""DuckDB, in this process: SQL over the Parquet files of one snapshot.

Extensions are never looked for or loaded from elsewhere, Python variables are never read as tables, and memory is
bounded: what does not fit goes to a temporary folder inside the lake.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from seawall.lake.interface import EngineRefusal
from seawall.lake.lookup import rows_about
from seawall.lake.manifest import DERIVED, OBSERVATIONS, ROLLUP, Manifest, Part
from seawall.lake.snapshot import Snapshot
from seawall.lake.storage import Storage
from seawall.model import OBSERVATION_SCHEMA, ROLLUP_SCHEMA, Unavailable
from seawall.settings import LakeSettings

SQL_TYPES = {pa.int64(): "BIGINT", pa.int32(): "INTEGER", pa.string(): "VARCHAR"}


def connect(settings: LakeSettings, temporary: Path) -> duckdb.DuckDBPyConnection:
    """One engine for this process; sessions take cursors of it, so they share its memory limit and threads."""
    return duckdb.connect(
        ":memory:",
        config={
            "threads": settings.threads,
            "async_threads": 0,  # idle ones give all free memory of the process back, twice a second
            "memory_limit": f"{settings.memory_limit_mb}MB",
            "temp_directory": str(temporary),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "enable_external_file_cache": False,  # ingest reads changing content under one descriptor path
        },
    )


class DuckDBSession(Snapshot):
    """A snapshot read with DuckDB; see ``interface.LakeSession`` for what each method promises."""

    def __init__(self, storage: Storage, manifest: Manifest, engine: duckdb.DuckDBPyConnection) -> None:
        super().__init__(storage, manifest)
        self._cursor = engine.cursor()

    def register(self, name: str, table: pa.Table) -> None:
        """An Arrow table under ``name``."""
        self._cursor.register(name, table)

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Run one statement. Raises Unavailable E-LAKE-005 when memory, disk or a file fails."""
        try:
            relation: duckdb.DuckDBPyRelation | None = self._cursor.sql(query, params=list(parameters) or None)
            return pa.table({}) if relation is None else relation.to_arrow_table()
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise query_failed(error) from error
        except duckdb.Error as error:
            if storage_failed(error):
                raise query_failed(error) from error
            raise EngineRefusal(str(error)) from error

    def observations(self, after: int = 0, days: Collection[int] | None = None) -> str:
        """Relation text of the observations committed after a generation, of some UTC days only if asked."""
        parts = self._manifest.of(OBSERVATIONS, after=after)
        if days is not None:
            parts = tuple(part for part in parts if part.day in days)
        mixed = [part for part in parts if part.earliest <= after]
        if not mixed:
            return self.relation(parts, OBSERVATION_SCHEMA)
        whole = self.relation([part for part in parts if part.earliest > after], OBSERVATION_SCHEMA)
        names = ", ".join(f'"{name}"' for name in OBSERVATION_SCHEMA.names)
        late = f"SELECT {names} FROM {self.files(mixed)} WHERE generation > {after:d}"
        return f"(SELECT * FROM {whole} UNION ALL {late})"

    def rollup(self, after: int = 0) -> str:
        """Relation text of the roll-up rows committed after a generation. Raises Fault E-LAKE-007."""
        return self.relation(self._rollup_after(after), ROLLUP_SCHEMA)

    def rollup_about(self, keys: Sequence[tuple[str, str]], columns: Sequence[str]) -> str:
        """Relation text of the roll-up rows that may meet some indicator keys (type, canonical value), and others."""
        return rows_about(self, self._storage, self._manifest.of(ROLLUP), keys, columns)

    def derived(self, name: str) -> str | None:
        """Relation text of a derived data set; None when it was never written."""
        parts = self._manifest.of(DERIVED, name=name)
        return f"(SELECT * FROM {self.files(parts, unlike=True)})" if parts else None

    def close(self) -> None:
        """Let go of registered tables and temporary data."""
        self._cursor.close()

    def relation(self, parts: Sequence[Part], schema: pa.Schema) -> str:
        """Relation text of some files' columns."""
        if not parts:
            empty = ", ".join(f"NULL::{SQL_TYPES[field.type]} AS {field.name}" for field in schema)
            return f"(SELECT {empty} WHERE false)"
        names = ", ".join(f'"{name}"' for name in schema.names)
        return f"(SELECT {names} FROM {self.files(parts)})"

    def files(self, parts: Sequence[Part], *, unlike: bool = False) -> str:
        """Relation text of whole files; ``unlike``: a column that some lack is NULL there."""
        paths = ", ".join(map(quoted, self._storage.texts(parts)))
        return f"read_parquet([{paths}], hive_partitioning=false, union_by_name={str(unlike).lower()})"


def quoted(text: str) -> str:
    """``text`` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def storage_failed(error: Exception) -> bool:
    """Whether the engine tells of an error in Python, which is that of a file it reads from a bucket."""
    return str(error).startswith("Traceback ")


def query_failed(error: Exception) -> Unavailable:
    """The fault for a query that ran out of memory or disk, met a damaged file, or a server that does not answer."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    reason = lines[-1 if storage_failed(error) else 0].rstrip(".")[:300]
    return Unavailable("E-LAKE-005", "The lake could not answer: {reason}.", reason=reason)
