"""What ``warn`` needs of the lake: an engine that answers SQL over registered Arrow tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import pyarrow as pa


class SqlSession(Protocol):
    """Any lake session fits; no lake data is read here."""

    def register(self, name: str, table: pa.Table, /) -> None:
        """Make an Arrow table readable under ``name``."""

    def sql(self, query: str, parameters: Sequence[object] = (), /) -> pa.Table:
        """Run one statement."""


class LakeRows(SqlSession, Protocol):
    """A lake session that also names its rows; consumers take what they need and group it."""

    def observations(self, after: int = 0, days: Collection[int] | None = None, /) -> str:
        """Relation text of the rows committed in generations after ``after``; columns of OBSERVATION_SCHEMA."""

    def rollup(self, after: int = 0, /) -> str:
        """Likewise of the roll-up, columns of ROLLUP_SCHEMA; consumers GROUP BY."""
