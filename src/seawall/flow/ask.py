"""Is this value known to you? One blinded look-up for each value, under the same budget as a comparison.

The asked side learns that so many questions of a type were asked; the values are masked with a scalar that is used
once. The asker learns whether a value is among those that the asked side brought into this epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec

from seawall.codec.values import canonical, detect, refang
from seawall.exchange import psi
from seawall.exchange.psi.interface import Channel
from seawall.flow.budgets import left, spend
from seawall.flow.excluded import OPERATION, OWN, VICTIM, why_not
from seawall.flow.node import Node
from seawall.flow.overlap import ensure_agreed, exchange, run_overlap
from seawall.flow.overlap_circles import overlap_circles
from seawall.flow.overlap_greeting import NOT_CARRIED, carried_types
from seawall.flow.overlap_masks import multiplying
from seawall.flow.overlap_state import alone_with, channel_of, epoch_now, talk_of
from seawall.flow.overlap_stops import require_running
from seawall.flow.overlap_telling import tellable, told_apart, told_to_peer
from seawall.flow.post import post
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Observable, ObservableType, Refused, rfc3339
from seawall.model.epoch import DAY
from seawall.model.message import Message, MessageKind
from seawall.model.unreadable import UNREADABLE

NODE = "node"
MAX_VALUES = 1_000  # of one command
AT_ONCE = 250  # questions of one message
MAX_PART = 1_024  # bytes: a question and its answer take under 300
ASKED = "asked:{peer}:{type}:{value}"
SENSITIVE = {
    OWN: "one of your own assets",
    VICTIM: "a victim's, by what your sensors saw",
    OPERATION: "on your list of what is kept out",
}
"""What is not asked about without a person saying so twice."""


class Questions(msgspec.Struct, frozen=True, tag="questions", tag_field="word"):
    """Blinded values of one type."""

    type: ObservableType
    parts: Annotated[
        tuple[Annotated[bytes, msgspec.Meta(max_length=MAX_PART)], ...], msgspec.Meta(min_length=1, max_length=AT_ONCE)
    ]


class Replies(msgspec.Struct, frozen=True, tag="replies", tag_field="word"):
    """One reply for each question that was answered, and why the rest was not."""

    type: ObservableType
    parts: Annotated[tuple[Annotated[bytes, msgspec.Meta(max_length=MAX_PART)], ...], msgspec.Meta(max_length=AT_ONCE)]
    room: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 0
    refused: Annotated[str, msgspec.Meta(max_length=500)] = ""


class AskedOnce(msgspec.Struct, frozen=True):
    """What came of a question. Moments in microseconds UTC."""

    asked_at: int
    answered_at: int = 0  # 0: not yet
    known: bool = False
    reason: str = ""  # why it was not answered
    shown: bool = False


def ask_peer(
    node: Node,
    peer: str,
    values: Sequence[str],
    *,
    type: ObservableType | None = None,
    force: bool = False,
    on_step: Callable[[], None] = lambda: None,
) -> dict[str, object]:
    """Ask about each value, and say what is known so far.

    Raises Fault E-FLOW-500 for what is no value of a known type, E-FLOW-563 for none or too many, Refused E-FLOW-561
    for an own asset, a victim or an ongoing operation without ``force``, E-FLOW-564 for a type that no circle carries.
    """
    node.require("sync")
    ensure_agreed(node, peer)
    require_running(node, peer)
    wanted = _read(values, type)
    for one in wanted:
        _check(node, peer, one, force=force)
    problems: list[str] = []
    for kind in sorted({one.type for one in wanted}):
        of_kind = [one for one in wanted if one.type is kind]
        fresh = [one for one in of_kind if _due(node, peer, one)]
        if fresh:
            problems += _ready(node, peer, kind, on_step)
            _ask(node, peer, kind, fresh)
    _, more = exchange(node, peer, on_step)
    problems += [one for one in more if one not in problems]
    items = [_row(node, peer, one) for one in wanted]
    return {"peer": peer, "items": items, "next": None, "problems": problems}


def hear_ask(node: Node, message: Message) -> None:
    """Handle a message of kind ``ask``; bears to be repeated. Raises Refused E-FLOW-565 for what cannot be read."""
    try:
        said = msgspec.msgpack.decode(message.body, type=Questions | Replies)
    except UNREADABLE:
        raise Refused("E-FLOW-565", "The question or its answer cannot be read.") from None
    with told_apart(), alone_with(node, message.peer), multiplying() as multiplier:
        overlap_circles(node, message.peer)
        talk = talk_of(node, message.peer, said.type)
        if talk is None:
            raise Refused("E-FLOW-556", "{peer} and we have not agreed on an epoch of {type} yet.", peer=message.peer,
                          type=said.type.value)  # fmt: skip
        channel = channel_of(node, message.peer, said.type, talk, multiplier)
        if isinstance(said, Questions):
            _answer(node, message.peer, said, channel)
        else:
            _take(node, message.peer, said, channel)


def _read(values: Sequence[str], type: ObservableType | None) -> list[Observable]:
    found: dict[Observable, None] = {}
    for text in values:
        plain = refang(text.strip())
        one = canonical(type, plain) if type is not None else detect(plain)
        if one is None:
            raise Fault("E-FLOW-500", "{given} is no value of a known type; name the type with --type.",
                        given=ascii(text[:80]))  # fmt: skip
        found[one] = None
    if not 0 < len(found) <= MAX_VALUES:
        raise Fault("E-FLOW-563", "Ask about 1 to {most} values at once.", most=MAX_VALUES)
    return list(found)


def _check(node: Node, peer: str, one: Observable, *, force: bool) -> None:
    if not carried_types(node, peer, [one.type]):
        raise Refused("E-FLOW-564", "No circle with {peer} carries the type {type}, so it is not asked about.",
                      peer=peer, type=one.type.value)  # fmt: skip
    reason = why_not(node, one.type, one.value)
    if reason in SENSITIVE and not force:
        raise Refused(
            "E-FLOW-561",
            "{value} is {reason}. The question hides it, but an answer may be acted upon in ways that show whom it is "
            "about; ask with --force when you know why.",
            value=ascii(one.value[:100]),
            reason=SENSITIVE[str(reason)],
        )


def _due(node: Node, peer: str, one: Observable) -> bool:
    """Whether it must be asked now: not while a question is under way, nor while its answer was not looked at."""
    held = _asked(node, peer, one)
    if held is None or held.shown:
        return True
    return not held.answered_at and not held.reason and node.clock() - held.asked_at >= DAY


def _ready(node: Node, peer: str, type: ObservableType, on_step: Callable[[], None]) -> list[str]:
    """What the peer brought in this epoch must be here; else one run over this type comes first."""
    talk = talk_of(node, peer, type)
    if talk is not None and talk.number == epoch_now(node):
        with multiplying() as multiplier:
            channel = channel_of(node, peer, type, talk, multiplier)
            if next(iter(channel.book.taken_parts()), None) is not None:
                return []
    done = run_overlap(node, peer, type=type, limit=1, on_step=on_step)
    if done["state"] == "waiting" or talk_of(node, peer, type) is None:
        raise Refused(
            "E-FLOW-566",
            "What {peer} holds of {type} is not here yet; a run was begun, ask again when 'seawall overlap {peer}' is "
            "complete.",
            peer=peer,
            type=type.value,
        )
    problems = done["problems"]
    return [str(one) for one in problems] if isinstance(problems, list) else []


def _ask(node: Node, peer: str, type: ObservableType, fresh: Sequence[Observable]) -> None:
    talk = talk_of(node, peer, type)
    if talk is None:
        return
    with alone_with(node, peer), multiplying() as multiplier:
        channel = channel_of(node, peer, type, talk, multiplier)
        for start in range(0, len(fresh), AT_ONCE):
            batch = fresh[start : start + AT_ONCE]
            parts = tuple(psi.ask(channel, one.value.encode()) for one in batch)
            node.event(EventKind.QUESTION_ASKED, peer, type=type.value, questions=len(batch))
            for one in batch:
                _keep(node, peer, one, AskedOnce(node.clock()))
            post(node, peer, MessageKind.ASK, msgspec.msgpack.encode(Questions(type, parts)))


def _answer(node: Node, peer: str, said: Questions, channel: Channel) -> None:
    """The budget is spent before each answer; what it does not cover is refused.

    What our people decided is refused in one sentence and without a figure, whatever it was.
    """
    before = left(node, peer, said.type).now
    replies: list[bytes] = []
    refused, silent = "", False

    def spending(count: int, key: str) -> None:
        spend(node, peer, said.type, count, session=key)

    try:
        require_running(node, peer, said.type)
        for part in said.parts if carried_types(node, peer, [said.type]) else ():
            replies.append(psi.answer_question(channel, part, spending))
    except Refused as fault:
        refused, silent = told_to_peer(fault), not tellable(fault)
    if not replies and not refused:
        refused = NOT_CARRIED
    after = left(node, peer, said.type).now
    details: dict[str, str | int | list[str]] = {
        "type": said.type.value, "questions": len(said.parts), "answered": len(replies), "budget_before": before,
        "budget_after": after,
    }  # fmt: skip
    node.ledger.record_event(LedgerEvent(EventKind.QUESTION_ANSWERED, node.clock(), peer, peer, details))
    body = msgspec.msgpack.encode(Replies(said.type, tuple(replies), 0 if silent else after, refused[:500]))
    post(node, peer, MessageKind.ASK, body)


def _take(node: Node, peer: str, said: Replies, channel: Channel) -> None:
    at = node.clock()
    for part in said.parts:
        try:
            answer = psi.read_answer(channel, part)
        except Refused as refused:
            if refused.code != "E-EXCHANGE-722":
                raise
            continue  # taken before a kill; the others of this message are not lost with it
        one = Observable(said.type, answer.value.decode("utf-8", "replace"))
        held = _asked(node, peer, one) or AskedOnce(at)
        _keep(node, peer, one, msgspec.structs.replace(held, answered_at=at, known=answer.known))
        channel.book.drop_question(answer.key)
    node.store.notes.set(ROOM.format(peer=peer, type=said.type.value), str(said.room))
    node.store.notes.set(REFUSED.format(peer=peer, type=said.type.value), said.refused)


ROOM = "asked-room:{peer}:{type}"
REFUSED = "asked-refused:{peer}:{type}"


def _asked(node: Node, peer: str, one: Observable) -> AskedOnce | None:
    text = node.store.notes.get(ASKED.format(peer=peer, type=one.type.value, value=one.value))
    return None if text is None else msgspec.json.decode(text, type=AskedOnce)


def _keep(node: Node, peer: str, one: Observable, asked: AskedOnce) -> None:
    key = ASKED.format(peer=peer, type=one.type.value, value=one.value)
    node.store.notes.set(key, msgspec.json.encode(asked).decode())


def _row(node: Node, peer: str, one: Observable) -> dict[str, object]:
    held = _asked(node, peer, one)
    answered = held is not None and bool(held.answered_at)
    if held is not None and answered:
        _keep(node, peer, one, msgspec.structs.replace(held, shown=True))
    refused = node.store.notes.get(REFUSED.format(peer=peer, type=one.type.value)) or ""
    room = node.store.notes.get(ROOM.format(peer=peer, type=one.type.value))
    return {
        "value": one.value,
        "type": one.type.value,
        "known": held.known if held is not None and answered else None,
        "state": "answered" if answered else "refused" if refused else "waiting",
        "answered_at": rfc3339(held.answered_at) if held is not None and answered else None,
        "budget_left": int(room) if room else None,
        "reason": None if answered else refused or None,
    }
