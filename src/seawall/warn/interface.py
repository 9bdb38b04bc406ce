"""What ``warn`` needs of the lake: an engine that answers SQL over registered Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa


class SqlSession(Protocol):
    """Any lake session fits; no lake data is read here."""

    def register(self, name: str, table: pa.Table, /) -> None:
        """Make an Arrow table readable under ``name``."""

    def sql(self, query: str, parameters: Sequence[object] = (), /) -> pa.Table:
        """Run one statement."""
