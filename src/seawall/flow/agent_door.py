"""The door for agents at enforcement points: TLS 1.3, each agent pinned to its point, one thread that waits for all.

    GET  /agent/v1/card                     our card; before enrolment, without a client certificate
    POST /agent/v1/enroll                   token and certificate -> point; without a client certificate
    GET  /agent/v1/changes?after=N&wait=S   a DSSE envelope over ``SignedChanges``: some, or none after S seconds
    GET  /agent/v1/snapshot                 lines, each a DSSE envelope over a ``SnapshotPage``
    GET  /agent/v1/epoch                    after a restore: what two people approved, signed; else 404
    POST /agent/v1/reports                  an ``AgentReport``

An agent that is further behind than the book reaches is answered 410 to ``changes`` and takes a snapshot. Every answer
but the first two is for the point whose agent has the certificate of the connection; whoever has none of a point gets
the same 404 as for a path that is not there.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from seawall.exchange.listening import Listener
from seawall.exchange.throttle import Failures
from seawall.flow.agent_enrol import MAX_REQUEST, enrol
from seawall.flow.agent_feed import AgentFeed, Answer
from seawall.flow.agent_reports import take_report
from seawall.flow.agent_tls import PIN_KEY, AgentTls, agent_config
from seawall.flow.agent_waiting import Waiting
from seawall.flow.node import Node
from seawall.model import Fault, NotFound, Refused
from seawall.model.agent import AGENT_PATH, MAX_REPORT_BYTES
from seawall.model.order import Point

LOG = logging.getLogger(__name__)
MOST_WAIT = 60.0  # seconds for which one question is held open
BODY_SECONDS = 20.0  # for an agent to bring its whole report
BOOKS_AT_ONCE = 2  # whole books that are told at the same time: each reads the store for some seconds
RELOAD_SECONDS = 1.0  # keys that were rotated are shown within about this time

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class AgentApp:
    """The ASGI application behind the door."""

    def __init__(self, node: Node, waiting: Waiting, enrolled: Callable[[], None]) -> None:
        self._node, self._waiting, self._enrolled = node, waiting, enrolled
        self._feed = AgentFeed(node)
        self._failures = Failures()
        self._asking: dict[str, asyncio.Event] = {}  # point -> its question that is held open
        self._books = asyncio.Semaphore(BOOKS_AT_ONCE)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """One request. What is not foreseen is a plain 500; the reason stays in our log."""
        started = False

        async def noted(message: dict[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._routed(scope, receive, noted)
        except NotFound:
            await _answer(send, 404)
        except Refused:
            await _answer(send, 403)
        except Fault as fault:
            LOG.info("an agent's request: %s", fault)
            await _answer(send, 422)
        except Exception:
            LOG.exception("an agent's request failed")
            if not started:  # else the answer stays without its end, and the agent takes none of it
                await _answer(send, 500)

    async def _routed(self, scope: Any, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", f"{AGENT_PATH}/card"):
            await _answer(send, 200, await asyncio.to_thread(self._node.keys.card))
        elif (method, path) == ("POST", f"{AGENT_PATH}/enroll"):
            await self._enrol(scope, receive, send)
        else:
            point = await asyncio.to_thread(self._point, scope["state"].get(PIN_KEY))
            if (method, path) == ("GET", f"{AGENT_PATH}/changes"):
                await self._changes(point, _parameters(scope), send)
            elif (method, path) == ("GET", f"{AGENT_PATH}/snapshot"):
                await self._book(point, send)
            elif (method, path) == ("GET", f"{AGENT_PATH}/epoch"):
                envelope = await asyncio.to_thread(self._feed.epoch, point)
                await _answer(send, 404 if envelope is None else 200, envelope or b"")
            elif (method, path) == ("POST", f"{AGENT_PATH}/reports"):
                body = await _body(receive, MAX_REPORT_BYTES)
                await asyncio.to_thread(take_report, self._node, point, body)
                await _answer(send, 200)
            else:
                raise _nothing_here()

    def _point(self, pin: str | None) -> Point:
        """The point of this certificate, as it is now: a dropped point closes the door at once."""
        for point in self._node.store.orders.points() if pin is not None else ():
            if point.fingerprint == pin:
                return point
        raise _nothing_here()

    async def _enrol(self, scope: Any, receive: Receive, send: Send) -> None:
        address = scope["client"][0] if scope.get("client") else ""
        if self._failures.wait(address, "agent"):
            await _answer(send, 429)
            return
        body = await _body(receive, MAX_REQUEST)
        try:
            point = await asyncio.to_thread(enrol, self._node, body)
        except Fault:
            self._failures.failed(address, "agent")
            raise
        await asyncio.to_thread(self._enrolled)
        await _answer(send, 200, msgspec.json.encode({"point": point.name, "zone": point.zone.value}))

    async def _changes(self, point: Point, given: dict[str, str], send: Send) -> None:
        after, wait = _number(given.get("after", "")), min(MOST_WAIT, float(_number(given.get("wait", "0"))))
        if (earlier := self._asking.pop(point.name, None)) is not None:
            earlier.set()  # an agent asks once at a time: the earlier connection is dead, or not its own
        mine = self._asking[point.name] = asyncio.Event()
        try:
            found = await self._held_open(point, after, wait, mine)
        finally:
            if self._asking.get(point.name) is mine:
                del self._asking[point.name]
        if found.envelope is None:
            await _answer(send, 410)
        else:
            await _answer(send, 200, found.envelope)

    async def _held_open(self, point: Point, after: int, wait: float, mine: asyncio.Event) -> Answer:
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        while True:
            event = self._waiting.ticket()
            try:
                found = await asyncio.to_thread(self._feed.changes, point, after)
                left = end - loop.time()
                if found.news or left <= 0 or mine.is_set() or self._waiting.over:
                    return found
                await _first_of(event, mine, left)
            finally:
                self._waiting.give_back(event)

    async def _book(self, point: Point, send: Send) -> None:
        if self._books.locked():
            await _answer(send, 503)
            return
        async with self._books:
            pages = self._feed.book(point)
            page = await asyncio.to_thread(next, pages, b"")
            await send(_head(200, None))
            while page:
                await send({"type": "http.response.body", "body": page, "more_body": True})
                page = await asyncio.to_thread(next, pages, b"")
            await send({"type": "http.response.body", "body": b""})


def agent_door(node: Node) -> AgentDoor | None:
    """The door that the settings name; None when they name none. Raises Unavailable E-EXCHANGE-012."""
    protect = node.settings.protect
    return AgentDoor(node, host=protect.agent_host, port=protect.agent_port) if protect.agent_port else None


class AgentDoor:
    """The listener for agents, what waits behind it, and the thread that keeps its trust current."""

    def __init__(self, node: Node, *, host: str, port: int) -> None:
        """Raises Unavailable E-EXCHANGE-012 when the address cannot be used."""
        self._waiting = Waiting(node)
        self._tls = AgentTls(node)
        self._stopping = threading.Event()
        app = AgentApp(node, self._waiting, self._tls.reload)
        self.listener = Listener(lambda _port: agent_config(app, self._tls, host=host), host, port, after_start=None)
        self._thread = threading.Thread(target=self._watch, name="agent-trust", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.listener.port

    def start(self) -> None:
        """Listen."""
        self._waiting.start()
        self.listener.start()
        self._thread.start()

    def stop(self) -> None:
        """Let everybody go and close the door."""
        self._stopping.set()
        self._waiting.stop()
        self.listener.stop()
        self._thread.join(RELOAD_SECONDS * 5)

    def _watch(self) -> None:
        while not self._stopping.wait(RELOAD_SECONDS):
            try:
                self._tls.reload()
            except (Fault, OSError):
                continue  # the store is busy; the next round asks again


async def _first_of(one: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    tasks = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _body(receive: Receive, most: int) -> bytes:
    """The whole body, bounded in size and time. Raises Fault E-FLOW-954."""
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > most or message["type"] != "http.request":
                raise Fault("E-FLOW-954", "What an agent brought is too large, or broke off.")
            if not message.get("more_body"):
                return bytes(body)


def _parameters(scope: Any) -> dict[str, str]:
    found = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=8)
    return {key: values[-1] for key, values in found.items()}


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    raise Fault("E-FLOW-955", "Agents ask with after=N and wait=S, where both are numbers.")


def _nothing_here() -> NotFound:
    return NotFound("E-FLOW-956", "There is nothing here for an agent of yours.")


def _head(status: int, length: int | None) -> dict[str, Any]:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": status, "headers": headers}


async def _answer(send: Send, status: int, body: bytes = b"") -> None:
    await send(_head(status, len(body)))
    await send({"type": "http.response.body", "body": body})
