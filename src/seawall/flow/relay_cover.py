"""Cover traffic: every visit to the mailbox of a peer under cover looks the same, whether there is much to say or none.

At each run of the job ``sync``, and at no other moment, what waits is fetched once and the same number of cells of one
size is laid down: standing and messages first, nothing after that. What does not fit waits for the next run. So whoever
runs or watches the relay sees a rhythm, and neither when something happened nor how much was said; that both speak at
all stays visible, and so does a node that is switched off.

Steps of a visit: (1) fetch once; (2) lay our standing into cells, then the message that was begun, then what is due, in
order; (3) put the cells on the ledger; (4) put them at the relay; (5) remember which messages went out whole, and how
far the next one came. A kill before (5) sends some again, which does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from seawall.exchange.post import Carried, encoded
from seawall.exchange.relay import RelayBusy
from seawall.flow.node import Node
from seawall.flow.post_queue import NODE, refresh
from seawall.flow.post_seal import lives_until, seal_for
from seawall.flow.post_state import locked, memory_of, remember
from seawall.flow.relay_book import RelayLink, keep_link, link_of
from seawall.flow.relay_cells import CELL_BYTES, MOST_CELLS, Packer, name_of, sealed_digests
from seawall.flow.relay_delivery import BOUNDS, SECOND, STANDING_LIFE, Put, Visit, assembly_of, visiting
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Refused
from seawall.model.message import MessageKind
from seawall.model.peer import PeerRecord
from seawall.model.post import Outgoing

BEGUN = "cover:{peer}"
CELL_LIFE = 2 * 86_400 * SECOND  # all cells alike; what is lost with them is sent anew
MOST_STANDING = CELL_BYTES // 2  # or a single cell would have no room for anything else
RUNS_A_DAY = 288  # of the job ``sync``
WAITS = "what waits for {peer} leaves with the next run of the job 'sync': this peer is under cover"

_in_rhythm: ContextVar[bool] = ContextVar("a run of the job sync", default=False)


class _Begun(msgspec.Struct, frozen=True):
    """How far the message got for which there was no more room."""

    sequence: int
    message: str  # lower hex: sealed anew it is another one, and begins anew
    upto: int


@contextmanager
def rhythm() -> Iterator[None]:
    """Inside, peers under cover are visited; nowhere else."""
    token = _in_rhythm.set(True)
    try:
        yield
    finally:
        _in_rhythm.reset(token)


def deliver_under_cover(
    node: Node, record: PeerRecord, link: RelayLink, handlers: Mapping[MessageKind, str]
) -> Carried:
    """Visit both mailboxes once in a run of the job ``sync``; at other moments only say that it waits.

    Raises as ``deliver_by_relay``.
    """
    if not _in_rhythm.get():
        return Carried(problems=[WAITS.format(peer=record.code_name)])
    with visiting(node, record):
        return CoveredVisit(node, record, link, handlers).run()


class CoveredVisit(Visit):
    """One visit that looks like every other."""

    rounds = 1
    resend_first = 1_800 * SECOND  # an answer takes a run of the job at either side, and room is scarce

    def lay(self, mailbox: str, put: Put, *, everything: bool = False) -> int:
        """As many cells as were set, whatever waits. Returns how many messages went out whole."""
        node, peer = self._node, self._peer
        with locked(node, peer, "ours"):
            refresh(node, self._record, mailbox)
        packer, turn = Packer(self._link.cover), self._turn
        memory = msgspec.structs.replace(memory_of(node, peer), turn=turn)
        remember(node, peer, memory)
        packer.add(self._sealed_standing(mailbox))
        whole, begun = self._pack(packer)
        expires = lives_until(node, peer, node.clock() + CELL_LIFE)
        cells = [self._sealed(MessageKind.COVER, body, expires, mailbox) for body in packer.bodies()]
        details: dict[str, str | int | list[str]] = {
            "message": MessageKind.COVER.value,
            "sequence": turn,
            "sha256": sealed_digests(cells),
            "size": sum(map(len, cells)),
        }
        node.ledger.record_event(LedgerEvent(EventKind.MESSAGE_SENT, node.clock(), NODE, peer, details))
        self._turn += 1
        try:
            for cell in cells:
                put(cell, expires)
                self.carried.bytes_out += len(cell)
        except RelayBusy as fault:
            self.carried.problems.append(fault.text.format(**fault.values))
            return 0
        self._went(whole, begun, turn)
        return len(whole)

    def _pack(self, packer: Packer) -> tuple[list[Outgoing], _Begun | None]:
        """(the messages that found room to their end, the one that did not)."""
        node, peer = self._node, self._peer
        begun, whole = self._begun(), list[Outgoing]()
        due = [row for row in node.store.post.waiting(peer, limit=BOUNDS.waiting) if self._is_due(row)]
        for row in sorted(due, key=lambda row: begun is None or row.sequence != begun.sequence):
            kept = node.store.post.get(peer, row.sequence)
            if kept is None or kept.sealed is None:
                continue
            name = name_of(kept.sealed).hex()
            upto = packer.add(kept.sealed, begun.upto if begun is not None and begun.message == name else 0)
            if upto < len(kept.sealed):
                return whole, _Begun(row.sequence, name, upto) if upto else None
            whole.append(kept)
        return whole, None

    def _went(self, whole: list[Outgoing], begun: _Begun | None, turn: int) -> None:
        node, peer = self._node, self._peer
        for kept in whole:
            node.store.post.put(peer, kept.sequence, node.clock(), turn)
            self.carried.sent += 1
        memory = memory_of(node, peer)
        highest = max((kept.sequence for kept in whole), default=0)
        if highest > memory.sent:
            remember(node, peer, msgspec.structs.replace(memory, sent=highest))
        if begun is None:
            node.store.notes.delete(BEGUN.format(peer=peer))
        else:
            node.store.notes.set(BEGUN.format(peer=peer), msgspec.json.encode(begun).decode())

    def _begun(self) -> _Begun | None:
        text = self._node.store.notes.get(BEGUN.format(peer=self._peer))
        return msgspec.json.decode(text, type=_Begun) if text else None

    def _sealed_standing(self, mailbox: str) -> bytes:
        node, memory = self._node, memory_of(self._node, self._peer)
        standing = msgspec.structs.replace(
            self._book.standing(self._peer), busy=False, turn=self._turn, heard=memory.heard, sent=memory.sent
        )
        if len(encoded(standing)) > MOST_STANDING:  # sentences can wait; where a message stands cannot
            standing = msgspec.structs.replace(standing, problems=())
        expires = lives_until(node, self._peer, node.clock() + STANDING_LIFE)
        return self._sealed(MessageKind.STANDING, encoded(standing), expires, mailbox)

    def _sealed(self, kind: MessageKind, body: bytes, expires: int, mailbox: str) -> bytes:
        return seal_for(
            self._node,
            self._record,
            sequence=self._turn,
            kind=kind,
            at=self._node.clock(),
            expires=expires,
            body=body,
            mailbox=mailbox,
        )


def set_cover(node: Node, name: str, cells: int) -> dict[str, object]:
    """Put what goes to this peer under cover, so many cells a visit; 0 ends it.

    Raises Refused E-FLOW-994 without a relay, Fault E-FLOW-995 for a number that cannot be.
    """
    node.require("manage-peers")
    node.store.peers.get(name)
    link = link_of(node, name)
    if cells and not link.whole:
        raise Refused(
            "E-FLOW-994",
            "Cover needs a relay: both mailboxes between us and {peer} must be known; 'seawall peers relay {peer}' "
            "says what is missing.",
            peer=name,
        )
    if not 0 <= cells <= MOST_CELLS:
        raise Fault("E-FLOW-995", "A visit under cover has 1 to {most} cells, {cells} were asked for.",
                    most=MOST_CELLS, cells=cells)  # fmt: skip
    if cells != link.cover:
        keep_link(node, name, msgspec.structs.replace(link, cover=cells))
        node.store.notes.delete(BEGUN.format(peer=name))  # what was begun begins anew
        node.event(EventKind.RELAY_SET, name, url=link.theirs.url if link.theirs else "", whose="cover", cells=cells)
    return show_cover(node, name)


def forget_cover(node: Node, peer: str) -> None:
    """Let go of what came or went in part; the mailboxes between us and this peer are given up."""
    node.store.notes.delete(BEGUN.format(peer=peer))
    assembly_of(node, peer).clear()


def show_cover(node: Node, name: str) -> dict[str, object]:
    """What is set for this peer, and what that costs."""
    node.store.peers.get(name)
    cells = link_of(node, name).cover
    return {
        "peer": name,
        "cells": cells,
        "bytes_a_visit": cells * CELL_BYTES,
        "bytes_a_day": cells * CELL_BYTES * RUNS_A_DAY,
        "waiting": node.store.post.count_waiting(name)[0],
    }
