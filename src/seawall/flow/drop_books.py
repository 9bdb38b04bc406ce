"""What a node remembers about the drops it exchanged with one peer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TypeVar

import msgspec

from seawall.exchange.drop import Acknowledged, Header, Receiving, Sending, Sent, missing_numbers
from seawall.exchange.notices import Standing
from seawall.exchange.notices.paths import NOTICE_TYPE
from seawall.flow.between import can_prove, proven_now
from seawall.flow.node import Node
from seawall.flow.notices import NoticeBook
from seawall.identity.between_us import is_between_us

SENDING = "drop-sending:{peer}"
SENT = "drop-sent:{peer}:{epoch}:{number}"
RECEIVING = "drop-receiving:{peer}"
GOT = "drop-got:{peer}:{epoch}:{number}"
TOLD = "drop-told:{peer}"
HEARD = "drop-heard:{peer}"

Kept = TypeVar("Kept", Sending, Sent, Receiving)


class Books:
    """The notes about one peer."""

    def __init__(self, node: Node, peer: str) -> None:
        self._node, self._peer = node, peer

    def sending(self) -> Sending | None:
        """The chain that we send; None before the first drop."""
        return self._read(SENDING.format(peer=self._peer), Sending)

    def sent(self, chain: Sending, number: int) -> Sent | None:
        """One drop of that chain."""
        return self._read(SENT.format(peer=self._peer, epoch=chain.epoch, number=number), Sent)

    def keep_sent(self, chain: Sending, sent: Sent) -> None:
        """The drop first, then the chain that counts it."""
        self._write(SENT.format(peer=self._peer, epoch=chain.epoch, number=sent.number), sent)
        self._write(SENDING.format(peer=self._peer), chain)

    def receiving(self) -> Receiving:
        """The chain that the peer sends."""
        return self._read(RECEIVING.format(peer=self._peer), Receiving) or Receiving()

    def keep_receiving(self, chain: Receiving) -> None:
        """Remember how far the peer's chain has come."""
        self._write(RECEIVING.format(peer=self._peer), chain)

    def got(self, epoch: int, number: int) -> str | None:
        """The link of a drop that was taken in."""
        return self._node.store.notes.get(GOT.format(peer=self._peer, epoch=epoch, number=number))

    def keep_got(self, epoch: int, number: int, link: str) -> None:
        """Remember that a drop was taken in."""
        self._node.store.notes.set(GOT.format(peer=self._peer, epoch=epoch, number=number), link)

    def hear(self, said: Acknowledged | None, at: int) -> None:
        """Keep what the peer says has arrived; what it cannot know is not believed."""
        chain = self.sending()
        if said is None or chain is None or said.epoch != chain.epoch:
            return
        if not chain.acknowledged <= said.number <= chain.number:
            return
        missing = tuple(number for number in said.missing[:1_000] if said.number < number <= chain.number)
        self._write(
            SENDING.format(peer=self._peer),
            msgspec.structs.replace(
                chain, acknowledged=said.number, acknowledged_at=at, missing=missing, rejected=max(said.rejected, 0)
            ),
        )

    def cursor(self, circle: str, direction: str) -> str | None:
        """How far the circle's outbox was carried."""
        return self._node.store.sync.cursor(self._peer, circle, direction)

    def advance(self, circle: str, direction: str, reached: str | None) -> None:
        """Move the cursor on; never back."""
        held = self.cursor(circle, direction)
        if reached is not None and reached != "" and int(reached) > int(held or 0):
            self._node.store.sync.set_cursor(self._peer, circle, direction, reached)

    def forget_cursors(self, direction: str) -> None:
        """Begin every circle anew."""
        for terms in self._node.store.circles.list():
            if self.cursor(terms.name, direction):
                self._node.store.sync.set_cursor(self._peer, terms.name, direction, "0")

    def has_news(self, header: Header) -> bool:
        """Whether terms, or what we have to acknowledge, differ from what we last told."""
        return self._node.store.notes.get(TOLD.format(peer=self._peer)) != _news(header, self.receiving())

    def told(self, header: Header) -> None:
        """Remember what this drop tells beside its objects."""
        self._node.store.notes.set(TOLD.format(peer=self._peer), _news(header, self.receiving()))

    def notices(self, most: int) -> tuple[Sequence[bytes], int]:
        """Our notices that the peer has not taken, as far as it said, and the number of the last one."""
        heard = self._node.store.notes.get(HEARD.format(peer=self._peer))
        waiting = self._node.store.notices.waiting(self._peer, limit=1)
        if heard is None and not waiting:
            return (), 0
        after = int(heard) if heard is not None else waiting[0].number - 1
        rows = list(self._node.store.notices.behind(self._peer, after, most))
        if not can_prove(self._node, self._peer):  # the drop will be signed: what stays between us is not for it
            rows = list(takewhile(lambda row: not is_between_us(row.envelope), rows))
        envelopes = proven_now(self._node, self._peer, [row.envelope for row in rows], NOTICE_TYPE)
        return envelopes, rows[-1].number if rows else 0

    def heard_notices(self) -> Standing:
        """How far we have come in the peer's."""
        return NoticeBook(self._node).standing(self._peer)

    def hear_standing(self, heard: Standing | None) -> None:
        """Keep how far the peer says to be in ours; an older version says nothing."""
        if heard is not None:
            self._node.store.notes.set(HEARD.format(peer=self._peer), str(max(heard.number, 0)))
            NoticeBook(self._node).settle(self._peer, heard, ())

    def _read(self, key: str, kind: type[Kept]) -> Kept | None:
        text = self._node.store.notes.get(key)
        return msgspec.json.decode(text, type=kind) if text is not None else None

    def _write(self, key: str, value: msgspec.Struct) -> None:
        self._node.store.notes.set(key, msgspec.json.encode(value).decode())


def _news(header: Header, heard: Receiving) -> str:
    """An empty drop is no news, or two nodes would thank each other for ever."""
    told = header.heard.number if header.heard is not None else 0
    notices = [told, header.last_notice] if told or header.last_notice else []
    return msgspec.json.encode([heard.epoch, heard.worth, missing_numbers(heard), *notices]).decode()


def acknowledgement(chain: Receiving) -> Acknowledged | None:
    """What we tell a peer of its own chain; None before its first drop."""
    if not chain.epoch:
        return None
    return Acknowledged(chain.epoch, chain.number, missing_numbers(chain), chain.rejected)
