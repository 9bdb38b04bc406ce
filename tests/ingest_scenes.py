"""Scenes for ingest: a lake of its own for each test, EVE lines by the handful, and counts as plain tuples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from seawall.ingest import IngestOptions, IngestReport, ingest
from seawall.lake import Lake
from seawall.settings import LakeSettings


class Place(msgspec.Struct, frozen=True):
    """A sensor's place."""

    side: str
    sector: str
    timezone: str | None = None


class Scene:
    """A node's lake and quarantine, and logs written beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.quarantine = folder / "quarantine"
        self.lake = Lake.open(folder / "lake", LakeSettings(memory_limit_mb=300))

    def write(self, name: str, lines: Sequence[bytes] | bytes) -> Path:
        """A log file with these lines, each with its line end."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lines if isinstance(lines, bytes) else b"".join(line + b"\n" for line in lines))
        return path

    def ingest(self, *paths: str | Path, **options: Any) -> IngestReport:
        """Take logs in with the node's own side ``TW``."""
        return ingest(paths, self.lake, IngestOptions(quarantine=self.quarantine, node_side="TW", **options))

    def rows(self, columns: str = "*", where: str = "true") -> list[dict[str, Any]]:
        """Rows of the lake in the order of their numbers."""
        with self.lake.reading() as session:
            query = f"SELECT {columns} FROM {session.observations()} WHERE {where} ORDER BY event"
            rows: list[dict[str, Any]] = session.sql(query).to_pylist()
            return rows

    def rollup(self) -> list[dict[str, Any]]:
        """Roll-up rows with equal keys put together."""
        keys = "type, value, high, low, role, basis, day, side, sector"
        with self.lake.reading() as session:
            rows: list[dict[str, Any]] = session.sql(
                f'SELECT {keys}, min("first") AS "first", max("last") AS "last", sum("count")::BIGINT AS "count", '
                f"bit_or(sensor_bits) AS sensor_bits, bit_or(own_bits) AS own_bits FROM {session.rollup()} GROUP BY ALL"
            ).to_pylist()
            return rows


def eve(number: int = 0, /, **fields: Any) -> bytes:
    """One EVE line; ``number`` makes it unlike others, a field given as ``...`` is left out."""
    event: dict[str, Any] = {
        "timestamp": f"2026-03-14T03:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1_000_000:06d}+0000",
        "flow_id": number,
        "event_type": "flow",
        "src_ip": "192.0.2.7",
        "src_port": 40000,
        "dest_ip": "10.0.0.5",
        "dest_port": 443,
        "proto": "TCP",
        "host": "tpe-1",
    }
    return json.dumps({key: value for key, value in (event | fields).items() if value is not ...}).encode()


def counts(report: IngestReport) -> tuple[int, int, int]:
    """Stored, duplicates, rejected."""
    return report.stored, report.duplicates, report.rejected
