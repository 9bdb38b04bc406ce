"""``GET /feeds/NAME``: what is in force, fetched by firewalls, proxies and mail filters, each with its own token.

The token comes as ``Authorization: Bearer`` or as the Basic password of the user NAME. ``If-None-Match`` answers 304
at the cost of a few look-ups; ``?since=SEQUENCE`` gives only what changed; ``Accept-Encoding: gzip`` is honoured.
Errors are one line of text, because that is what such tools log.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import uuid
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

from litestar import Request, asgi
from litestar.types import ControllerRouterHandler, Receive, Scope, Send

from seawall.api.handing import Answer, line, send_answer
from seawall.exchange import bearer_token
from seawall.exchange.listeners.local import basic_pair
from seawall.exchange.throttle import Buckets, Failures
from seawall.flow.served_feeds import FeedDesk, entity_tag
from seawall.flow.served_feeds_written import Written
from seawall.model import Fault, NotFound, Refused, Unavailable
from seawall.model.served_feed import ServedFeed

LOG = logging.getLogger(__name__)
POLLS_PER_SECOND, POLLS_AT_ONCE = 50, 500  # of one consumer; the busiest tools ask once a second
LISTS_PER_SECOND, LISTS_AT_ONCE = 0.5, 30  # answers with content: each may be tens of megabytes
MAX_OPEN = 8  # answers with content that one consumer reads at the same time
MAX_HEADER = 4_096  # characters of If-None-Match that are looked at: some forty entity tags
MAX_SINCE = 10**15
PATH = "/feeds"
_STATE = re.compile(r"([0-9]{1,16})(?:-([0-9a-f]{16}))?", re.ASCII)
CHALLENGE = 'Basic realm="seawall feeds", charset="UTF-8", Bearer realm="seawall feeds"'


class Door:
    """What both doors of feeds share: who asks, how often, and how faults are said."""

    def __init__(self) -> None:
        self.failures = Failures()
        self.polls = Buckets(POLLS_PER_SECOND, POLLS_AT_ONCE)
        self.lists = Buckets(LISTS_PER_SECOND, LISTS_AT_ONCE)
        self.open: Counter[int] = Counter()

    def admitted(self, address: str, name: str, token: str | None, look: Callable[[str], ServedFeed]) -> ServedFeed:
        """Who holds the token. Raises Refused for nobody, Busy for who failed or asked too often."""
        if not token:
            raise Refused("E-API-460", "Send the feed's own token (Bearer, or Basic with the feed's name).")
        if wait := self.failures.wait(address, name):
            raise Busy(wait)
        try:
            feed = look(token)
        except Refused:
            self.failures.failed(address, name)
            raise
        if wait := self.polls.take(feed.number):
            raise Busy(wait)
        return feed

    def content(self, feed: ServedFeed) -> None:
        """Count an answer with content. Raises Busy for one too many."""
        if self.open[feed.number] >= MAX_OPEN:
            raise Busy(10)
        if wait := self.lists.take(feed.number):
            raise Busy(wait)

    async def answered(self, send: Send, make: Callable[[], tuple[Answer, ServedFeed | None]], *, head: bool) -> None:
        """Make the answer in a thread and send it; what is no Fault is said as internal, with a reference."""
        feed = None
        try:
            answer, feed = await asyncio.to_thread(make)
        except Exception as error:
            answer = said(error)
        counted = feed is not None and isinstance(answer.body, Written)
        if feed is not None and counted:
            self.open[feed.number] += 1
        try:
            await send_answer(send, answer, head=head)
        finally:
            if feed is not None and counted:
                self.open[feed.number] -= 1


class Busy(Unavailable):
    """Too often or too many: HTTP 429 with the seconds to wait."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        super().__init__("E-API-461", "This is asked for too often; try again in {seconds} s.", seconds=self.seconds)


def said(error: Exception) -> Answer:
    """Any exception as an answer."""
    match error:
        case Busy():
            return line(429, str(error), Retry_After=str(error.seconds))
        case Refused():
            return line(401, str(error), WWW_Authenticate=CHALLENGE)
        case NotFound():
            return line(404, str(error))
        case Unavailable():
            return line(503, str(error), Retry_After="30")
        case Fault():
            return line(410 if error.code == "E-FLOW-962" else 400, str(error))
    reference = str(uuid.uuid4())
    LOG.error("internal error %s at a feed", reference, exc_info=error)
    return line(500, f"E-API-500: Something went wrong inside; quote the reference {reference} to the operator.")


def served_routes(desk: FeedDesk, clock: Callable[[], int], door: Door | None = None) -> list[ControllerRouterHandler]:
    """The routes of one node's feeds."""
    door = door or Door()

    @asgi(PATH, is_mount=True, copy_scope=True)
    async def feeds(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        head = request.method == "HEAD"
        if request.method not in ("GET", "HEAD"):
            await send_answer(
                send, line(405, "E-API-405: Feeds are read by GET or HEAD.", Allow="GET, HEAD"), head=head
            )
            return
        await door.answered(send, lambda: _answer(request, desk, door, clock), head=head)

    return [feeds]


def _answer(
    request: Request[Any, Any, Any], desk: FeedDesk, door: Door, clock: Callable[[], int]
) -> tuple[Answer, ServedFeed | None]:
    rest = request.scope["path"].removeprefix(PATH)
    if not rest.startswith("/"):
        raise NotFound("E-API-463", "There is nothing here; a feed is at /feeds/ and its name.")
    name, _, file = rest.strip("/").partition("/")
    authorization = request.headers.get("authorization", "")
    pair = basic_pair(authorization)
    token = bearer_token(authorization) if pair is None else pair[1] if pair[0] == name else None
    address = request.client.host if request.client is not None else ""
    feed = door.admitted(address, name, token, lambda held: desk.admitted(name, held))
    feed = desk.current(feed)
    headers = _headers(feed, desk.token(feed), clock())
    since = request.query_params.get("since")
    if since is not None:
        if (named := _STATE.fullmatch(since)) is None:
            raise Fault("E-API-462", "After since= comes what X-Seawall-Sequence told with an earlier list.")
        if since == desk.token(feed):
            return Answer(204, headers), feed
        if request.method == "HEAD":
            return Answer(200, headers), feed
        door.content(feed)
        return Answer(200, headers, desk.changes(feed, min(int(named[1]), MAX_SINCE), named[2] or "")), feed
    if _unchanged(request, feed, headers):
        return Answer(304, headers), feed
    if request.method == "HEAD":  # nothing leaves, so nothing is written and recorded for it
        return Answer(200, headers, kind=_kind(feed)), feed
    door.content(feed)
    packed = "gzip" in request.headers.get("accept-encoding", "")[:MAX_HEADER].lower()
    body = desk.whole(feed, file or None, gzip=packed)
    more = {"Content-Encoding": "gzip"} if packed else {}
    return Answer(200, {**headers, **more}, body, _kind(feed)), feed


def _headers(feed: ServedFeed, token: str, now: int) -> dict[str, str]:
    headers = {
        "ETag": entity_tag(feed),
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Encoding, Authorization",
        "X-Seawall-Sequence": token,
    }
    seconds = feed.modified_at // 1_000_000
    if 0 < seconds < now // 1_000_000:  # of this very second more may follow, so it is no moment to compare with yet
        headers["Last-Modified"] = formatdate(seconds, usegmt=True)
    return headers


def _unchanged(request: Request[Any, Any, Any], feed: ServedFeed, headers: dict[str, str]) -> bool:
    """RFC 9110 section 13: entity tags, compared weakly, go before moments."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        tag = entity_tag(feed).removeprefix("W/")
        return tags.strip() == "*" or tag in [part.strip().removeprefix("W/") for part in tags[:MAX_HEADER].split(",")]
    moment = request.headers.get("if-modified-since")
    if moment is None or "Last-Modified" not in headers:
        return False
    try:
        return parsedate_to_datetime(moment[:100]).timestamp() >= feed.modified_at // 1_000_000
    except (ValueError, TypeError, OverflowError):
        return False


def _kind(feed: ServedFeed) -> str:
    kinds = {"csv": "text/csv; charset=utf-8", "crowdsec": "application/json"}
    return kinds.get(feed.terms.format, "text/plain; charset=utf-8")
