"""The three messages of a session, part by part.

    message 1   first side: its list                                   start
    message 2   second side: answers to message 1, then its own list   receive
    message 3   first side: answers to message 2                       receive

Steps for a part of the other side's list:
    1 it is of this epoch, made by the other side, in time             parts.check_place
    2 it is of the session that is open, or rightly opens one          _session_for
    3 it is the next part of the list; a part again is answered again  _take_points
    4 its length is right, and no point stands in it twice
    5 the caller spends the guess budget for all its points
    6 they are multiplied and kept, and only then answered
Steps for a part of answers: 1, 2 and 3 alike, then the check points must have come back right (_take_answers); the
first side answers nothing of message 2's list before all answers to its own list stood this test.

Whatever is refused changes nothing: the right part may still come.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from msgspec import structs

from seawall.exchange.psi import group
from seawall.exchange.psi.epoch import own_scalar
from seawall.exchange.psi.interface import BeforeAnswering, Channel, Items, Received
from seawall.exchange.psi.listing import list_parts, make_list
from seawall.exchange.psi.matching import repeated
from seawall.exchange.psi.parts import (
    PART_POINTS,
    Kind,
    Part,
    check_list,
    check_place,
    check_time,
    decode,
    encode,
    parts_of,
)
from seawall.model import Fault, Refused
from seawall.model.psi import TOKEN_BYTES, PsiSession, SentPart, SessionState, TakenPart


def start(channel: Channel, session: int, items: Iterable[bytes]) -> list[bytes]:
    """Message 1: begin a session as its first side; its number must be above all earlier ones of the epoch.

    The same session again gives the same parts (of those that were not answered yet), whatever ``items`` says then.
    Raises Fault E-EXCHANGE-708 for a number that was used or while another session is open, Refused E-EXCHANGE-707
    for more values than the cap has room for, Fault E-EXCHANGE-706 without the epoch's key.
    """
    last = channel.book.session()
    if last is None or (session > last.number and last.state is not SessionState.OPEN):
        check_time(channel.epoch, channel.clock())
        last = PsiSession(number=session, we_are_first=True, state=SessionState.OPEN, opened_at=channel.clock())
    elif session != last.number or last.state is not SessionState.OPEN or not last.we_are_first:
        raise Fault(
            "E-EXCHANGE-708",
            "Session {session} cannot begin: session {last} of its epoch is {state}; finish or abandon that one.",
            session=session,
            last=last.number,
            state=last.state.value,
        )
    return list(_own_list(channel, last, items))


def receive(channel: Channel, body: bytes, items: Items, before_answering: BeforeAnswering) -> Received:
    """Take in one part from the other side; what it brings about is kept before this returns.

    ``items`` is asked when we are second and the whole list of the other side is in. A part that was taken in before
    gives the same replies again. Raises Refused E-EXCHANGE-702, 710 to 724 for everything that a part may not be, and
    whatever ``before_answering`` raises.
    """
    part = decode(body)
    check_place(part, channel.epoch, channel.own, channel.clock())
    if part.kind is Kind.POINTS:
        return _take_points(channel, part, items, before_answering)
    if part.kind is Kind.ANSWERS:
        return _take_answers(channel, part)
    raise Refused("E-EXCHANGE-724", "A part of another kind than this step waits for came; it was refused.")


def resume(channel: Channel) -> list[bytes]:
    """What the other side may not have got of the newest session: answers, and parts of our list without an answer.

    To be sent again after a kill or a restore; parts that it has do no harm.
    """
    session = channel.book.session()
    if session is None or session.state is SessionState.ABANDONED:
        return []
    answers = [
        _answer(channel, session.number, taken.index, session.theirs, taken.tokens)
        for taken in channel.book.taken(session.number)
    ]
    ours = list(list_parts(channel, session.number, session.ours)) if session.ours else []
    return ours + answers if session.we_are_first else answers + ours


def abandon(channel: Channel) -> None:
    """Give up the open session, if one is; what either side learnt stays learnt, values unanswered travel again."""
    session = channel.book.session()
    if session is not None and session.state is SessionState.OPEN:
        _close(channel, session, SessionState.ABANDONED)


def take_list_part(channel: Channel, part: Part, session: PsiSession, before_answering: BeforeAnswering) -> bytes:
    """Steps 3 to 6 for one part of the other side's list; its tokens, doubly masked. Also for counts."""
    check_list(part, channel.epoch.terms.most_points)
    taken = list(channel.book.taken(session.number))
    if part.index < len(taken):
        if taken[part.index].digest != part.digest:
            raise _other_content(part.index)
        return taken[part.index].tokens
    if part.index > len(taken) or (taken and part.total != session.theirs):
        raise _out_of_order()
    count = len(part.data) // group.POINT_BYTES
    if len(set(group.split(part.data))) != count:
        raise _twice()
    scalar = own_scalar(channel.epoch.terms, channel.scalars)
    # the digest in the key: a part that changed between a kill and its repetition is spent once more
    before_answering(count, f"{channel.epoch.id}:{part.session}:{part.index}:{part.digest.hex()}")
    tokens = channel.multiplier.evaluate(scalar, part.data, keep=TOKEN_BYTES)
    if repeated([*(one.tokens for one in taken), tokens]):
        raise _twice()
    if session.theirs != part.total:
        _open(channel, structs.replace(session, theirs=part.total))
    channel.book.put_taken(session.number, TakenPart(index=part.index, digest=part.digest, tokens=tokens))
    if channel.progress is not None:
        channel.progress(part.index * PART_POINTS + count, part.total)
    return tokens


def _take_points(channel: Channel, part: Part, items: Items, before_answering: BeforeAnswering) -> Received:
    session = _session_for(channel, part)
    if session.we_are_first and session.answered < parts_of(session.ours):
        raise _out_of_order()  # the answers to our list come first
    tokens = take_list_part(channel, part, session, before_answering)
    replies = [_answer(channel, session.number, part.index, part.total, tokens)]
    session = channel.book.session() or session  # with the length of their list
    if part.index + 1 == parts_of(part.total):
        if session.we_are_first:
            session = _close(channel, session, SessionState.DONE)
        elif session.state is SessionState.OPEN:
            replies += _own_list(channel, session, items() if session.ours == 0 else ())
    done = session.state is SessionState.DONE
    return Received(session=session.number, replies=tuple(replies), done=done)


def _take_answers(channel: Channel, part: Part) -> Received:
    session = channel.book.session()
    if session is None or part.session > session.number:
        raise _out_of_order()
    if part.session < session.number or session.state is SessionState.ABANDONED:
        raise _replayed(part.session)
    check_list(part, channel.epoch.terms.most_points)
    sent = channel.book.sent_part(session.number, part.index)
    if sent is None or part.total != session.ours or part.index > session.answered:
        raise _out_of_order()
    if sent.tokens is None:
        channel.book.answered(session.number, part.index, _checked_tokens(sent, part), part.digest)
    elif sent.answer != part.digest:
        raise _other_content(part.index)
    if part.index == session.answered:
        session = structs.replace(session, answered=part.index + 1)
        channel.book.save(session)
    if not session.we_are_first and session.answered == parts_of(session.ours):
        session = _close(channel, session, SessionState.DONE)
    return Received(session=session.number, done=session.state is SessionState.DONE)


def _session_for(channel: Channel, part: Part) -> PsiSession:
    """Step 2, for a list: the session that is open, the one that was finished last (for a part again), or a new one."""
    session = channel.book.session()
    if session is not None and part.session == session.number and session.state is not SessionState.ABANDONED:
        return session
    if session is not None and part.session <= session.number:
        raise _replayed(part.session)
    if session is not None and session.state is SessionState.OPEN and session.we_are_first:
        raise Refused(
            "E-EXCHANGE-715",
            "The other side began session {session} while ours is open; only one side begins at a time.",
            session=part.session,
        )
    if part.index != 0:
        raise _out_of_order()
    return PsiSession(number=part.session, we_are_first=False, state=SessionState.OPEN, opened_at=channel.clock())


def _own_list(channel: Channel, session: PsiSession, items: Iterable[bytes]) -> Iterable[bytes]:
    """Make our list unless it is made; its parts. ``ours`` is set last, so an interrupted making is made anew."""
    if session.ours == 0:
        session = structs.replace(session, ours=make_list(channel, session.number, items))
        _open(channel, session)
    return list_parts(channel, session.number, session.ours)


def _checked_tokens(sent: SentPart, part: Part) -> bytes:
    for check in group.split(sent.checks, 4 + TOKEN_BYTES):
        place = int.from_bytes(check[:4], "little") * TOKEN_BYTES
        if part.data[place : place + TOKEN_BYTES] != check[4:]:
            raise Refused(
                "E-EXCHANGE-721",
                "The other side answered with another key than the one it committed to; it gets no answer in return.",
            )
    places = np.frombuffer(sent.places, dtype="<u4")
    tokens: bytes = np.frombuffer(part.data, dtype=np.uint8).reshape(-1, TOKEN_BYTES)[places].tobytes()
    return tokens


def _answer(channel: Channel, session: int, index: int, total: int, tokens: bytes) -> bytes:
    return encode(
        Part(
            epoch=channel.epoch.digest,
            purpose=channel.epoch.terms.purpose,
            kind=Kind.ANSWERS,
            sender=channel.epoch.place(channel.own),
            session=session,
            index=index,
            total=total,
            data=tokens,
        )
    )


def _open(channel: Channel, session: PsiSession) -> None:
    """Keep a session; an earlier one that the other side gave up is closed."""
    last = channel.book.session()
    if last is not None and last.number != session.number:
        _close(channel, last, SessionState.ABANDONED)
    channel.book.save(session)


def _close(channel: Channel, session: PsiSession, state: SessionState) -> PsiSession:
    if session.state is SessionState.OPEN:
        session = structs.replace(session, state=state, closed_at=channel.clock())
        channel.book.save(session)
    return session


def _replayed(session: int) -> Refused:
    return Refused(
        "E-EXCHANGE-714", "A part of session {session}, which is over, came again; it was refused.", session=session
    )


def _out_of_order() -> Refused:
    return Refused(
        "E-EXCHANGE-716", "A part came before those that precede it; it was refused and may come again later."
    )


def _other_content(index: int) -> Refused:
    return Refused(
        "E-EXCHANGE-717", "Part {number} came a second time with another content; it was refused.", number=index + 1
    )


def _twice() -> Refused:
    return Refused("E-EXCHANGE-720", "The other side's list holds a point twice; its part was refused.")
