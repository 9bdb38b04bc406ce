"""What every stage knows: which rows, whose keys, and how a hit is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import pyarrow as pa

from seawall.match.interface import LakeSession

CARRIED = ("event", "time", "side", "sector", "sensor", "basis")
HIT_COLUMNS = "event, indicator, type, time, side, sector, sensor, basis, run"


class ComputingSession(LakeSession, Protocol):
    """The part of ``seawall.lake.ComputingSession`` that the stages use."""

    def keep(self, name: str, query: str, /) -> None:
        """Compute the query now and keep its rows under ``name``."""

    def hand_over(self, name: str, /) -> str | pa.Table:
        """Kept rows as the lake's writer takes them."""


class Stage(msgspec.Struct, frozen=True):
    """One pass: rows, the registered keys' prefix, the run's number. ``since`` in microseconds UTC, inclusive."""

    rows: str  # relation text with the columns of OBSERVATION_SCHEMA
    keys: str
    counts: dict[str, int]  # keys by type
    run: int
    since: int | None = None
    exact: bool = False  # domains by equality only

    def select(self, columns: Sequence[str], where: str) -> str:
        """SQL: some columns of the rows that fulfil ``where``."""
        bound = "" if self.since is None else f" AND o.time >= {self.since:d}"
        return f"SELECT {', '.join(f'o.{name}' for name in columns)} FROM {self.rows} AS o WHERE {where}{bound}"

    def hits(self, columns: Sequence[str], where: str, keys: str, on: str) -> str:
        """SQL: HIT_COLUMNS for the rows that fulfil ``where`` and meet a key of the relation ``keys`` by ``on``."""
        return (
            f"SELECT o.event, k.indicator, k.type, o.time, o.side, o.sector, o.sensor, o.basis, "
            f"CAST({self.run:d} AS INT) AS run FROM ({self.select((*CARRIED, *columns), where)}) o "
            f"JOIN {keys} k ON {on} WHERE o.time < k.until"
        )


def text_keys(stage: Stage, kind: str) -> str:
    """SQL: (indicator, type, value, until) of the keys of one text type."""
    return f"(SELECT number AS indicator, type, value, until FROM {stage.keys}_text WHERE type = '{kind}')"


def by_equality(stage: Stage, kinds: Sequence[str]) -> list[str]:
    """SQL for each of ``kinds`` that has keys: hits of the column of the same name, compared as it stands."""
    return [
        stage.hits((kind,), f"o.{kind} IS NOT NULL", text_keys(stage, kind), f"o.{kind} = k.value")
        for kind in kinds
        if kind in stage.counts
    ]
