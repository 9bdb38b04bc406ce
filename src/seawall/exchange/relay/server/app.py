"""The relay's HTTP (``paths``), as a plain ASGI app: no framework, no log, one thread for the books.

The order of every request: (1) path and method, else the one 404, (2) the token, (3) how often it asks and how many of
its requests run, (4) the declared length, then a place in memory, (5) the body, (6) the role. Whatever fails tells a
code and whole numbers, never a word of what was sent.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import msgspec

from seawall.exchange.relay import faults, paths
from seawall.exchange.relay.bounds import RelayBounds
from seawall.exchange.relay.faults import KINDS, Forked, RelayBusy
from seawall.exchange.relay.interface import ID_BYTES
from seawall.exchange.relay.server import requests
from seawall.exchange.relay.server.counter import Counter
from seawall.exchange.relay.server.mailboxes import Mailboxes, Page, Right
from seawall.exchange.relay.server.memory import Crowd, Memory
from seawall.exchange.relay.server.requests import Receive, Reply, Scope, Send
from seawall.exchange.relay.server.witness import Witness
from seawall.exchange.throttle import Buckets
from seawall.model import Clock, Fault

LOG = logging.getLogger(__name__)
SWEEP_SECONDS = 60.0
BUSY_SECONDS = 5  # told to whoever finds no place
COUNTING = "counting"  # whose memory it is while tags are compared: one count at a time when they are large
T = TypeVar("T")


class Roles(msgspec.Struct, frozen=True):
    """The roles that are switched on; the others are as if they had never been written."""

    mailboxes: Mailboxes | None = None
    witness: Witness | None = None
    counter: Counter | None = None


class RelayApp:
    """One relay behind its door."""

    def __init__(self, roles: Roles, bounds: RelayBounds, clock: Clock, about: dict[str, object]) -> None:
        self.desks = roles
        self._bounds = bounds
        self._clock = clock
        self._about = msgspec.json.encode(about)
        self._thread = ThreadPoolExecutor(1, "relay-books")
        self._memory = Memory(bounds.bodies_bytes)
        self._crowd = Crowd(bounds.requests_per_token)
        self._rate = Buckets(bounds.requests_per_second, bounds.requests_at_once)
        self._failures = Buckets(bounds.failures_per_second, bounds.failures_at_once)
        self._waiters: dict[bytes, set[asyncio.Event]] = {}
        self._waiting = 0
        self._stopping = False
        self._sweeper: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through start and stop."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            async with self._answer(scope, receive) as (status, media, parts):
                await requests.respond(send, status, media, parts)
        except Fault as fault:
            await self._refuse(scope, send, fault)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            LOG.error("a request failed: %s", type(error).__name__)  # noqa: TRY400 - the traceback may hold what was sent
            await self._refuse(scope, send, faults.BUSY(seconds=BUSY_SECONDS))

    def stop_soon(self) -> None:
        """Let every long-poll end now; call it in the loop's thread."""
        self._stopping = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.set()

    @asynccontextmanager
    async def _answer(self, scope: Scope, receive: Receive) -> AsyncIterator[Reply]:
        """Steps 1 to 6; the reply is sent inside, so that its bytes stay counted until they left."""
        path, method = scope["path"], scope["method"]
        if requests.head_size(scope) > self._bounds.header_bytes:
            raise faults.UNREADABLE()
        if method == "GET" and path == paths.ABOUT:
            yield 200, "application/json", (self._about,)
            return
        if method == "POST" and path == paths.WITNESS and self.desks.witness is not None:
            self._limit(("witness", requests.address(scope)))
            body = await self._body(scope, receive, self._bounds.checkpoint_bytes)
            line = await self._in_thread(self.desks.witness.add_checkpoint, body, self._now())
            yield 200, paths.TEXT, (line.encode(),)
            return
        token = requests.token(scope)
        kind, _, rest = path.removeprefix("/v1/").partition("/")
        name, _, action = rest.partition("/")
        id = paths.read_id(name)
        if token is None or id is None or not path.startswith("/v1/"):
            raise faults.NOT_HERE()
        if kind == "mailbox" and self.desks.mailboxes is not None:
            async with self._mailbox(self.desks.mailboxes, (method, action), id, token, scope, receive) as reply:
                yield reply
        elif kind == "count" and action == "" and self.desks.counter is not None:
            async with self._count(self.desks.counter, method, id, token, scope, receive) as reply:
                yield reply
        else:
            raise faults.NOT_HERE()

    @asynccontextmanager
    async def _mailbox(
        self,
        boxes: Mailboxes,
        asked: tuple[str, str],
        id: bytes,
        token: bytes,
        scope: Scope,
        receive: Receive,
    ) -> AsyncIterator[Reply]:
        right = {("POST", ""): Right.WRITE, ("GET", ""): Right.READ, ("POST", "delete"): Right.READ}.get(asked)
        if right is None:
            raise faults.NOT_HERE()
        quota = await self._in_thread(boxes.quota, id, token, right)
        self._limit((id, right))
        query = requests.query(scope)
        with self._crowd.enter((id, right)):
            if asked == ("GET", ""):
                async with self._page(boxes, id, token, query) as page:
                    heads = (paths.frame_head(id, expires, len(data)) for id, expires, data in page.items)
                    bodies = (data for _, _, data in page.items)
                    yield 200, paths.BYTES, [part for pair in zip(heads, bodies, strict=True) for part in pair]
                return
            most = self._bounds.delete_ids * ID_BYTES if asked[1] else quota.message_bytes
            async with self._memory.hold(id, requests.length(scope, most)):
                body = await self._body(scope, receive, most)
                if asked[1]:
                    ids = [body[at : at + ID_BYTES] for at in range(0, len(body), ID_BYTES)]
                    deleted = await self._in_thread(boxes.delete, id, token, ids)
                    yield 200, "application/json", (msgspec.json.encode({"deleted": deleted}),)
                    return
                expires = requests.whole(query, "expires", None)
                made = await self._in_thread(boxes.put, id, token, body, expires, self._now())
            for waiter in tuple(self._waiters.get(id, ())):
                waiter.set()
            yield 200, "application/json", (msgspec.json.encode({"id": made.hex()}),)

    @asynccontextmanager
    async def _page(self, boxes: Mailboxes, id: bytes, token: bytes, query: dict[str, str]) -> AsyncIterator[Page]:
        """What waits; with ``wait``, not before something does or the time is over."""
        limit = min(max(requests.whole(query, "limit", self._bounds.page_messages), 1), self._bounds.page_messages)
        after = paths.read_id(query["after"]) if "after" in query else None
        if "after" in query and after is None:
            raise faults.UNREADABLE()
        deadline = asyncio.get_running_loop().time() + min(requests.whole(query, "wait", 0), self._bounds.wait_most)
        while True:
            with self._woken(id) as woken:
                async with self._memory.hold(id, self._bounds.page_bytes) as held:
                    page = await self._in_thread(boxes.page, id, token, after, limit, self._now())
                    await held.shrink(sum(len(data) for _, _, data in page.items))
                    left = deadline - asyncio.get_running_loop().time()
                    if page.items or left <= 0 or woken is None or self._stopping:
                        yield page
                        return
                try:
                    await asyncio.wait_for(woken.wait(), left)
                except TimeoutError:
                    deadline = 0.0

    @asynccontextmanager
    async def _count(
        self, counter: Counter, method: str, id: bytes, token: bytes, scope: Scope, receive: Receive
    ) -> AsyncIterator[Reply]:
        pair, side = await self._in_thread(counter.party, token)
        self._limit((pair, side))
        with self._crowd.enter((pair, side)):
            if method == "GET":
                given, found = await self._in_thread(counter.look, token, id)
                if not given:
                    yield 204, paths.BYTES, ()
                    return
            elif method == "POST":
                most = self._bounds.count_most * ID_BYTES
                async with self._memory.hold(pair, requests.length(scope, most)):
                    body = await self._body(scope, receive, most)
                    await asyncio.to_thread(counter.require_form, body)
                    async with self._memory.hold(COUNTING, 2 * len(body)):  # in the books, and the other side's
                        found = await self._in_thread(counter.give, token, id, body, self._now())
            else:
                raise faults.NOT_HERE()
            yield (202, paths.BYTES, ()) if found is None else (200, "application/json", (msgspec.json.encode(found),))

    async def _body(self, scope: Scope, receive: Receive, most: int) -> bytes:
        """Exactly as long as declared. Raises Refused 778 and 780; the door ends what drips."""
        length = requests.length(scope, most)
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ConnectionResetError
            parts.append(message["body"])
            size += len(message["body"])
            if size > length:
                raise faults.TOO_LARGE(most=most)
            if not message["more_body"]:
                break
        if size != length:
            raise faults.UNREADABLE()
        return b"".join(parts)

    def _limit(self, key: tuple[object, ...]) -> None:
        if wait := self._rate.take(key):
            raise faults.BUSY(seconds=math.ceil(wait))

    async def _in_thread(self, work: Callable[..., T], *given: object) -> T:
        """The books belong to one thread; a full or damaged disk is told as being busy."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*given))
        except sqlite3.Error as error:
            LOG.error("the books: %s", error)  # noqa: TRY400 - SQLite's own words say it all
            raise faults.BUSY(seconds=BUSY_SECONDS) from None

    @contextmanager
    def _woken(self, id: bytes) -> Iterator[asyncio.Event | None]:
        """An event that the next put to this mailbox sets; None when too many wait already."""
        if self._waiting >= self._bounds.waiters:
            yield None
            return
        event = asyncio.Event()
        self._waiting += 1
        self._waiters.setdefault(id, set()).add(event)
        try:
            yield event
        finally:
            self._waiting -= 1
            self._waiters[id].discard(event)
            if not self._waiters[id]:
                del self._waiters[id]

    def _now(self) -> int:
        return self._clock() // paths.SECOND

    async def _refuse(self, scope: Scope, send: Send, fault: Fault) -> None:
        """Tell what was wrong. Who fails often is told to wait instead, which says as little."""
        if fault.code == faults.NOT_HERE.code:
            wait = self._failures.take(requests.address(scope))
            fault = faults.BUSY(seconds=math.ceil(wait)) if wait else fault
        if fault.code not in KINDS:  # a sentence for the operator, not for callers
            LOG.error("a request failed: %s", fault.code)
            fault = faults.BUSY(seconds=BUSY_SECONDS)
        kind = KINDS[fault.code]
        told: dict[str, object] = {"code": kind.code, "values": fault.values}
        if isinstance(fault, Forked):
            told["held"] = fault.held
        extra = [(b"retry-after", str(fault.seconds).encode())] if isinstance(fault, RelayBusy) else []
        if kind is faults.ELSEWHERE:
            await requests.respond(send, kind.status, paths.TLOG_SIZE, (f"{fault.values['size']}\n".encode(),))
            return
        told["sentence"] = kind.text.format(**fault.values)
        await requests.respond(send, kind.status, "application/json", (msgspec.json.encode(told),), extra)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._sweeper = asyncio.create_task(self._sweep())
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if self._sweeper is not None:
                    self._sweeper.cancel()
                await asyncio.to_thread(self._thread.shutdown)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _sweep(self) -> None:
        """Forget what expired, once a minute."""
        while True:
            for role in (self.desks.mailboxes, self.desks.counter):
                if role is not None:
                    try:
                        await self._in_thread(role.sweep, self._now())
                    except Fault:
                        LOG.error("what expired could not be wiped; tried again in a minute")  # noqa: TRY400
            await asyncio.sleep(SWEEP_SECONDS)
