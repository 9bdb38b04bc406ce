"""When each consumer of a served feed last asked: to the minute, so that a poll a second costs no write a second."""

from __future__ import annotations

from contextlib import suppress

from seawall.flow.node import Node
from seawall.model import Fault

NOTE = "feed-seen:{number}"
EVERY = 60_000_000  # microseconds between two notes of one consumer


class Seen:
    """What one serving process knows of its consumers' polls."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._noted: dict[int, int] = {}

    def note(self, number: int) -> None:
        """It asks now. A store that is busy is asked again with the next poll: no list waits for this."""
        at = self._node.clock()
        if at - self._noted.get(number, 0) >= EVERY:
            self._noted[number] = at
            with suppress(Fault):
                self._node.store.notes.set(NOTE.format(number=number), str(at))


def last_seen(node: Node, number: int) -> int | None:
    """When it last asked (microseconds UTC); None when it never did."""
    text = node.store.notes.get(NOTE.format(number=number))
    return None if text is None else int(text)


def forget_seen(node: Node, number: int) -> None:
    """The consumer is gone."""
    node.store.notes.delete(NOTE.format(number=number))
