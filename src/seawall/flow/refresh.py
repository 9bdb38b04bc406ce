"""Findings are prepared for release when what they rest on has changed, and only then."""

from __future__ import annotations

from seawall.flow.node import Node, lake_folder
from seawall.lake import BUCKET_SCHEME, generation
from seawall.model import Unavailable

PREPARED = "findings-prepared"
"""Key of the note that says from which state of lake, indicators and sightings findings were prepared last."""


def refresh_findings(node: Node) -> int:
    """``prepare_findings`` when lake, indicators or sightings have changed since; returns how many objects changed.

    With nothing new this starts no engine: most exchanges find it so.
    """
    lake, store = generation_of(node), node.store
    state = f"{lake}/{store.indicators.change()}/{store.sightings.change()}"
    if node.store.notes.get(PREPARED) == state:
        return 0
    from seawall.flow.shareable import prepare_findings

    changed = prepare_findings(node)
    node.store.notes.set(PREPARED, state)
    return changed


def refresh_if_possible(node: Node) -> Unavailable | None:
    """``refresh_findings``; what keeps the lake from being read, when what was prepared before has to do."""
    try:
        refresh_findings(node)
    except Unavailable as fault:
        return fault
    return None


def generation_of(node: Node) -> int:
    """The lake's generation, which rises with every commit; starts no engine."""
    if node.settings.lake.folder.startswith(BUCKET_SCHEME):
        return node.lake.manifest().generation  # by the client that the node keeps; it starts no engine either
    return generation(lake_folder(node.folder, node.settings), node.settings.lake)
