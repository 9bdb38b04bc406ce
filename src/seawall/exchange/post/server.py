"""The peer listener's side: give a caller what waits for it, take what it brings. Only peers come here.

The order of every request: (1) the listener has said which peer asks, (2) how often it asks, as for TAXII, (3) whether
a request of this peer is still being answered, (4) sizes, (5) the desk, in threads of its own. Handling may take long:
the answer then says ``busy`` and the handling goes on; what was not finished when a process ends was not acknowledged,
and comes again.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import msgspec
from litestar import Controller, Litestar, Response, Router, get, post
from litestar.concurrency import sync_to_thread

from seawall.exchange.discipline import Misdeed
from seawall.exchange.faults import ProtocolFault
from seawall.exchange.post.bounds import DEFAULT_POST_BOUNDS
from seawall.exchange.post.handling import Handling
from seawall.exchange.post.interface import MAX_NUMBER, Exchanged, PostDesk, Standing
from seawall.exchange.post.paths import POST_MEDIA_TYPE, POST_PATH
from seawall.exchange.post.wire import encoded, read_exchanged
from seawall.exchange.taxii.door import AnyRequest, TaxiiDoor, door_of
from seawall.exchange.taxii.errors import taxii_exception_handler
from seawall.exchange.taxii.posting import read_bounded, too_slow
from seawall.model import Actor, Fault, NotFound

LOG = logging.getLogger(__name__)
STATE_KEY, HANDLING_KEY = "post_desk", "post_handling"
BOUNDS = DEFAULT_POST_BOUNDS
_going_on: set[asyncio.Task[Exchanged]] = set()  # handling that outlives its request: kept, or it would be collected


def post_state(desk: PostDesk) -> dict[str, Any]:
    """What an app that includes ``post_router()`` needs in its state."""
    return {STATE_KEY: desk, HANDLING_KEY: Handling(BOUNDS)}


def close_post(app: Litestar) -> None:
    """Once the listener is closed: what is still being handled has a while to end."""
    handling: Handling | None = app.state.get(HANDLING_KEY)
    if handling is not None:
        handling.close()


def _enter(request: AnyRequest) -> tuple[TaxiiDoor, Actor, str]:
    door = door_of(request)
    actor = door.enter(request, accept=False)
    if actor.peer is None:
        raise NotFound("E-EXCHANGE-404", "There is nothing here that you may see.")
    return door, actor, actor.peer


def _desk(request: AnyRequest) -> PostDesk:
    desk: PostDesk = request.app.state[STATE_KEY]
    return desk


def _handling(request: AnyRequest) -> Handling:
    handling: Handling = request.app.state[HANDLING_KEY]
    return handling


def _given(desk: PostDesk, peer: str, after: int) -> Exchanged:
    sealed, more = desk.waiting(peer, after)
    return Exchanged(tuple(sealed), more, desk.standing(peer))


def _asked(desk: PostDesk, peer: str, asked: Standing) -> Exchanged:
    desk.settle(peer, asked)
    return _given(desk, peer, asked.taken)


def _taken(desk: PostDesk, peer: str, document: Exchanged) -> Exchanged:
    desk.settle(peer, document.standing)
    if document.messages:
        desk.take(peer, document.messages)
    return _given(desk, peer, document.standing.taken)


def _answer(document: Exchanged) -> Response[bytes]:
    return Response(content=encoded(document), status_code=200, media_type=POST_MEDIA_TYPE)


class PostController(Controller):
    """Both directions of the exchange of messages."""

    path = POST_PATH

    @get("/")
    async def give(self, request: AnyRequest) -> Response[bytes]:
        """Ours behind ``after``, up to which the caller has them, and how far we are in the caller's."""
        _, _, peer = await sync_to_thread(_enter, request)
        desk, handling = _desk(request), _handling(request)
        after = _number(request.query_params.get("after", "0"))
        with handling.asking.place(peer):
            asked = Standing(after, request.query_params.get("digest", "")[:64])
            document = await handling.answer(_asked, desk, peer, asked)
        if handling.bringing.is_held(peer):  # handled, or waiting for a thread: bringing more would be refused
            standing = msgspec.structs.replace(document.standing, busy=True)
            document = msgspec.structs.replace(document, standing=standing)
        return _answer(document)

    @post("/", status_code=200, request_max_body_size=None)
    async def take(self, request: AnyRequest) -> Response[bytes]:
        """What the caller brings is handled before the answer, if that does not take too long."""
        door, actor, peer = await sync_to_thread(_enter, request)
        handling = _handling(request)
        handling.bringing.take(peer)
        try:
            document = await self._bounded(door, actor, request)
        except BaseException:
            handling.bringing.give_back(peer)
            raise
        slow = document.messages or document.standing.gone  # either waits for what is being handled already
        in_threads = handling.handle if slow else handling.answer
        task = asyncio.ensure_future(in_threads(_taken, _desk(request), peer, document))
        _going_on.add(task)
        task.add_done_callback(partial(_finished, handling, peer))
        done, _ = await asyncio.wait({task}, timeout=BOUNDS.answer_seconds)
        if not done:
            standing = await handling.answer(_desk(request).standing, peer)
            return _answer(Exchanged(standing=msgspec.structs.replace(standing, busy=True)))
        return _answer(task.result())

    async def _bounded(self, door: TaxiiDoor, actor: Actor, request: AnyRequest) -> Exchanged:
        try:
            return await self._read(door, request)
        except ProtocolFault as fault:
            misdeed = Misdeed.OVERSIZE if fault.status == 413 else Misdeed.MALFORMED
            if fault.status in (413, 422):
                await sync_to_thread(door.watch.misdeed, actor, misdeed, fault.text.format(**fault.values))
            raise

    async def _read(self, door: TaxiiDoor, request: AnyRequest) -> Exchanged:
        """Few bodies at once, and none that drips for ever, as for TAXII."""
        try:
            await asyncio.wait_for(door.posting.acquire(), door.bounds.post_wait_seconds)
        except TimeoutError:
            raise ProtocolFault(
                503,
                "E-EXCHANGE-812",
                "Others are bringing messages just now; come again in {seconds} seconds.",
                retry_after=5,
                seconds=5,
            ) from None
        try:
            body = await asyncio.wait_for(read_bounded(request, BOUNDS.request_bytes), door.bounds.post_seconds)
        except TimeoutError:
            raise too_slow(door.bounds) from None
        finally:
            door.posting.release()
        document = read_exchanged(body, BOUNDS)
        if document is None:
            raise ProtocolFault(422, "E-EXCHANGE-814", "The body is not a list of sealed messages.")
        return document


def _finished(handling: Handling, peer: str, task: asyncio.Task[Exchanged]) -> None:
    """What went wrong behind an answer that was given already is for our own people; the messages come again."""
    handling.bringing.give_back(peer)
    _going_on.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, Fault):
        LOG.error("internal error while messages were handled", exc_info=error)


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= MAX_NUMBER:
        return int(text)
    raise ProtocolFault(400, "E-EXCHANGE-815", "Ask for messages with after=N, where N is a number.")


def post_router() -> Router:
    """The routes of messages; put them in the peer listener's app beside TAXII."""
    return Router(
        path="/",
        route_handlers=[PostController],
        exception_handlers={Exception: taxii_exception_handler},
        include_in_schema=False,
    )
