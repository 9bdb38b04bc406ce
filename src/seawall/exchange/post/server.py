"""The peer listener's side: give a caller what waits for it, take what it brings. Only peers come here.

The order of every request: (1) the listener has said which peer asks, (2) how often it asks, as for TAXII, (3) sizes,
(4) the desk. Handling may take long: the answer then says ``busy`` and the handling goes on; what was not finished
when a process ends was not acknowledged, and comes again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from litestar import Controller, Response, Router, get, post
from litestar.concurrency import sync_to_thread

from seawall.exchange.discipline import Misdeed
from seawall.exchange.faults import ProtocolFault
from seawall.exchange.post.bounds import DEFAULT_POST_BOUNDS
from seawall.exchange.post.interface import MAX_NUMBER, Exchanged, PostDesk, Standing
from seawall.exchange.post.paths import POST_MEDIA_TYPE, POST_PATH
from seawall.exchange.post.wire import encoded, read_exchanged
from seawall.exchange.taxii.door import AnyRequest, TaxiiDoor, door_of
from seawall.exchange.taxii.errors import taxii_exception_handler
from seawall.exchange.taxii.posting import read_bounded
from seawall.model import Actor, Fault, NotFound

LOG = logging.getLogger(__name__)
STATE_KEY = "post_desk"
BOUNDS = DEFAULT_POST_BOUNDS
_going_on: set[asyncio.Task[object]] = set()  # handling that outlives its request: kept, or it would be collected


def post_state(desk: PostDesk) -> dict[str, Any]:
    """What an app that includes ``post_router()`` needs in its state."""
    return {STATE_KEY: desk}


def _enter(request: AnyRequest) -> tuple[TaxiiDoor, Actor, str]:
    door = door_of(request)
    actor = door.enter(request, accept=False)
    if actor.peer is None:
        raise NotFound("E-EXCHANGE-404", "There is nothing here that you may see.")
    return door, actor, actor.peer


def _desk(request: AnyRequest) -> PostDesk:
    desk: PostDesk = request.app.state[STATE_KEY]
    return desk


def _given(desk: PostDesk, peer: str, after: int) -> Exchanged:
    sealed, more = desk.waiting(peer, after)
    return Exchanged(tuple(sealed), more, desk.standing(peer))


def _answer(document: Exchanged) -> Response[bytes]:
    return Response(content=encoded(document), status_code=200, media_type=POST_MEDIA_TYPE)


class PostController(Controller):
    """Both directions of the exchange of messages."""

    path = POST_PATH

    @get("/", sync_to_thread=True)
    def give(self, request: AnyRequest) -> Response[bytes]:
        """Ours behind ``after``, up to which the caller has them, and how far we are in the caller's."""
        _, _, peer = _enter(request)
        desk = _desk(request)
        after = _number(request.query_params.get("after", "0"))
        desk.settle(peer, Standing(after, request.query_params.get("digest", "")[:64]))
        return _answer(_given(desk, peer, after))

    @post("/", status_code=200, request_max_body_size=None)
    async def take(self, request: AnyRequest) -> Response[bytes]:
        """What the caller brings is handled before the answer, if that does not take too long."""
        door, actor, peer = await sync_to_thread(_enter, request)
        try:
            document = await self._read(door, request)
        except ProtocolFault as fault:
            misdeed = Misdeed.OVERSIZE if fault.status == 413 else Misdeed.MALFORMED
            if fault.status in (413, 422):
                await sync_to_thread(door.watch.misdeed, actor, misdeed, fault.text.format(**fault.values))
            raise
        desk = _desk(request)
        await sync_to_thread(desk.settle, peer, document.standing)
        if document.messages:
            task: asyncio.Task[object] = asyncio.ensure_future(sync_to_thread(desk.take, peer, document.messages))
            _going_on.add(task)
            task.add_done_callback(_finished)
            done, _ = await asyncio.wait({task}, timeout=BOUNDS.answer_seconds)
            if not done:
                return _answer(Exchanged(standing=await sync_to_thread(desk.standing, peer)))
            task.result()
        return _answer(await sync_to_thread(_given, desk, peer, document.standing.taken))

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
            raise ProtocolFault(
                408, "E-EXCHANGE-409", "Nothing was taken within {most} seconds; send again.",
                most=int(door.bounds.post_seconds),
            ) from None  # fmt: skip
        finally:
            door.posting.release()
        document = read_exchanged(body, BOUNDS)
        if document is None:
            raise ProtocolFault(422, "E-EXCHANGE-814", "The body is not a list of sealed messages.")
        return document


def _finished(task: asyncio.Task[object]) -> None:
    """What went wrong behind an answer that was given already is for our own people; the messages come again."""
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
