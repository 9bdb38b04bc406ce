"""The lake on S3: storage of the node's own organisation, never a way to others (rule 3)."""

from __future__ import annotations

import msgspec

from seawall.flow.node import Node, lake_folder
from seawall.lake import BUCKET_SCHEME
from seawall.lake.remote import RemoteLake
from seawall.ledger import EventKind
from seawall.model import Fault

PLACE = "lake-place"
"""Key of the note that says which place on S3 was put on the record."""


def push_lake(node: Node) -> dict[str, object]:
    """Bring the copy up to this node's lake; the ``--json`` keys of ``seawall lake push``.

    Telemetry goes to the organisation's own storage here, so who sends it where is on the record before it goes.
    """
    node.require("maintain")
    copy = _copy(node)
    node.event(EventKind.LAKE_COPIED, node.settings.lake.url)
    moved = copy.push(lake_folder(node.folder, node.settings), node.settings.node.id)
    return msgspec.structs.asdict(moved)


def pull_lake(node: Node) -> dict[str, object]:
    """Make this node's lake what the copy is; the ``--json`` keys of ``seawall lake pull``."""
    node.require("maintain")
    return msgspec.structs.asdict(_copy(node).pull(lake_folder(node.folder, node.settings)))


def record_place(node: Node) -> None:
    """Put on the record, once for each place, that this node's telemetry goes to its organisation's storage there."""
    place = node.settings.lake.folder
    if node.store.notes.get(PLACE) != place:
        node.event(EventKind.LAKE_COPIED, place)
        node.store.notes.set(PLACE, place)


def _copy(node: Node) -> RemoteLake:
    settings = node.settings.lake
    if settings.folder.startswith(BUCKET_SCHEME):
        raise Fault(
            "E-FLOW-111",
            "The lake of this node is on S3 itself ({folder}); copy it with the tools of that storage.",
            folder=settings.folder,
        )
    if not settings.url:
        raise Fault("E-FLOW-110", "No copy of the lake is named; set lake.url in seawall.toml to s3://bucket/prefix.")
    return RemoteLake.open(settings.url, settings.s3_endpoint)
