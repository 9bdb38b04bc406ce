"""The rounds of a session: the first list, the parts that come, and its end.

Each step is durable before its messages leave, and bears to be repeated after a kill: ``exchange.psi`` gives the same
parts again, and a part that came before changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from seawall.exchange import psi
from seawall.exchange.psi.interface import Channel, Multiplier
from seawall.exchange.psi.padding import most_items
from seawall.flow.budgets import left, spend
from seawall.flow.decoys import decoys
from seawall.flow.node import Node
from seawall.flow.overlap_circles import overlap_circles
from seawall.flow.overlap_set import OwnSet, Room, own_set
from seawall.flow.overlap_settle import settle
from seawall.flow.overlap_state import (
    Talk,
    bring_young,
    channel_of,
    keep_talk,
    part_of,
    session_name,
    session_of,
    talk_of,
    young_today,
)
from seawall.flow.overlap_stops import require_running
from seawall.flow.overlap_words import Hello, Masked, Ready, Stop, write_word
from seawall.flow.post import post
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import ObservableType, Refused
from seawall.model.epoch import DAY
from seawall.model.message import MessageKind
from seawall.model.overlap import OverlapSession, RunState
from seawall.model.psi import SessionState

NODE = "node"  # who acts when nobody asked
GIVEN_UP = 22 * DAY  # after which an unfinished session is given up: its messages are no longer on any way
STOPPED = "overlap-stopped:{peer}:{type}"
"""Key of the note with the reason for which the last run over a type stopped."""
EXHAUSTED = "Who leads may ask nothing more of this type now: its budget at the other side is used up."


def begin(node: Node, peer: str, type: ObservableType, multiplier: Multiplier) -> None:
    """Message 1: our new values, masked; or once more what did not leave of an unfinished session."""
    talk = talk_with(node, peer, type)
    channel = channel_of(node, peer, type, talk, multiplier)
    newest = channel.book.session()
    if newest is not None and newest.state is SessionState.OPEN:
        if node.clock() - newest.opened_at < GIVEN_UP:
            _send(node, peer, type, talk, psi.resume(channel))
            return
        psi.abandon(channel)
    if most_items(talk.room) < 0:
        node.store.notes.set(STOPPED.format(peer=peer, type=type.value), EXHAUSTED)
        say(node, peer, Stop(talk.run, (type,), EXHAUSTED))
        return
    number = newest.number + 1 if newest is not None else 1
    chosen = choose(node, peer, type, talk, channel)
    row = _row(node, peer, channel, number, first=True)
    bring_young(node, peer, type, row.id, chosen.hot)
    parts = psi.start(channel, number, items_of(node, type, chosen))
    sent = sum(map(len, parts))
    node.store.overlaps.keep_session(msgspec.structs.replace(row, mine=chosen.entering(), sent_bytes=sent))
    _send(node, peer, type, talk, parts)


def hear_masked(node: Node, peer: str, said: Masked, multiplier: Multiplier) -> None:
    """One part of any round. Raises Refused for what does not belong here; then nothing has changed."""
    type = said.type
    overlap_circles(node, peer)
    talk = msgspec.structs.replace(talk_with(node, peer, type), room=said.room, hot=said.hot)
    channel = channel_of(node, peer, type, talk, multiplier)
    number = psi.heading(said.part).session
    row = session_of(node, peer, channel, number)
    spent = _Spending(node, peer, type)
    chosen: list[OwnSet] = []

    def items() -> Iterable[bytes]:
        chosen.append(choose(node, peer, type, talk, channel))
        bring_young(node, peer, type, session_name(peer, channel, number), chosen[0].hot)
        return items_of(node, type, chosen[0])

    try:
        received = psi.receive(channel, said.part, items, spent.before_answering)
    except Refused as refused:
        if spent.refused:
            _give_up(node, peer, type, talk, channel, row or _row(node, peer, channel, number, first=False), refused)
            return
        raise
    keep_talk(node, peer, type, talk)
    row = row or _row(node, peer, channel, received.session, first=False)
    replies = received.replies
    node.store.overlaps.keep_session(_grown(node, row, said, replies, spent, chosen))
    _send(node, peer, type, talk, replies)
    if received.done:
        _finish(node, peer, type, channel, session_name(peer, channel, received.session))


def hear_stop(node: Node, peer: str, stop: Stop, multiplier: Multiplier) -> None:
    """The other side does not go on: what is unfinished of these types is given up."""
    for type in stop.types:
        talk = talk_of(node, peer, type)
        open_rows = node.store.overlaps.sessions(peer, type=type, unfinished=True)
        if talk is not None:
            channel = channel_of(node, peer, type, talk, multiplier)
            newest = channel.book.session()
            if newest is not None and newest.state is SessionState.OPEN:
                psi.abandon(channel)
        node.store.notes.set(STOPPED.format(peer=peer, type=type.value), stop.reason)
        for row in open_rows:
            _refuse(node, row, stop.reason, by=peer)


def choose(node: Node, peer: str, type: ObservableType, talk: Talk, channel: Channel) -> OwnSet:
    """Our values for the next list, within what the peer said it answers."""
    sent = frozenset(value for _, part in channel.book.sent_parts() for value in part.values)
    hot = min(talk.hot, node.settings.overlap.hot_per_day) - young_today(node, peer, type)
    room = Room(max(most_items(talk.room), 0), max(hot, 0))
    return own_set(node, peer, type, overlap_circles(node, peer), room, sent)


def items_of(node: Node, type: ObservableType, chosen: OwnSet) -> list[bytes]:
    """The list that goes: our values and, among them, values that nobody honest has."""
    return [*chosen.values, *sorted(decoys(node, type))] if chosen.decoys else list(chosen.values)


class _Spending:
    """Spends the peer's guesses before anything is evaluated, and remembers what was there before and after."""

    def __init__(self, node: Node, peer: str, type: ObservableType) -> None:
        self._node, self._peer, self._type = node, peer, type
        self.before: int | None = None
        self.after = 0
        self.count = 0
        self.refused = False

    def before_answering(self, count: int, key: str) -> None:
        try:
            require_running(self._node, self._peer, self._type)
            before = left(self._node, self._peer, self._type).now
            self.after = spend(self._node, self._peer, self._type, count, session=key)
        except Refused:
            self.refused = True
            raise
        self.before = before if self.before is None else self.before
        self.count += count


def _grown(
    node: Node, row: OverlapSession, said: Masked, replies: Sequence[bytes], spent: _Spending, chosen: Sequence[OwnSet]
) -> OverlapSession:
    return msgspec.structs.replace(
        row,
        changed_at=node.clock(),
        mine=chosen[0].entering() if chosen else row.mine,
        theirs=row.theirs + spent.count,
        sent_bytes=row.sent_bytes + sum(map(len, replies)),
        received_bytes=row.received_bytes + len(said.part),
        budget_before=spent.before if spent.before is not None and not row.theirs else row.budget_before,
        budget_after=spent.after if spent.before is not None else row.budget_after,
    )


def _finish(node: Node, peer: str, type: ObservableType, channel: Channel, name: str) -> None:
    """The end of a session, once: its leaf, and what both hold."""
    row = node.store.overlaps.session(name)
    if row is None or row.state is RunState.COMPLETE:
        return
    done = settle(node, peer, type, channel, row)
    details: dict[str, str | int | list[str]] = {
        "type": type.value, "epoch": row.epoch, "part": row.part.value, "mine": row.mine, "theirs": row.theirs,
        "common": done.common, "new": done.new, "budget_before": row.budget_before, "budget_after": row.budget_after,
        "bytes_out": row.sent_bytes, "bytes_in": row.received_bytes,
    }  # fmt: skip
    node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_RUN, node.clock(), NODE, peer, details))
    node.store.overlaps.keep_session(
        msgspec.structs.replace(
            row, state=RunState.COMPLETE, changed_at=node.clock(), common=done.common, reason=done.reason
        )
    )
    done.tell()


def _give_up(
    node: Node, peer: str, type: ObservableType, talk: Talk, channel: Channel, row: OverlapSession, why: Refused
) -> None:
    """We answer no more in this session: the peer is told, and both begin anew another time."""
    newest = channel.book.session()
    if newest is not None and newest.state is SessionState.OPEN:
        psi.abandon(channel)
    sentence = why.text.format(**why.values)
    _refuse(node, row, sentence, by=NODE)
    spoken = why.text.format(**(why.values | ({"peer": "your node"} if "peer" in why.values else {})))
    say(node, peer, Stop(talk.run, (type,), spoken[:500]))


def _refuse(node: Node, row: OverlapSession, reason: str, *, by: str) -> None:
    details: dict[str, str | int | list[str]] = {
        "type": row.type.value, "epoch": row.epoch, "part": row.part.value, "mine": row.mine, "theirs": row.theirs,
        "refused": reason, "budget_before": row.budget_before, "budget_after": row.budget_after,
    }  # fmt: skip
    node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_RUN, node.clock(), by, row.peer, details))
    node.store.overlaps.keep_session(
        msgspec.structs.replace(row, state=RunState.REFUSED, changed_at=node.clock(), reason=reason)
    )


def _row(node: Node, peer: str, channel: Channel, number: int, *, first: bool) -> OverlapSession:
    at = node.clock()
    return session_of(node, peer, channel, number) or OverlapSession(
        id=session_name(peer, channel, number),
        peer=peer,
        type=channel.epoch.terms.type,
        epoch=str(channel.epoch.terms.number),
        part=part_of(first),
        state=RunState.WAITING,
        begun_at=at,
        changed_at=at,
    )


def _send(node: Node, peer: str, type: ObservableType, talk: Talk, parts: Iterable[bytes]) -> None:
    room, hot = room_for(node, peer, type)
    for part in parts:
        say(node, peer, Masked(talk.run, type, part, room, hot))


def say(node: Node, peer: str, word: Hello | Ready | Masked | Stop) -> None:
    """Seal one word for the peer and queue it. Raises as ``post``."""
    post(node, peer, MessageKind.OVERLAP, write_word(word))


def room_for(node: Node, peer: str, type: ObservableType) -> tuple[int, int]:
    """What we answer this peer now, in points, and for values younger than agreed."""
    budget = left(node, peer, type)
    return budget.now, budget.hot


def talk_with(node: Node, peer: str, type: ObservableType) -> Talk:
    """What the peer last said about a type. Raises Refused E-FLOW-556 before it said anything."""
    talk = talk_of(node, peer, type)
    if talk is None:
        raise Refused("E-FLOW-556", "{peer} and we have not agreed on an epoch of {type} yet.", peer=peer,
                      type=type.value)  # fmt: skip
    return talk
