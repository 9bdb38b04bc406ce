"""The peer listener's side: give a caller what waits for it, take what it brings. Only peers come here.

The order of every request: (1) the listener has said which peer asks, (2) how often it asks, as for TAXII, (3) whether
it is bringing some already, (4) sizes, (5) the desk. A caller learns nothing but its own notices and how far we are
in them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import Controller, Response, Router, get, post
from litestar.concurrency import sync_to_thread

from seawall.exchange.discipline import OF_STATUS
from seawall.exchange.faults import ProtocolFault
from seawall.exchange.notices.bounds import DEFAULT_NOTICE_BOUNDS
from seawall.exchange.notices.envelope import MAX_NUMBER
from seawall.exchange.notices.interface import NoticeDesk, Offered, Standing
from seawall.exchange.notices.paths import FURTHER_KINDS, MAX_KINDS, NOTICES_MEDIA_TYPE, NOTICES_PATH
from seawall.exchange.places import Places
from seawall.exchange.taxii.door import AnyRequest, TaxiiDoor, door_of
from seawall.exchange.taxii.errors import taxii_exception_handler
from seawall.exchange.taxii.posting import read_bounded, too_slow
from seawall.model import Actor, NotFound
from seawall.model.unreadable import UNREADABLE

STATE_KEY, PLACES_KEY = "notice_desk", "notice_places"
RETRY_SECONDS = 2  # twenty notices are handled well within that
BOUNDS = DEFAULT_NOTICE_BOUNDS


def notices_state(desk: NoticeDesk) -> dict[str, Any]:
    """What an app that includes ``notices_router()`` needs in its state."""
    return {STATE_KEY: desk, PLACES_KEY: Places(1, RETRY_SECONDS)}


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
        places: Places = request.app.state[PLACES_KEY]
        with places.place(peer):  # notices are handled one after the other: a second request would only hold a thread
            try:
                offered = _read(await _within(request, door))
            except ProtocolFault as fault:
                if (misdeed := OF_STATUS.get(fault.status)) is not None:
                    await sync_to_thread(door.watch.misdeed, actor, misdeed, fault.text.format(**fault.values))
                raise
            desk = _desk(request)
            await sync_to_thread(desk.settle, peer, offered.taken, offered.problems)
            heard = await sync_to_thread(desk.take, peer, [bytes(item) for item in offered.notices])
        return _answer(Offered(taken=heard.taken, problems=heard.problems))


async def _within(request: AnyRequest, door: TaxiiDoor) -> bytes:
    """A body that drips is given up, or its peer would bring nothing else for as long."""
    try:
        return await asyncio.wait_for(read_bounded(request, BOUNDS.request_bytes), door.bounds.post_seconds)
    except TimeoutError:
        raise too_slow(door.bounds) from None


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= MAX_NUMBER:
        return int(text)
    raise ProtocolFault(400, "E-EXCHANGE-608", "Ask for notices with after=N, where N is a number.")


def _read(body: bytes) -> Offered:
    try:
        offered = msgspec.json.decode(body, type=Offered)
    except UNREADABLE:
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
