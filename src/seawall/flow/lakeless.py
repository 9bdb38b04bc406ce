"""A node that keeps no telemetry: indicators go out to the site's own SIEM, hits come back (``flow.hits``)."""

from __future__ import annotations

from seawall.flow.node import Node
from seawall.lake import BUCKET_SCHEME
from seawall.model import Refused


def require_lake(node: Node) -> None:
    """Pass, or raise Refused E-FLOW-092 on a node whose settings say that it stores no telemetry.

    Where telemetry will go is on the record first.
    """
    if not node.settings.lake.store_telemetry:
        raise Refused(
            "E-FLOW-092",
            "This node stores no telemetry (lake.store_telemetry = false in seawall.toml); "
            "report what your own systems found with 'seawall hit'.",
        )
    if node.settings.lake.folder.startswith(BUCKET_SCHEME):
        from seawall.flow.lake_copy import record_place

        record_place(node)
