"""Nodes that know each other, whose aggregate messages cross by hand, and whose counts the test says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import neighbours
from seawall.exchange.aggregate import Input, Period, Query, catalogue, without_noise_unsafe
from seawall.flow import aggregates, aggregates_counts, aggregates_round
from seawall.flow import post as post_room
from seawall.flow.aggregates_taking import hear
from seawall.flow.node import Node
from seawall.model import Fault
from seawall.model.aggregate import KeptRound
from seawall.model.message import Message, MessageKind

QUERY, WEEK = "attacks-by-sector", "2026-W10"
NAMES = ("taipei", "seoul", "tokyo", "manila", "canberra")


class Community:
    """Open nodes by name; ``queue`` holds what was posted: sender, receiver, body."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        self.counts: dict[str, dict[str, int]] = defaultdict(dict)
        self.queue: list[tuple[str, str, bytes]] = []
        self.transcript: list[tuple[str, str, bytes]] = []
        self.silent: set[str] = set()

    def name_of(self, node: Node) -> str:
        """The name under which the others know a node."""
        return next(name for name, other in self.nodes.items() if other.keys.node_id == node.keys.node_id)

    def post(self, node: Node, peer: str, kind: MessageKind, body: bytes, *, expires_in: int | None = None) -> int:
        """Stands for ``flow.post.post``."""
        del expires_in
        assert kind is MessageKind.AGGREGATE
        self.queue.append((self.name_of(node), peer, body))
        return len(self.queue)

    def count(self, node: Node, query: Query, period: Period, round_id: str, members: Sequence[str]) -> object:
        """Stands for ``aggregates_counts.count``."""
        del round_id, members
        said = self.counts[self.name_of(node)]
        return aggregates_counts.Counted(tuple(said.get(name, 0) for _, name in query.labels(period)), {})

    def deliver(self) -> list[Fault]:
        """Carry everything until nothing is left; what was refused on the way. Silent nodes hear nothing."""
        faults: list[Fault] = []
        while self.queue:
            sender, receiver, body = self.queue.pop(0)
            self.transcript.append((sender, receiver, body))
            if receiver not in self.silent:
                try:
                    self.say(sender, receiver, body)
                except Fault as fault:
                    faults.append(fault)
        return faults

    def say(self, sender: str, receiver: str, body: bytes) -> None:
        """One message arrives."""
        at = self.nodes[receiver].clock()
        hear(self.nodes[receiver], Message(sender, 1, MessageKind.AGGREGATE, at, at + 10**12, body))

    def agree(self) -> None:
        """Everybody works with the catalogue."""
        for node in self.nodes.values():
            aggregates.agree(node)
        self.deliver()

    def start(self, starter: str = "taipei", *, query: str = QUERY, period: str = WEEK, days: int = 7) -> str:
        """The starter asks all others; the round's id."""
        others = [name for name in self.nodes if name != starter]
        started = aggregates.start(self.nodes[starter], query, others=others, period=period, days=days)
        self.deliver()
        return str(started["round"])

    def join(self, round_id: str, *names: str) -> list[Fault]:
        """These take part, and what follows from it crosses."""
        for name in names:
            aggregates.join(self.nodes[name], round_id)
        return self.deliver()

    def whole(self, starter: str = "taipei", *, period: str = WEEK) -> str:
        """A round from beginning to end."""
        round_id = self.start(starter, period=period)
        assert self.join(round_id, *(name for name in self.nodes if name != starter)) == []
        return round_id

    def kept(self, name: str, round_id: str) -> KeptRound:
        """A round as one node keeps it."""
        return self.nodes[name].store.aggregates.get(round_id)


@contextmanager
def community(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[Community]:
    """All agreed to the catalogue; nothing is drawn, counted or sent but by the test."""
    with neighbours(folder, *names) as nodes:
        found = Community(nodes)
        monkeypatch.setattr(post_room, "post", found.post)
        monkeypatch.setattr(aggregates_round, "count", found.count)
        found.agree()
        yield found


def quiet(counts: Sequence[int], query: Query, members: int, places: int) -> Input:
    """Stands for ``draw`` where the sums have to be exact."""
    del members
    return without_noise_unsafe(counts, query, places)


def changed(document: msgspec.Struct, **changes: object) -> msgspec.Struct:
    """A document with other fields."""
    return msgspec.structs.replace(document, **changes)


DIGEST = catalogue().digest
