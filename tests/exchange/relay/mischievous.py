"""MischievousRelay: a real relay on loopback whose mailboxes misbehave as they are told; without mischief it is honest.

with MischievousRelay(tmp_path, Mischief.DUPLICATE, Mischief.SWAP) as relay:
    box = relay.mailbox()                       # box.id (hex), box.read, box.write (bytes)
    client = relay.client()
    client.put(box.id, box.write, data, expires=...)
    relay.behave(Mischief.DROP)                 # from now on this instead
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from seawall.exchange.relay import RelayBounds, RelayClient, faults
from seawall.exchange.relay.server import Books, Counter, Mailboxes, RelayRole, RelayServer, Witness, make_relay
from seawall.exchange.relay.server.app import Roles
from seawall.exchange.relay.server.mailboxes import Page
from seawall.model import Clock, system_clock

AT = 1_793_000_000_000_000


class Mischief(StrEnum):
    """What a relay may do to messages without being able to read them."""

    DROP = "drop"  # a put is answered and forgotten
    DUPLICATE = "duplicate"  # each message comes twice, under two ids
    DELAY = "delay"  # a message is hidden from the first two fetches after it came
    SWAP = "swap"  # the order of a fetch is shuffled
    CROSS = "cross"  # messages of other mailboxes come too
    TRUNCATE = "truncate"  # the second half of each message is missing
    FLIP = "flip"  # one bit of each message is changed
    LIE_IDS = "lie-ids"  # ids are new at each fetch
    KEEP = "keep"  # a delete is answered and nothing is deleted
    FULL = "full"  # every mailbox is full
    LOSE_ANSWER = "lose-answer"  # a put is kept, and its answer lost


class Box(msgspec.Struct, frozen=True):
    """A mailbox as its users know it."""

    id: str
    read: bytes
    write: bytes


class MischievousMailboxes(Mailboxes):
    """Mailboxes that do what ``mischief`` says; ``dice`` decides where there is a choice."""

    mischief: frozenset[Mischief] = frozenset()
    dice = random.Random(6)
    hidden: dict[bytes, int] = {}  # noqa: RUF012 - replaced by each relay

    def put(self, id: bytes, token: bytes, data: bytes, expires: int, now: int) -> bytes:
        """Put, drop, or keep and lose the answer."""
        if Mischief.FULL in self.mischief:
            raise faults.FULL(seconds=60)
        if Mischief.DROP in self.mischief:
            return secrets.token_bytes(16)
        made = super().put(id, token, data, expires, now)
        if Mischief.DELAY in self.mischief:
            self.hidden[made] = 2
        if Mischief.LOSE_ANSWER in self.mischief:
            raise ConnectionResetError
        return made

    def page(self, id: bytes, token: bytes, after: bytes | None, limit: int, now: int) -> Page:
        """A page with mischief in it, in a fixed order of kinds."""
        items = list(super().page(id, token, after, limit, now).items)
        if Mischief.DELAY in self.mischief:
            late = {item[0] for item in items if self.hidden.get(item[0], 0) > 0}
            for one in late:
                self.hidden[one] -= 1
            items = [item for item in items if item[0] not in late]
        if Mischief.CROSS in self.mischief:
            rows = self._books.db.execute("SELECT id, expires, data FROM message WHERE mailbox != ?", (id,))
            items += [(bytes(one), int(ends), bytes(data)) for one, ends, data in rows]
        if Mischief.TRUNCATE in self.mischief:
            items = [(one, ends, data[: len(data) // 2]) for one, ends, data in items]
        if Mischief.FLIP in self.mischief:
            items = [(one, ends, self._flipped(data)) for one, ends, data in items]
        if Mischief.DUPLICATE in self.mischief:
            items = [twin for item in items for twin in (item, (secrets.token_bytes(16), *item[1:]))]
        if Mischief.LIE_IDS in self.mischief:
            items = [(secrets.token_bytes(16), *item[1:]) for item in items]
        if Mischief.SWAP in self.mischief:
            self.dice.shuffle(items)
        return Page(tuple(items[:limit]))

    def delete(self, id: bytes, token: bytes, ids: Sequence[bytes]) -> int:
        """Delete, or say so."""
        return len(ids) if Mischief.KEEP in self.mischief else super().delete(id, token, ids)

    def _flipped(self, data: bytes) -> bytes:
        at = self.dice.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


class _Server(RelayServer):
    def roles(self) -> Roles:
        """The desks, with mischievous mailboxes."""
        honest = super().roles()
        return Roles(MischievousMailboxes(self.books, self.bounds), honest.witness, honest.counter)


class MischievousRelay(_Server):
    """A running relay with all three roles, in a folder below ``folder``.

    ``boxes``, ``ledgers`` and ``pairs`` are an operator's desks on the same books, as another process has them.
    """

    def __init__(
        self,
        folder: Path,
        *mischief: Mischief,
        clock: Clock = system_clock,
        bounds: RelayBounds | None = None,
        plain: bool = True,
    ) -> None:
        place = folder / "relay"
        if not place.exists():
            make_relay(place, "Mischief", tuple(RelayRole), AT)
        super().__init__(place, port=0, plain=plain, clock=clock, bounds=bounds)
        self.behave(*mischief)
        self.evil.hidden = {}
        self._beside = Books(place)
        self.boxes = Mailboxes(self._beside, self.bounds)
        self.ledgers = Witness(self._beside, self.bounds, self.furnished.witness_key)
        self.pairs = Counter(self._beside, self.bounds)

    @property
    def evil(self) -> MischievousMailboxes:
        """The mailboxes that answer requests."""
        found = self.app.desks.mailboxes
        assert isinstance(found, MischievousMailboxes)
        return found

    def stop(self) -> None:
        """End it."""
        super().stop()
        self._beside.close()

    def behave(self, *mischief: Mischief) -> None:
        """Misbehave so, and no more otherwise."""
        self.evil.mischief = frozenset(mischief)

    def mailbox(self) -> Box:
        """A new mailbox."""
        made = self.boxes.add()
        return Box(made.id.hex(), made.read, made.write)

    def pair(self) -> tuple[bytes, bytes]:
        """The two tokens of a new pair for counting."""
        made = self.pairs.add()
        return made.first, made.second

    def client(self, *, name: str = "relay", answer_seconds: float = 30.0) -> RelayClient:
        """A client that trusts this relay's key."""
        pin = None if self.url.startswith("http:") else self.furnished.pin
        key = self.furnished.verifier_key
        return RelayClient(self.url, pin=pin, name=name, witness_key=key, answer_seconds=answer_seconds)
