"""The peer listener's side: a peer asks whether something waits for it, and is answered when something does.

The order of every request: (1) the listener has said which peer asks, (2) how often it asks, as for TAXII, (3) the mark
it knows and how long it wants to wait, (4) the room, (5) whether it is still a verified peer. All answers have the same
length and differ in random digits only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Controller, Response, Router, get
from litestar.concurrency import sync_to_thread

from seawall.exchange.faults import ProtocolFault
from seawall.exchange.live.paths import HOLD_SECONDS, LIVE_MEDIA_TYPE, LIVE_PATH, MARK_LENGTH
from seawall.exchange.live.room import WaitingRoom
from seawall.exchange.taxii.door import AnyRequest, door_of, not_found
from seawall.exchange.taxii.errors import taxii_exception_handler
from seawall.exchange.throttle import Buckets

ROOM_KEY, STANDS_KEY, RATE_KEY = "live_room", "live_stands", "live_rate"
PER_SECOND, AT_ONCE = 2.0, 30.0  # questions of one peer: it asks again after each word, and its own pace is slower
Stands = Callable[[str], bool]
"""Whether this peer may still be told anything, asked after the wait."""


class Marked(msgspec.Struct, frozen=True):
    """The one answer there is."""

    mark: str


def live_state(room: WaitingRoom, stands: Stands) -> dict[str, Any]:
    """What an app that includes ``live_router()`` needs in its state."""
    return {ROOM_KEY: room, STANDS_KEY: stands, RATE_KEY: Buckets(PER_SECOND, AT_ONCE)}


class LiveController(Controller):
    """One question."""

    path = LIVE_PATH

    @get("/")
    async def wait(self, request: AnyRequest) -> Response[bytes]:
        """The mark of now, as soon as it is not ``known``; the same again after ``seconds``."""
        actor = await sync_to_thread(lambda: door_of(request).enter(request, accept=False))
        if actor.peer is None:
            raise not_found()
        _keep_pace(request, actor.peer)
        known = request.query_params.get("known", "")
        room: WaitingRoom = request.app.state[ROOM_KEY]
        stands: Stands = request.app.state[STANDS_KEY]
        mark = await room.wait(actor.peer, known[:MARK_LENGTH], _seconds(request.query_params.get("seconds", "")))
        if not await sync_to_thread(stands, actor.peer):
            raise not_found()  # severed or suspended while it waited: what it does not offer any more looks so
        return Response(content=msgspec.json.encode(Marked(mark)), status_code=200, media_type=LIVE_MEDIA_TYPE)


def _keep_pace(request: AnyRequest, peer: str) -> None:
    rate: Buckets = request.app.state[RATE_KEY]
    if wait := math.ceil(rate.take(peer)):
        raise ProtocolFault(
            429,
            "E-EXCHANGE-429",
            "This is asked too often; ask again in {seconds} seconds.",
            retry_after=wait,
            seconds=wait,
        )


def _seconds(text: str) -> float:
    if text == "":
        return HOLD_SECONDS
    if text.isascii() and text.isdigit() and len(text) <= 4:
        return min(float(text), HOLD_SECONDS)
    raise ProtocolFault(400, "E-EXCHANGE-855", "Ask how long to wait with seconds=N, where N is a number.")


def live_router() -> Router:
    """The route of waiting; put it in the peer listener's app beside TAXII."""
    return Router(
        path="/",
        route_handlers=[LiveController],
        exception_handlers={Exception: taxii_exception_handler},
        include_in_schema=False,
    )
