"""Sensor and asset tables: imported as CSV, kept in the node folder, read before ingest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seawall.flow.node import Node
from seawall.reference.assets import OwnAssets
from seawall.reference.sensors import SensorTable


def node_sensors(node: Node) -> SensorTable:
    """The node's sensor table; empty before the first import."""
    return SensorTable.load(node.folder / "reference")


def import_sensors(
    node: Node, csv: Path, *, relabel: bool, waiting: Callable[[str], None] | None = None
) -> dict[str, object]:
    """Merge a CSV into the sensor table; with ``relabel`` rows already in the lake take over side and sector."""
    node.require("ingest")
    fresh = SensorTable.from_csv(csv)
    merged = node_sensors(node).merged(fresh)
    merged.save(node.folder / "reference")
    relabelled = 0
    if relabel:
        from seawall.lake import relabel as relabel_lake

        relabelled = relabel_lake(
            node.lake, {name: (place.side, place.sector) for name, place in merged.items()}, waiting
        )
    return {"sensors": len(fresh), "total": len(merged), "relabelled": relabelled}


def import_assets(node: Node, csv: Path) -> dict[str, object]:
    """Merge a CSV of own ranges and names."""
    node.require("ingest")
    fresh = OwnAssets.from_csv(csv)
    merged = OwnAssets.load(node.folder / "reference").merged(fresh)
    merged.save(node.folder / "reference")
    return {"assets": len(fresh), "total": len(merged)}
