"""What the first lines of a log would become on this node, with nothing stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from seawall.flow.node import Node
from seawall.flow.observations import plain_row
from seawall.flow.pipeline import ingest_options
from seawall.ingest import explain

NOT_SHOWN = frozenset({"digest", "occurrence", "source_file", "source_line"})  # of every line, whatever it says


def explain_path(
    node: Node,
    path: str,
    *,
    format: str = "auto",
    mapping: Path | None = None,
    side: str | None = None,
    sector: str | None = None,
    sensor: str | None = None,
) -> dict[str, Any]:
    """The ``--json`` document of ``seawall ingest --explain``: columns without those that hold nothing."""
    node.require("ingest")
    options = ingest_options(
        node, format=format, mapping=mapping, side=side, sector=sector, sensor=sensor, stdin=path == "-"
    )
    found = explain(path, node.lake, options)
    items = []
    for item in found.items:
        rows = [
            {name: value for name, value in plain_row(row).items() if value is not None and name not in NOT_SHOWN}
            for row in item.columns
        ]
        flaws = [msgspec.to_builtins(flaw) for flaw in item.flaws]
        items.append({"line": item.line, "fields": item.fields, "columns": rows, "flaws": flaws})
    return {"format": found.format, "lines": found.lines, "items": items}
