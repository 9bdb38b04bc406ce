"""When a peer knows numbers of ours that our books do not: once in a while what waits gets numbers behind those.

Our books were restored from an older copy, or the peer says something untrue. Both look alike, and numbering anew means
sealing or signing all that waits again, each with a leaf on the ledger: so it happens at most once an hour for each
peer and each kind of message, whatever the peer says in between. Nothing is lost meanwhile: what waits goes on waiting.
"""

from __future__ import annotations

from seawall.flow.node import Node

MESSAGES, NOTICES = "messages", "notices"
RENUMBERED = "renumbered:{kind}:{peer}"
PAUSE = 3_600_000_000  # microseconds; a restored node needs it once, and a second restoration waits that long


def may_renumber(node: Node, peer: str, kind: str) -> bool:
    """Whether the last time is an hour ago. A clock that was set back counts from anew."""
    said = node.store.notes.get(RENUMBERED.format(kind=kind, peer=peer))
    return said is None or abs(node.clock() - int(said)) >= PAUSE


def was_renumbered(node: Node, peer: str, kind: str) -> None:
    """It was done just now; durable when this returns."""
    node.store.notes.set(RENUMBERED.format(kind=kind, peer=peer), str(node.clock()))
