"""``/misp-feed/CIRCLE/``: a MISP feed over HTTP, to which a MISP subscribes with Basic credentials of a TAXII user.

In MISP: Add Feed, URL ``https://host:8700/misp-feed/CIRCLE``, source format "MISP Feed", header
``Authorization: Basic ...``. ``If-None-Match`` answers 304 without a body.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import HttpMethod, Request, Response, route
from litestar.connection import ASGIConnection
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from seawall.exchange.faults import Unauthenticated
from seawall.flow.misp_feed import MispFeeds
from seawall.model import Actor, Fault, NotFound, Refused

WhoAsks = Callable[[ASGIConnection[Any, Any, Any, Any]], Actor]
CHALLENGE = {"WWW-Authenticate": 'Basic realm="seawall", charset="UTF-8"'}


def feed_routes(feeds: MispFeeds, who_asks: WhoAsks) -> list[ControllerRouterHandler]:
    """The feeds of one node."""

    @route(
        "/misp-feed/{circle:str}/{name:str}",
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        include_in_schema=False,
        status_code=200,
        sync_to_thread=True,
    )
    def feed(request: Request[Any, Any, Any], circle: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """One file of a feed."""
        try:
            found = feeds.file(who_asks(request), circle, name)
        except Unauthenticated:
            return Response(b"Send your name and token.\n", status_code=401, media_type="text/plain", headers=CHALLENGE)
        except Fault as fault:
            status = 404 if isinstance(fault, NotFound) else 403 if isinstance(fault, Refused) else 503
            return Response(f"{fault}\n".encode(), status_code=status, media_type="text/plain; charset=utf-8")
        headers = {"ETag": found.etag, "Cache-Control": "private, no-cache"}
        if _has(request.headers.get("if-none-match", ""), found.etag):
            return Response(b"", status_code=304, headers=headers)
        kind = "text/csv" if name.endswith(".csv") else "application/json"
        return Response(found.content, media_type=kind, headers=headers)

    return [feed]


def _has(header: str, etag: str) -> bool:
    """RFC 9110 section 13.1.2: weak comparison."""
    return header.strip() == "*" or etag in [part.strip().removeprefix("W/") for part in header[:4_096].split(",")]
