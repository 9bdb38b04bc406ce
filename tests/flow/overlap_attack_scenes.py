"""Steps of two nodes that compare through a relay, for tests in which one of them wants more than was agreed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from flow.overlap_scenes import Nodes
from seawall.exchange.relay import token_text
from seawall.flow.node import Node
from seawall.flow.overlap_counter import set_counter
from seawall.flow.overlap_rounds import STOPPED
from seawall.flow.overlap_state import talk_of, we_lead
from seawall.flow.post import deliver
from seawall.model import ObservableType

IPV4 = ObservableType.IPV4
PAIRS = (("taipei", "seoul"), ("seoul", "taipei"))


def counters(nodes: Nodes, folder: Path) -> None:
    """Both let the relay count."""
    for letter, (name, other) in zip("AB", PAIRS, strict=True):
        file = folder / f"{name}.token"
        file.write_text(token_text(letter.encode() * 32) + "\n")
        set_counter(nodes[name], other, url="https://relay.example:8702", pin="", token_file=file)


def settle(nodes: Nodes) -> list[str]:
    """Both deliver in turns, until nothing moves any more; what our people read."""
    said: list[str] = []
    for _ in range(12):
        moved = [deliver(nodes[name], other) for name, other in PAIRS]
        said += [problem for one in moved for problem in one.problems]
        if not any(one.sent or one.received for one in moved):
            break
    return said


def leader(nodes: Nodes) -> tuple[str, str]:
    """(who leads today, the other)."""
    talk = talk_of(nodes["taipei"], "seoul", IPV4)
    assert talk is not None
    return PAIRS[0] if we_lead(nodes["taipei"], "seoul", talk.day) else PAIRS[1]


def setting(node: Node, **values: object) -> None:
    """Change what our people set about comparisons."""
    changed = msgspec.structs.replace(node.settings.overlap, **values)
    node.settings = msgspec.structs.replace(node.settings, overlap=changed)


def stopped(node: Node, peer: str) -> str:
    """Why the last run over addresses stopped, for our people."""
    return node.store.notes.get(STOPPED.format(peer=peer, type="ipv4")) or ""
