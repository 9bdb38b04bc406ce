"""CrowdSec's bouncer API: ``GET /v1/decisions`` and ``/v1/decisions/stream``, so that its own bouncers pull from us.

The key in ``X-Api-Key`` is the token of a served feed of the form ``bouncer``. What else bouncers send (metrics, a
heartbeat) is accepted and kept nowhere. Errors are ``{"message": ...}`` with CrowdSec's statuses: 403 for a wrong key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import HttpMethod, Request, asgi, route
from litestar.types import ControllerRouterHandler, Receive, Scope, Send

from seawall.api.feeds import Door, said
from seawall.api.handing import Answer, send_answer
from seawall.exchange.throttle import Buckets
from seawall.flow.served_feeds_bouncer import BouncerDesk, Wanted
from seawall.model import Refused
from seawall.model.served_feed import ServedFeed

LOOKUPS_PER_SECOND, LOOKUPS_AT_ONCE = 500, 2_000  # a web server's bouncer in live mode asks about every new visitor
MAX_BODY = 1 << 20  # bytes of metrics
MAX_WORDS = 100  # of one filter
MAX_PARAMETER = 2_000  # characters
JSON = "application/json"
_TRUE = frozenset({"true", "1", "t", "yes"})


def bouncer_routes(desk: BouncerDesk, door: Door | None = None) -> list[ControllerRouterHandler]:
    """The routes of one node."""
    door = door or Door()
    door.polls = Buckets(LOOKUPS_PER_SECOND, LOOKUPS_AT_ONCE)

    async def answered(scope: Scope, receive: Receive, send: Send, make: Callable[[Ask], Answer]) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        head = request.method == "HEAD"
        if request.method not in ("GET", "HEAD"):
            await send_answer(send, _message(405, "method not allowed"), head=False)
            return

        def made() -> tuple[Answer, ServedFeed | None]:
            try:
                ask = Ask(request, _admitted(request, desk, door))
                return make(ask), ask.feed
            except Refused:
                return _message(403, "access forbidden"), None
            except Exception as error:
                answer = said(error)
                text = answer.body.decode() if isinstance(answer.body, bytes) else ""
                return _message(answer.status, text.strip(), answer.headers.get("Retry-After")), None

        await door.answered(send, made, head=head)

    @asgi("/v1/decisions/stream", copy_scope=True)
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        def make(ask: Ask) -> Answer:
            door.content(ask.feed)
            startup = ask.said("startup").lower() in _TRUE
            body = desk.stream(ask.feed, ask.wanted(), client=ask.client(), startup=startup)
            return Answer(200, body=body, kind=JSON)

        await answered(scope, receive, send, make)

    @asgi("/v1/decisions", copy_scope=True)
    async def decisions(scope: Scope, receive: Receive, send: Send) -> None:
        def make(ask: Ask) -> Answer:
            text = ask.said("ip") or ask.said("range") or ask.said("value")
            if text:
                return Answer(200, body=desk.about(ask.feed, ask.wanted(), text), kind=JSON)
            door.content(ask.feed)
            return Answer(200, body=desk.listed(ask.feed, ask.wanted()), kind=JSON)

        await answered(scope, receive, send, make)

    @asgi("/v1/heartbeat", copy_scope=True)
    async def heartbeat(scope: Scope, receive: Receive, send: Send) -> None:
        await answered(scope, receive, send, lambda _ask: Answer(200))

    @route(
        "/v1/usage-metrics",
        http_method=[HttpMethod.POST],
        request_max_body_size=MAX_BODY,
        include_in_schema=False,
        status_code=201,
    )
    async def metrics(request: Request[Any, Any, Any]) -> None:
        """Take a bouncer's metrics, and keep nothing of them: their hits come back by other ways."""
        _admitted(request, desk, door)
        async for _ in request.stream():
            pass

    return [stream, decisions, heartbeat, metrics]


class Ask:
    """One request of a bouncer, read."""

    def __init__(self, request: Request[Any, Any, Any], feed: ServedFeed) -> None:
        self._request = request
        self.feed = feed

    def said(self, name: str) -> str:
        """A parameter; empty when it is missing."""
        return str(self._request.query_params.get(name) or "")[:MAX_PARAMETER]

    def words(self, name: str) -> list[str]:
        """A parameter of several words, in lower case."""
        return [word.strip().lower() for word in self.said(name).split(",") if word.strip()][:MAX_WORDS]

    def wanted(self) -> Wanted:
        """The filters that CrowdSec's API knows."""
        return Wanted(
            scopes=frozenset(self.words("scopes") + self.words("scope")),
            origins=frozenset(self.words("origins")),
            types=frozenset(self.words("type")),
            containing=tuple(self.words("scenarios_containing")),
            not_containing=tuple(self.words("scenarios_not_containing")),
        )

    def client(self) -> str:
        """How a bouncer is told from another with the same key: where it asks from, and its program."""
        address = self._request.client.host if self._request.client is not None else ""
        return f"{address} {self._request.headers.get('user-agent', '').partition('/')[0]}"


def _admitted(request: Request[Any, Any, Any], desk: BouncerDesk, door: Door) -> ServedFeed:
    address = request.client.host if request.client is not None else ""
    return door.admitted(address, "bouncer", request.headers.get("x-api-key"), desk.admitted)


def _message(status: int, text: str, retry_after: str | None = None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Answer(status, headers, msgspec.json.encode({"message": text}), JSON)
