"""A relay in memory that may be mischievous, and neighbours whose messages go by it or by hand."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import carry, neighbours
from seawall.exchange.relay import CountAnswer, MailboxFull, Waiting, is_padded
from seawall.flow import post as post_flow
from seawall.flow import relay_delivery
from seawall.flow.node import Node
from seawall.flow.prekeys import tell_prekey
from seawall.flow.relay_book import GIVEN, READ, WRITE, Place, keep_link, keep_token, link_of
from seawall.model import Fault, NotFound, Unavailable
from seawall.model.message import Message, MessageKind

URL = "https://relay.example:8702"
SEEN: list[tuple[str, int, bytes]] = []
"""(peer, sequence, body) of messages that were handled."""


def see(node: Node, message: Message) -> None:
    """A handler for tests: it rejects ``bad``, answers ``ask``, dies of ``die``."""
    if message.body == b"bad":
        raise Fault("E-TEST-001", "This is not wanted here.")
    if message.body == b"die":
        raise KeyboardInterrupt
    SEEN.append((message.peer, message.sequence, message.body))
    if message.body.startswith(b"ask"):
        post_flow.post(node, message.peer, MessageKind.ASK, b"answer to " + message.body)


class RelayInMemory:
    """Implements ``exchange.relay.Relay`` for mailboxes; ``mischief`` may change what is put."""

    def __init__(self) -> None:
        self.boxes: dict[str, tuple[bytes, bytes, list[Waiting]]] = {}
        self.stored: list[bytes] = []
        self.mischief: Callable[[str, Waiting, list[Waiting]], None] = lambda _box, item, items: items.append(item)
        self.room = 10_000
        self.down = False

    def make(self) -> tuple[str, bytes, bytes]:
        """(mailbox, read token, write token)."""
        box, read, write = secrets.token_hex(16), secrets.token_bytes(32), secrets.token_bytes(32)
        self.boxes[box] = (read, write, [])
        return box, read, write

    def _box(self, mailbox: str, token: bytes, which: int) -> list[Waiting]:
        if self.down:
            raise Unavailable("E-EXCHANGE-770", "The relay {relay} cannot be reached; check its address and the "
                              "network.", relay="relay")  # fmt: skip
        if mailbox not in self.boxes or self.boxes[mailbox][which] != token:
            raise NotFound("E-EXCHANGE-774", "The relay has nothing there that this token opens.")
        return self.boxes[mailbox][2]

    def put(self, mailbox: str, token: bytes, data: bytes, *, expires: int) -> str:
        """See ``Relay.put``."""
        items = self._box(mailbox, token, 1)
        assert is_padded(len(data))
        if len(items) >= self.room:
            raise MailboxFull("E-EXCHANGE-775", "The mailbox is full {seconds}.", seconds=60)
        self.stored.append(data)
        item = Waiting(secrets.token_hex(16), data, expires)
        self.mischief(mailbox, item, items)
        return item.id

    def fetch(
        self, mailbox: str, token: bytes, after: str | None = None, limit: int = 100, *, wait: float = 0.0
    ) -> Sequence[Waiting]:
        """See ``Relay.fetch``."""
        del after, wait
        return tuple(self._box(mailbox, token, 0)[:limit])

    def delete(self, mailbox: str, token: bytes, ids: Iterable[str]) -> int:
        """See ``Relay.delete``."""
        items, gone = self._box(mailbox, token, 0), set(ids)
        before = len(items)
        items[:] = [item for item in items if item.id not in gone]
        return before - len(items)

    def count(self, round_id: str, token: bytes, tags: Sequence[bytes]) -> CountAnswer | None:
        """Not here."""
        raise NotFound("E-EXCHANGE-774", "The relay has nothing there that this token opens.")

    def witness(self, checkpoint: str) -> str:
        """Not here."""
        raise NotFound("E-EXCHANGE-774", "The relay has nothing there that this token opens.")


def know_keys(nodes: dict[str, Node]) -> None:
    """Everybody holds everybody's prekey."""
    for name, node in nodes.items():
        for other in nodes:
            if other != name:
                tell_prekey(node, other)
                carry(nodes, name, other)


def link(nodes: dict[str, Node], one: str, other: str, relay: RelayInMemory) -> None:
    """Both write into each other's mailbox at this relay."""
    for reader, writer in ((one, other), (other, one)):
        box, read, write = relay.make()
        place = Place(URL, "", box)
        _add(nodes[reader], writer, ours=place)
        keep_token(nodes[reader], writer, READ, read, place)
        keep_token(nodes[reader], writer, GIVEN, write, place)
        _add(nodes[writer], reader, theirs=place)
        keep_token(nodes[writer], reader, WRITE, write, place)


def _add(node: Node, peer: str, **places: Place) -> None:
    keep_link(node, peer, msgspec.structs.replace(link_of(node, peer), **places))


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch, relay: RelayInMemory | None = None) -> Iterator[None]:
    """Messages of kind ``ask`` are seen by ``see``; relays are the one in memory."""
    SEEN.clear()
    monkeypatch.setitem(post_flow.HANDLERS, MessageKind.ASK, "flow.post_scenes:see")
    if relay is not None:
        monkeypatch.setattr(relay_delivery, "connect", lambda _place: relay)
    yield


@contextmanager
def by_relay(folder: Path, monkeypatch: pytest.MonkeyPatch, relay: RelayInMemory) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul, which speak through the relay."""
    with neighbours(folder, "taipei", "seoul") as found, watched(monkeypatch, relay):
        know_keys(found)
        link(found, "taipei", "seoul", relay)
        yield found


def settle(nodes: dict[str, Node], *names: str, rounds: int = 3) -> list[str]:
    """Everybody delivers to everybody, a few times; the sentences that were said."""
    said: list[str] = []
    for _ in range(rounds):
        for name in names:
            for other in names:
                if other != name:
                    said += post_flow.deliver(nodes[name], other).problems
    return said
