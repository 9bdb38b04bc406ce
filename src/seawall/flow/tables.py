"""Sensor and asset tables: imported as CSV, kept in the node folder, read before ingest."""

from __future__ import annotations

from pathlib import Path

from seawall.flow.node import Node
from seawall.reference import OwnAssets, SensorTable


def node_sensors(node: Node) -> SensorTable:
    """The node's sensor table; empty before the first import."""
    return SensorTable.load(node.folder / "reference")


def import_sensors(node: Node, csv: Path) -> dict[str, object]:
    """Merge a CSV into the sensor table. Rows already in the lake keep what they were stored with."""
    node.require("ingest")
    fresh = SensorTable.from_csv(csv)
    merged = node_sensors(node).joined(fresh)
    merged.save(node.folder / "reference")
    return {"sensors": len(fresh), "total": len(merged)}


def import_assets(node: Node, csv: Path) -> dict[str, object]:
    """Merge a CSV of own ranges and names."""
    node.require("ingest")
    fresh = OwnAssets.from_csv(csv)
    merged = OwnAssets.load(node.folder / "reference").joined(fresh)
    merged.save(node.folder / "reference")
    return {"assets": len(fresh.assets), "total": len(merged.assets)}
