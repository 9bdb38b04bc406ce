"""Our side of the line: at the beginning of a synchronisation notices go both ways, over the same connection.

The order: (1) ask for what is new, which also tells how far the peer has come in ours; (2) what it brought is handled,
which may make answers; (3) ours that it has not taken are posted. Nothing new is one small request.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.exchange.bounds import DEFAULT_BOUNDS
from seawall.exchange.nesting import nested_deeper
from seawall.exchange.notices.bounds import DEFAULT_NOTICE_BOUNDS, NoticeBounds
from seawall.exchange.notices.interface import NoticeDesk, Offered, Problem, Standing
from seawall.exchange.notices.paths import FURTHER_KINDS, MAX_KINDS, NOTICES_MEDIA_TYPE, NOTICES_PATH
from seawall.exchange.taxii.wire import Answer, Wire
from seawall.model import NotFound, Unavailable
from seawall.model.peer import PeerRecord
from seawall.model.unreadable import UNREADABLE


def exchange_notices(
    wire: Wire, peer: PeerRecord, desk: NoticeDesk, bounds: NoticeBounds = DEFAULT_NOTICE_BOUNDS
) -> tuple[str, ...]:
    """Fetch, handle and bring notices; returns sentences for our own people about what either side did not like.

    A peer that knows no notices (an older version) is none. Raises what ``Wire`` raises, Unavailable E-EXCHANGE-601 for
    an answer that is none, Refused when the peer's notices were one misdeed too many.
    """
    url, disliked = f"{peer.url.rstrip('/')}{NOTICES_PATH}", list[Problem]()
    theirs = Standing()
    for _ in range(bounds.rounds):
        before = desk.standing(peer.code_name)
        try:
            asked = {"after": str(before.number), "digest": before.digest, "kinds": FURTHER_KINDS}
            answer = wire.get(url, asked, media=NOTICES_MEDIA_TYPE)
        except NotFound:
            return ()
        offered = _read(answer, wire, bounds)
        theirs = offered.taken
        desk.reads(peer.code_name, offered.kinds[:MAX_KINDS])
        desk.settle(peer.code_name, offered.taken, ())
        heard = desk.take(peer.code_name, [bytes(item) for item in offered.notices]) if offered.notices else None
        disliked += heard.problems if heard is not None else ()
        if not offered.more or heard is None or heard.taken.number <= before.number:
            break
    said = [f"of {peer.code_name}: {problem.sentence}" for problem in disliked]
    return (*said, *_bring(wire, url, peer, desk, bounds, theirs, disliked))


def _bring(
    wire: Wire,
    url: str,
    peer: PeerRecord,
    desk: NoticeDesk,
    bounds: NoticeBounds,
    theirs: Standing,
    disliked: Sequence[Problem],
) -> list[str]:
    said: list[str] = []
    for _ in range(bounds.rounds):
        envelopes, more = desk.waiting(peer.code_name, theirs.number, bounds.at_once)
        if not envelopes and not disliked:
            break
        ours = tuple(msgspec.Raw(item) for item in envelopes)
        told, disliked = disliked[: bounds.at_once], disliked[bounds.at_once :]
        body = msgspec.json.encode(Offered(ours, more, desk.standing(peer.code_name), tuple(told)))
        answer = _read(wire.post(url, body, media=NOTICES_MEDIA_TYPE), wire, bounds)
        desk.settle(peer.code_name, answer.taken, answer.problems)
        said += [f"{peer.code_name}: {problem.sentence}" for problem in answer.problems]
        if answer.taken.number <= theirs.number and not disliked:
            break
        theirs = answer.taken
    return said


def _read(answer: Answer, wire: Wire, bounds: NoticeBounds) -> Offered:
    try:
        if answer.status == 200 and not nested_deeper(answer.body, DEFAULT_BOUNDS.nesting):
            offered = msgspec.json.decode(answer.body, type=Offered)
            if len(offered.notices) <= bounds.at_once and len(offered.problems) <= bounds.at_once:
                return offered
    except UNREADABLE:
        pass
    raise Unavailable(
        "E-EXCHANGE-601", "The peer {peer} gave no readable answer about notices; try again later.", peer=wire.peer
    )
