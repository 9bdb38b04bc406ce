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
from seawall.flow.overlap_counted import out_of_turn, require_counted
from seawall.flow.overlap_met import lane_due, lane_set, sent_in
from seawall.flow.overlap_set import OwnSet, Room, own_set
from seawall.flow.overlap_settle import settle
from seawall.flow.overlap_state import (
    Talk,
    begun_with,
    bring_young,
    channel_of,
    keep_talk,
    lane_of,
    lanes_of,
    part_of,
    session_name,
    session_of,
    talk_of,
    we_lead,
    young_today,
)
from seawall.flow.overlap_stops import require_running
from seawall.flow.overlap_telling import told_to_peer
from seawall.flow.overlap_words import MAX_REASON, Hello, Masked, Ready, Stop, write_word
from seawall.flow.post import post
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, ObservableType, Refused
from seawall.model.epoch import DAY
from seawall.model.message import MessageKind
from seawall.model.overlap import Lane, OverlapSession, Part, RunState
from seawall.model.psi import SessionState

NODE = "node"  # who acts when nobody asked
GIVEN_UP = 22 * DAY  # after which an unfinished session is given up: its messages are no longer on any way
STOPPED = "overlap-stopped:{peer}:{type}"
"""Key of the note with the reason for which the last run over a type stopped."""
EXHAUSTED = "Who leads may ask nothing more of this type now: its budget at the other side is used up."


def begin(node: Node, peer: str, type: ObservableType, multiplier: Multiplier, lane: Lane = Lane.CANDIDATES) -> bool:
    """Message 1: our new values, masked; or once more what did not leave of an unfinished session.

    False when nothing was begun: the peer answers no more, or a lane with what one side merely met is not due.
    """
    talk = talk_with(node, peer, type)
    channel = channel_of(node, peer, type, talk, multiplier, lane=lane)
    newest = channel.book.session()
    if newest is not None and newest.state is SessionState.OPEN:
        if node.clock() - newest.opened_at < GIVEN_UP:
            _send(node, peer, type, talk, psi.resume(channel))
            return True
        psi.abandon(channel)
    require_counted(node, peer, type, talk)
    if most_items(talk.room) < 0:
        if lane is not Lane.CANDIDATES:
            return False
        node.store.notes.set(STOPPED.format(peer=peer, type=type.value), EXHAUSTED)
        say(node, peer, Stop(talk.run, (type,), EXHAUSTED))
        return False
    number = newest.number + 1 if newest is not None else 1
    chosen = choose(node, peer, type, talk, channel)
    if lane is not Lane.CANDIDATES and not lane_due(node, talk, channel, chosen):
        return False
    row = _row(node, peer, channel, number, first=True)
    bring_young(node, peer, type, row.id, chosen.hot)
    parts = psi.start(channel, number, items_of(node, type, chosen))
    sent = sum(map(len, parts))
    node.store.overlaps.keep_session(msgspec.structs.replace(row, mine=chosen.entering(), sent_bytes=sent))
    _send(node, peer, type, talk, parts)
    return True


def _begin_next(node: Node, peer: str, type: ObservableType, channel: Channel) -> None:
    """Behind a session that we led: the next lane that is due. One after the other, so that each list is cut at what
    the peer answers after the one before."""
    lanes = lanes_of(talk_with(node, peer, type))
    for lane in lanes[lanes.index(lane_of(channel)) + 1 :]:
        if begin(node, peer, type, channel.multiplier, lane):
            return


def hear_masked(node: Node, peer: str, said: Masked, multiplier: Multiplier) -> None:
    """One part of any round. Raises Refused for what does not belong here; then nothing has changed.

    E-FLOW-753 for a part of another run, or for a first list out of turn; 750 and 751 as ``require_counted``.
    """
    type = said.type
    overlap_circles(node, peer)
    talk = msgspec.structs.replace(talk_with(node, peer, type), room=said.room, hot=said.hot)
    heading = psi.heading(said.part)
    lane = next((lane for lane in Lane if lane.value == heading.purpose), Lane.CANDIDATES)
    channel = channel_of(node, peer, type, talk, multiplier, lane=lane)
    number = heading.session
    row = session_of(node, peer, channel, number)
    _require_turn(node, peer, said, talk, begins=row is None)
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
    if received.done and _finish(node, peer, type, channel, session_name(peer, channel, received.session)):
        _begin_next(node, peer, type, channel)


def _require_turn(node: Node, peer: str, said: Masked, talk: Talk, *, begins: bool) -> None:
    """A new list comes in the run that both greeted for, from who leads it, once it was counted where that is agreed.

    The rest of a session may still bear the name of the run before: a greeting overtook it.
    """
    fits = said.run == talk.run or (not begins and said.run == talk.before)
    if not fits or (begins and we_lead(node, peer, talk.day)):
        raise out_of_turn(said.type)
    if begins:
        require_counted(node, peer, said.type, talk)


def hear_stop(node: Node, peer: str, stop: Stop, multiplier: Multiplier) -> None:
    """The other side does not go on: what is unfinished of these types is given up, unless a later run took over."""
    begun = begun_with(node, peer)
    for type in stop.types:
        talk = talk_of(node, peer, type)
        if stop.run not in {begun.run if begun is not None else "", talk.run if talk is not None else ""}:
            continue
        open_rows = node.store.overlaps.sessions(peer, type=type, unfinished=True, lane=stop.lane)
        if talk is not None and stop.lane in lanes_of(talk):
            channel = channel_of(node, peer, type, talk, multiplier, lane=stop.lane)
            newest = channel.book.session()
            if newest is not None and newest.state is SessionState.OPEN:
                psi.abandon(channel)
        if stop.lane is Lane.CANDIDATES:
            node.store.notes.set(STOPPED.format(peer=peer, type=type.value), stop.reason)
        for row in open_rows:
            _refuse(node, row, stop.reason, by=peer)


def choose(node: Node, peer: str, type: ObservableType, talk: Talk, channel: Channel) -> OwnSet:
    """Our values for the next list, within what the peer said it answers."""
    if lane_of(channel) is not Lane.CANDIDATES:
        return lane_set(node, peer, type, talk, channel)
    sent = sent_in(channel)
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


def _finish(node: Node, peer: str, type: ObservableType, channel: Channel, name: str) -> bool:
    """The end of a session, once: its leaf, and what both hold. Whether we led it and it ended just now."""
    row = node.store.overlaps.session(name)
    if row is None or row.state is RunState.COMPLETE:
        return False
    done = settle(node, peer, type, channel, row)
    details: dict[str, str | int | list[str]] = {
        "type": type.value, "lane": row.lane.value, "epoch": row.epoch, "part": row.part.value, "mine": row.mine,
        "theirs": row.theirs, "common": done.common, "new": done.new, "budget_before": row.budget_before,
        "budget_after": row.budget_after, "bytes_out": row.sent_bytes, "bytes_in": row.received_bytes,
    }  # fmt: skip
    node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_RUN, node.clock(), NODE, peer, details))
    node.store.overlaps.keep_session(
        msgspec.structs.replace(
            row, state=RunState.COMPLETE, changed_at=node.clock(), common=done.common, reason=done.reason
        )
    )
    done.tell()
    return row.part is Part.FIRST


def _give_up(
    node: Node, peer: str, type: ObservableType, talk: Talk, channel: Channel, row: OverlapSession, why: Refused
) -> None:
    """We answer no more in this session: the peer is told, and both begin anew another time."""
    newest = channel.book.session()
    if newest is not None and newest.state is SessionState.OPEN:
        psi.abandon(channel)
    sentence = why.text.format(**why.values)
    _refuse(node, row, sentence, by=NODE)
    say(node, peer, Stop(talk.run, (type,), told_to_peer(why)[:MAX_REASON], lane_of(channel)))


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
        lane=lane_of(channel),
    )


def _send(node: Node, peer: str, type: ObservableType, talk: Talk, parts: Iterable[bytes]) -> None:
    room, hot = room_for(node, peer, type)
    for part in parts:
        say(node, peer, Masked(talk.run, type, part, room, hot))


def refuse_run(node: Node, peer: str, type: ObservableType, run: str, why: Fault) -> None:
    """A run does not go on here: our people read why, the peer what it may know."""
    node.store.notes.set(STOPPED.format(peer=peer, type=type.value), why.text.format(**why.values))
    say(node, peer, Stop(run, (type,), told_to_peer(why)[:MAX_REASON]))


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
