"""What the fast way moved since a person last synchronised: counted, so that ``seawall sync`` tells the whole of it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from seawall.flow.node import Node

BROUGHT = "brought-at-once:{peer}"
COUNTS = ("received", "sent", "withheld", "unchanged", "rejected", "refused")


def add_brought(node: Node, peer: str, counts: Mapping[str, object]) -> None:
    """Add to the counts of a peer; nothing is written when all are 0."""
    fresh = {name: value for name in COUNTS if isinstance(value := counts.get(name), int) and value}
    if fresh:
        held = _held(node, peer)
        both = {name: held.get(name, 0) + fresh.get(name, 0) for name in COUNTS}
        node.store.notes.set(BROUGHT.format(peer=peer), msgspec.json.encode(both).decode())


def with_brought(node: Node, peer: str, report: dict[str, object]) -> dict[str, object]:
    """The report of a synchronisation with what came and went before it; the counts begin anew."""
    held = _held(node, peer)
    if held:
        node.store.notes.delete(BROUGHT.format(peer=peer))
    sums = {
        name: value + held.get(name, 0)
        for name in COUNTS
        if isinstance(value := report.get(name), int) and name in held
    }
    return report | sums


def _held(node: Node, peer: str) -> dict[str, int]:
    text = node.store.notes.get(BROUGHT.format(peer=peer))
    return msgspec.json.decode(text, type=dict[str, int]) if text else {}
