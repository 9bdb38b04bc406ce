"""Sessions for work that may outgrow this machine: one SQL text, computed by DuckDB here or by a Spark cluster.

The text keeps to what both engines read alike (decision 0007): SELECT, equality joins, UNION ALL, GROUP BY,
``FILTER (WHERE ...)``, window ranks, ``>>``, ``%``, ``replace``, ``split_part``, ``regexp_replace`` with a pattern that
starts with ``^``. No quoted names, no backslashes, sums cast to BIGINT. Every stage ends in ``keep``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import duckdb
import pyarrow as pa

from seawall.lake.engines.duckdb import DuckDBSession
from seawall.lake.interface import LakeSession
from seawall.lake.manifest import Manifest
from seawall.lake.storage import Storage
from seawall.settings import LakeSettings


class ComputingSession(LakeSession, Protocol):
    """A snapshot that keeps the results of its stages."""

    def keep(self, name: str, query: str) -> None:
        """Compute ``query`` now and keep its rows under ``name`` until the session ends; a second time replaces."""

    def hand_over(self, name: str) -> str | pa.Table:
        """Kept rows as the lake's writer takes them: relation text or a table, valid until the session ends."""

    def close(self) -> None:
        """Let go of everything kept."""


class EmbeddedComputing(DuckDBSession):
    """DuckDB in this process; kept rows are temporary tables."""

    def keep(self, name: str, query: str) -> None:
        """A temporary table."""
        fresh = f"{name}_fresh"  # the query may read what it replaces
        self.sql(f"CREATE OR REPLACE TEMP TABLE {fresh} AS {query}")
        self.sql(f"DROP TABLE IF EXISTS {name}")
        self.sql(f"ALTER TABLE {fresh} RENAME TO {name}")

    def hand_over(self, name: str) -> str | pa.Table:
        """The rows themselves: temporary tables are this session's own."""
        return self.sql(f"SELECT * FROM {name}")


def computing_session(
    storage: Storage, manifest: Manifest, settings: LakeSettings, embedded: Callable[[], duckdb.DuckDBPyConnection]
) -> ComputingSession:
    """A session of the engine that the settings name; ``embedded`` gives DuckDB's connection.

    Raises Fault E-LAKE-020, E-LAKE-023, E-LAKE-024 when Spark is not set up, Unavailable E-LAKE-021 when its master
    does not answer.
    """
    if settings.engine != "spark":
        return EmbeddedComputing(storage, manifest, embedded())
    from seawall.lake.engines.spark import SparkComputing

    return SparkComputing(storage, manifest, settings)
