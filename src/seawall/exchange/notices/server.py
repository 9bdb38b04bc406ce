"""The peer listener's side: give a caller what waits for it, take what it brings. Only peers come here.

The order of every request: (1) the listener has said which peer asks, (2) how often it asks, as for TAXII, (3) sizes,
(4) the desk. A caller learns nothing but its own notices and how far we are in them.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, Router, get, post
from litestar.concurrency import sync_to_thread

from seawall.exchange.discipline import Misdeed
from seawall.exchange.faults import ProtocolFault
from seawall.exchange.notices.bounds import DEFAULT_NOTICE_BOUNDS
from seawall.exchange.notices.envelope import MAX_NUMBER
from seawall.exchange.notices.interface import NoticeDesk, Offered, Standing
from seawall.exchange.notices.paths import FURTHER_KINDS, MAX_KINDS, NOTICES_MEDIA_TYPE, NOTICES_PATH
from seawall.exchange.taxii.door import AnyRequest, TaxiiDoor, door_of
from seawall.exchange.taxii.errors import taxii_exception_handler
from seawall.exchange.taxii.posting import read_bounded
from seawall.model import Actor, NotFound

STATE_KEY = "notice_desk"
BOUNDS = DEFAULT_NOTICE_BOUNDS


def notices_state(desk: NoticeDesk) -> dict[str, Any]:
    """What an app that includes ``notices_router()`` needs in its state."""
    return {STATE_KEY: desk}


def _enter(request: AnyRequest) -> tuple[TaxiiDoor, Actor, str]:
    door = door_of(request)
    actor = door.enter(request, accept=False)
    if actor.peer is None:
        raise NotFound("E-EXCHANGE-404", "There is nothing here that you may see.")
    return door, actor, actor.peer


def _answer(offered: Offered) -> Response[bytes]:
    return Response(content=msgspec.json.encode(offered), status_code=200, media_type=NOTICES_MEDIA_TYPE)


def _desk(request: AnyRequest) -> NoticeDesk:
    desk: NoticeDesk = request.app.state[STATE_KEY]
    return desk


class NoticesController(Controller):
    """Both directions of the exchange of notices."""

    path = NOTICES_PATH

    @get("/", sync_to_thread=True)
    def give(self, request: AnyRequest) -> Response[bytes]:
        """Ours behind ``after``, up to which the caller has them, and how far we are in the caller's."""
        _, _, peer = _enter(request)
        desk = _desk(request)
        after = _number(request.query_params.get("after", "0"))
        desk.settle(peer, Standing(after, request.query_params.get("digest", "")[:64]), ())
        desk.reads(peer, request.query_params.get("kinds", "")[:MAX_KINDS])
        envelopes, more = desk.waiting(peer, after, BOUNDS.at_once)
        taken = desk.standing(peer)
        return _answer(Offered(tuple(msgspec.Raw(item) for item in envelopes), more, taken, kinds=FURTHER_KINDS))

    @post("/", status_code=200, request_max_body_size=None)
    async def take(self, request: AnyRequest) -> Response[bytes]:
        """What the caller brings is checked and handled before the answer."""
        door, actor, peer = await sync_to_thread(_enter, request)
        try:
            offered = _read(await read_bounded(request, BOUNDS.request_bytes))
        except ProtocolFault as fault:
            misdeed = Misdeed.OVERSIZE if fault.status == 413 else Misdeed.MALFORMED
            await sync_to_thread(door.watch.misdeed, actor, misdeed, fault.text.format(**fault.values))
            raise
        desk = _desk(request)
        await sync_to_thread(desk.settle, peer, offered.taken, offered.problems)
        heard = await sync_to_thread(desk.take, peer, [bytes(item) for item in offered.notices])
        return _answer(Offered(taken=heard.taken, problems=heard.problems))


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= MAX_NUMBER:
        return int(text)
    raise ProtocolFault(400, "E-EXCHANGE-608", "Ask for notices with after=N, where N is a number.")


def _read(body: bytes) -> Offered:
    try:
        offered = msgspec.json.decode(body, type=Offered)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise ProtocolFault(422, "E-EXCHANGE-609", "The body is not a list of notices.") from None
    if max(len(offered.notices), len(offered.problems)) > BOUNDS.at_once:
        raise ProtocolFault(
            413, "E-EXCHANGE-610", "At most {most} notices are taken at once; send fewer.", most=BOUNDS.at_once
        )
    return offered


def notices_router() -> Router:
    """The routes of notices; put them in the peer listener's app beside TAXII."""
    return Router(
        path="/",
        route_handlers=[NoticesController],
        exception_handlers={Exception: taxii_exception_handler},
        include_in_schema=False,
    )
