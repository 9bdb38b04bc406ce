"""The sensor table: where each sensor stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa

from seawall.model import Fault
from seawall.model.unreadable import UNREADABLE
from seawall.reference.tables import read_bytes, rows, unreadable, write_whole

FILE_NAME = "sensors.json"
OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")  # a fixed offset from UTC, at most 14 hours


class SensorPlace(msgspec.Struct, frozen=True):
    """One sensor."""

    sensor: str
    side: str
    sector: str
    timezone: str | None = None  # of its clock, where it does not write its own: an IANA name or an offset like +09:00


class SensorTable:
    """All sensors that are known, by name."""

    def __init__(self, places: Iterable[SensorPlace] = ()) -> None:
        self._places = {place.sensor: place for place in places}

    @classmethod
    def from_csv(cls, path: Path) -> Self:
        """Read columns ``sensor``, ``side``, ``sector`` and optionally ``timezone``.

        Raises Fault E-REFERENCE-001 to -003 for a file that cannot be used, E-REFERENCE-010 for a row without a
        sensor or side, E-REFERENCE-011 for a sensor named twice (both lines are told), E-REFERENCE-012 for an unknown
        time zone.
        """
        seen: dict[str, int] = {}
        places = []
        for line, row in rows(path, [("sensor",), ("side",), ("sector",)]):
            place = _place(path, line, row["sensor"], row["side"], row["sector"], row.get("timezone", ""))
            if place.sensor in seen:
                raise Fault(
                    "E-REFERENCE-011",
                    "{path}, line {line}: sensor {sensor} is named in line {first} already; keep one of them.",
                    path=path.name,
                    line=line,
                    sensor=ascii(place.sensor),
                    first=seen[place.sensor],
                )
            seen[place.sensor] = line
            places.append(place)
        return cls(places)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The table that ``save`` kept in a folder; empty when there is none. Raises Fault E-REFERENCE-001."""
        path = folder / FILE_NAME
        if not path.exists():
            return cls()
        try:
            return cls(msgspec.json.decode(read_bytes(path), type=list[SensorPlace]))
        except UNREADABLE:
            raise unreadable(path, "it is damaged; import the sensors again") from None

    def save(self, folder: Path) -> None:
        """Keep the table in a folder, replacing the one before in one step. Raises Fault E-REFERENCE-004."""
        write_whole(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(list(self)), indent=1) + b"\n")

    def joined(self, later: SensorTable) -> SensorTable:
        """Both tables; where both name a sensor, ``later`` holds."""
        return SensorTable((self._places | later._places).values())

    def get(self, sensor: str, /) -> SensorPlace | None:
        """Where a sensor stands; None when it is not in the table."""
        return self._places.get(sensor)

    def __iter__(self) -> Iterator[SensorPlace]:
        return iter(self._places.values())

    def __len__(self) -> int:
        return len(self._places)

    def arrow_table(self) -> pa.Table:
        """Columns sensor, side, sector, timezone (text, the last may be NULL), for joins."""
        names = ("sensor", "side", "sector", "timezone")
        columns = {name: pa.array([getattr(place, name) for place in self], pa.string()) for name in names}
        return pa.table(columns)


def _place(path: Path, line: int, sensor: str, side: str, sector: str, timezone: str) -> SensorPlace:
    if not sensor or not side:
        raise Fault(
            "E-REFERENCE-010", "{path}, line {line}: a sensor needs a name and a side.", path=path.name, line=line
        )
    if timezone and not _is_timezone(timezone):
        raise Fault(
            "E-REFERENCE-012",
            "{path}, line {line}: {given} is no time zone; use a name like Asia/Taipei or an offset like +09:00.",
            path=path.name,
            line=line,
            given=ascii(timezone),
        )
    return SensorPlace(sensor, side, sector or "unknown", timezone or None)


def _is_timezone(text: str) -> bool:
    if text == "UTC" or OFFSET.fullmatch(text):
        return True
    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # unknown, a path, a folder
        return False
    return True
