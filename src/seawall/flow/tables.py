"""Sensor and asset tables: imported as CSV, kept in the node folder, read before ingest or applied to what is held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seawall.flow.node import Node
from seawall.reference import OwnAssets, SensorTable

Progress = Callable[[int, int | None, int], None]
Waiting = Callable[[str], None]


def node_sensors(node: Node) -> SensorTable:
    """The node's sensor table; empty before the first import."""
    return SensorTable.load(node.folder / "reference")


def import_sensors(node: Node, csv: Path) -> dict[str, object]:
    """Merge a CSV into the sensor table. Rows already in the lake keep what they were stored with."""
    node.require("ingest")
    fresh = SensorTable.from_csv(csv)
    merged = node_sensors(node).joined(fresh)
    merged.save(node.folder / "reference")
    return {"sensors": len(fresh), "total": len(merged), "relabelled": 0}


def relabel_rows(node: Node, *, progress: Progress | None = None, waiting: Waiting | None = None) -> dict[str, object]:
    """Give the rows already in the lake the places that the sensor table has now; ``relabelled`` counts them.

    All rows change together or none. Hits are forgotten, so the next ``match`` computes them anew. After a kill the
    table is in force for new rows; run it again for those already held.
    """
    from seawall.ingest import relabel
    from seawall.match import forget_matches

    node.require("ingest")
    with node.lake.writing(waiting) as writer:
        report = relabel(writer, node_sensors(node), progress)
        if report.relabelled:
            forget_matches(writer)
    return {"relabelled": report.relabelled}


def import_assets(node: Node, csv: Path) -> dict[str, object]:
    """Merge a CSV of own ranges and names."""
    node.require("ingest")
    fresh = OwnAssets.from_csv(csv)
    merged = OwnAssets.load(node.folder / "reference").joined(fresh)
    merged.save(node.folder / "reference")
    node.forget_lists()
    return {"assets": len(fresh.assets), "total": len(merged.assets)}
