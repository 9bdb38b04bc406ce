"""Nodes that verified each other, in one process and without a network; their notices cross by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from exchange.scenes import record_of
from seawall.exchange.notices import Heard
from seawall.flow.node import Node, create_node
from seawall.flow.notices import NoticeBook
from seawall.model import Fault
from seawall.model.notice import Notice

AT = 1_773_446_400_000_000
HEARD: list[Notice] = []


def hear(node: Node, notice: Notice) -> None:
    """A handler for these tests."""
    del node
    if "bad" in notice.body:
        raise Fault("E-TEST-001", "This is not wanted here.")
    HEARD.append(notice)


class Clock:
    """Moved by hand; two things never happen at once."""

    def __init__(self) -> None:
        self.moment = AT

    def __call__(self) -> int:
        self.moment += 1
        return self.moment


@contextmanager
def neighbours(folder: Path, *names: str) -> Iterator[dict[str, Node]]:
    """Open nodes by name, each a verified peer of all others under that name, all with one clock."""
    clock = Clock()
    with ExitStack() as stack:
        nodes: dict[str, Node] = {}
        for name in names:
            create_node(folder / name, name=name, economy="TW", sector="unknown", timezone="UTC", lang="en")
            nodes[name] = stack.enter_context(Node.open(folder / name, clock=clock))
        for name, node in nodes.items():
            for other, peer in nodes.items():
                if other != name:
                    node.store.peers.add(record_of(peer.keys, other, "https://127.0.0.1:1"))
        yield nodes


def carry(nodes: dict[str, Node], sender: str, receiver: str) -> Heard:
    """All that waits at ``sender`` goes to ``receiver``, as one synchronisation would move it."""
    ours, theirs = NoticeBook(nodes[sender]), NoticeBook(nodes[receiver])
    ours.settle(receiver, theirs.standing(sender), ())
    envelopes, _ = ours.waiting(receiver, theirs.standing(sender).number, 20)
    heard = theirs.take(sender, envelopes)
    ours.settle(receiver, heard.taken, heard.problems)
    return heard
