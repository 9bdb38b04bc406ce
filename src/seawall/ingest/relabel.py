"""Rows already in the lake take over sides and sectors from a later sensor table.

The result is what ingest would have stored with that table. A row whose sensor the table does not name keeps its
labels, and times stay: a clock's zone is applied when a line is read, and the line is not kept. An ingest that runs
meanwhile goes on with the table it began with.

Steps: (1) look at the sensors of every file, (2) write the files with changed rows anew, (3) take the roll-up of their
days out, (4) roll those days up from the rows. All of it in the caller's one commit, a file at a time in memory.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.ingest.interface import SensorPlace, Sensors
from seawall.ingest.roles import roll_up, stored
from seawall.lake import LakeWriter, Part
from seawall.model import OBSERVATION_SCHEMA

Progress = Callable[[int, int | None, int], None]
"""Called with rows looked at, rows in all, and rows changed so far."""


class RelabelReport(msgspec.Struct, frozen=True):
    """What became of the rows."""

    rows: int  # looked at
    relabelled: int  # got another side or sector


class _Labels(msgspec.Struct, frozen=True):
    """Side and sector of each row of a file, and which rows they are new for."""

    side: pa.DictionaryArray
    sector: pa.DictionaryArray
    changed: np.ndarray


def relabel(writer: LakeWriter, sensors: Sensors, progress: Progress | None = None) -> RelabelReport:
    """Give every row the side and sector that the table has for its sensor.

    Whatever was derived from sides or sectors is the caller's to forget in the same commit. Raises the lake's faults.
    """
    before = writer.parts()
    total = sum(part.rows for part in before)
    looked = relabelled = 0
    days: set[int] = set()
    for part in before:
        labels = _labels(writer.read_part(part, ["sensor", "side", "sector"]), sensors)
        count = int(labels.changed.sum())
        if count:
            days.add(_day(part))
            writer.rewrite_observations(part, _with(writer.read_part(part, OBSERVATION_SCHEMA.names), labels))
        looked += part.rows
        relabelled += count
        if progress is not None:
            progress(looked, total, relabelled)
    if days:
        writer.remove_rollup(days)
        for part in writer.parts():
            if _day(part) in days:
                writer.append_rollup(roll_up(stored(writer.read_part(part, OBSERVATION_SCHEMA.names))))
    return RelabelReport(total, relabelled)


def _day(part: Part) -> int:
    if part.day is None:
        raise ValueError(f"{part.path} is no file of observations")
    return part.day


def _labels(table: pa.Table, sensors: Sensors) -> _Labels:
    sensor = table.column("sensor").combine_chunks().dictionary_encode()
    places = [sensors.get(name) for name in sensor.dictionary.to_pylist()]
    codes = sensor.indices.fill_null(len(places)).to_numpy()
    named = np.array([place is not None for place in places] + [False])[codes]
    side = _chosen(table.column("side"), named, codes, [_side(place) for place in places])
    sector = _chosen(table.column("sector"), named, codes, [_sector(place) for place in places])
    unlike = pc.or_(pc.not_equal(side, table.column("side")), pc.not_equal(sector, table.column("sector")))
    return _Labels(side.dictionary_encode(), sector.dictionary_encode(), np.asarray(unlike))


def _chosen(held: pa.ChunkedArray, named: np.ndarray, codes: np.ndarray, labels: list[str]) -> pa.Array:
    """The label of each row's sensor where the table names it, else what the row has."""
    fresh = pa.array([*labels, ""], pa.string()).take(pa.array(codes))
    return pc.if_else(pa.array(named), fresh, held.combine_chunks())


def _side(place: SensorPlace | None) -> str:
    return place.side if place is not None else ""


def _sector(place: SensorPlace | None) -> str:
    return place.sector if place is not None else ""


def _with(table: pa.Table, labels: _Labels) -> pa.Table:
    for name, column in (("side", labels.side), ("sector", labels.sector)):
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table
