"""The peer listener's app: TAXII, notices and sealed messages, and nothing else."""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.datastructures import State

from seawall.exchange.bounds import DEFAULT_BOUNDS, Bounds
from seawall.exchange.interface import ExchangeService
from seawall.exchange.listeners.peer import peer_actor
from seawall.exchange.live.server import live_router
from seawall.exchange.notices import NoticeDesk, notices_router, notices_state
from seawall.exchange.post import PostDesk, post_router, post_state
from seawall.exchange.taxii.door import STATE_KEY, StatusKeeper, TaxiiDoor, Watch
from seawall.exchange.taxii.errors import taxii_exception_handler
from seawall.exchange.taxii.server import taxii_router
from seawall.model import Clock

LiveState = dict[str, Any]  # of ``exchange.live.live_state``


def taxii_state(door: TaxiiDoor) -> dict[str, Any]:
    """What an app that includes ``taxii_router()`` needs in its state."""
    return {STATE_KEY: door}


def peer_app(
    service: ExchangeService,
    *,
    title: str,
    clock: Clock,
    bounds: Bounds = DEFAULT_BOUNDS,
    statuses: StatusKeeper | None = None,
    watch: Watch | None = None,
    notices: NoticeDesk | None = None,
    post: PostDesk | None = None,
    live: LiveState | None = None,
) -> Litestar:
    """The app behind the peer listener; who asks is told by the client certificate, never by the request."""
    door = TaxiiDoor(service, peer_actor, title=title, clock=clock, bounds=bounds, statuses=statuses, watch=watch)
    state = taxii_state(door)
    routers = [taxii_router()]
    if notices is not None:
        routers.append(notices_router())
        state |= notices_state(notices)
    if post is not None:
        routers.append(post_router())
        state |= post_state(post)
    if live is not None:
        routers.append(live_router())
        state |= live
    return Litestar(
        route_handlers=routers,
        state=State(state),
        openapi_config=None,
        exception_handlers={Exception: taxii_exception_handler},
        logging_config=None,  # the process that runs the node owns logging
        debug=False,
    )
