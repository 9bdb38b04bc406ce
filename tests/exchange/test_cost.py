"""What serving and taking in costs, in CPU-seconds of this process, without the network."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from exchange.fakes import MemoryDesk, indicator, released
from seawall.exchange import Bounds, CollectionInfo, ReleasedPage, peer_app
from seawall.exchange.listeners.peer import PEER_KEY
from seawall.exchange.taxii.posting import split_envelope
from seawall.model import ReleasedObject, system_clock

PAGE = 1_000


class OnePage:
    """A service that always gives the same recorded page, or nothing: what is measured is the server alone."""

    def __init__(self, size: int) -> None:
        objects = [ReleasedObject(f"indicator--{n}", "v", indicator(n, padding=200)) for n in range(size)]
        recorded = released(objects, "harbour", "tw-kr") if size else None
        self._page = ReleasedPage(recorded, bool(size), "next", 1, 2) if size else ReleasedPage()

    def collections(self, _: object) -> list[CollectionInfo]:
        return [CollectionInfo("c", "tw-kr")]

    def page(self, *_: object) -> ReleasedPage:
        return self._page

    manifest = page

    def accept(self, *_: object) -> list[Any]:
        return []

    def delete(self, *_: object) -> None:
        return None


async def ask(app: Any, times: int) -> int:
    """Ask for the page so often; returns the bytes of the last answer."""
    size = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal size
        size = len(message.get("body", b"")) or size

    for _ in range(times):
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 1),
            "client": ("127.0.0.1", 2),
            "scheme": "https",
            "method": "GET",
            "root_path": "",
            "path": "/taxii2/circles/collections/c/objects/",
            "raw_path": b"/taxii2/circles/collections/c/objects/",
            "query_string": b"limit=1000",
            "headers": [(b"host", b"x"), (b"accept", b"application/taxii+json;version=2.1")],
            "state": {PEER_KEY: "harbour"},
        }
        await app(scope, receive, send)
    return size


def test_pages_of_a_thousand_cost_little() -> None:
    """The server gives at least 50,000 objects per CPU-second in pages of 1,000, beside policy, ledger and store."""
    app = peer_app(OnePage(PAGE), title="Seoul", clock=system_clock)
    asyncio.run(ask(app, 2))
    started = time.process_time()
    assert asyncio.run(ask(app, 30)) > PAGE * 400
    rate = 30 * PAGE / (time.process_time() - started)
    assert rate > 50_000


def test_empty_poll_costs_under_five_milliseconds() -> None:
    """A poll with nothing new costs the server under 5 ms."""
    app = peer_app(OnePage(0), title="Seoul", clock=system_clock)
    asyncio.run(ask(app, 5))
    started = time.process_time()
    asyncio.run(ask(app, 100))
    assert (time.process_time() - started) / 100 < 0.005


def test_posts_cost_little() -> None:
    """Splitting and looking into a POST handles at least 10,000 objects per CPU-second, beside check and policy."""
    body = b'{"objects":[' + b",".join(indicator(number, padding=200) for number in range(5_000)) + b"]}"
    started = time.process_time()
    taken = MemoryDesk().desk.take("lantern", "tw-kr", split_envelope(body, Bounds()))
    assert taken.counts.new == 5_000
    assert 5_000 / (time.process_time() - started) > 10_000
