"""Marking-definitions that this node holds, looked up when a decision meets a marking whose id is not well known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from seawall.flow.node import Node
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE
from seawall.policy import needed_definitions

MAX_LEARNT = 10_000  # of one batch, before they stand in the store


class HeldDefinitions(Mapping[str, Mapping[str, Any]]):
    """The store's marking-definitions by id, each read once; ``expect`` reads those of a page together."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._seen: dict[str, dict[str, Any] | None] = {}

    def __getitem__(self, id: str) -> Mapping[str, Any]:
        if id not in self._seen:
            self._read([id])
        found = self._seen[id]
        if found is None:
            raise KeyError(id)
        return found

    def __iter__(self) -> Iterator[str]:
        return (id for id, body in self._seen.items() if body is not None)

    def __len__(self) -> int:
        return sum(body is not None for body in self._seen.values())

    def expect(self, items: Iterable[StoredObject]) -> None:
        """Read what it takes to understand the markings of these objects."""
        wanted: set[str] = set()
        for item in items:
            wanted |= needed_definitions(item.body)
        if missing := sorted(wanted - self._seen.keys()):
            self._read(missing)

    def learn(self, id: str, body: bytes) -> None:
        """A definition that is on its way into the store."""
        if len(self._seen) < MAX_LEARNT:
            self._seen[id] = _opened(body)

    def _read(self, ids: list[str]) -> None:
        held = self._node.store.objects.latest(id for id in ids if id.startswith("marking-definition--"))
        for id in ids:
            self._seen[id] = _opened(held[id].body) if id in held else None


def _opened(body: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except UNREADABLE:
        return None
