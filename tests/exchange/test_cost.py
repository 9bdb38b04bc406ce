"""What serving and taking in costs, in calls and not in seconds, without the network (``bench taxii`` measures)."""

from __future__ import annotations

import asyncio
from typing import Any

from counting import calls
from exchange.fakes import MemoryDesk, indicator, released
from seawall.exchange import Bounds, CollectionInfo, ReleasedPage, peer_app
from seawall.exchange.listeners.peer import PEER_KEY
from seawall.exchange.taxii.posting import split_envelope
from seawall.model import ReleasedObject, system_clock

MOST_FOR_ONE_SERVED, MOST_FOR_ONE_TAKEN, MOST_FOR_A_POLL = 0.1, 20, 1_500
"""Bounds, in calls."""

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


def cost_of_asking(page: OnePage) -> int:
    """The calls of one answer of the server, the second time."""
    app = peer_app(page, title="Seoul", clock=system_clock)
    asyncio.run(ask(app, 2))
    return calls(lambda: asyncio.run(ask(app, 1)))


def test_pages_of_a_thousand_cost_little() -> None:
    """The server copies objects that are bytes already: no call for each, beside policy, ledger and store."""
    app = peer_app(OnePage(PAGE), title="Seoul", clock=system_clock)
    assert asyncio.run(ask(app, 1)) > PAGE * 400
    assert cost_of_asking(OnePage(PAGE)) - cost_of_asking(OnePage(1)) < MOST_FOR_ONE_SERVED * PAGE


def test_an_empty_poll_costs_little() -> None:
    """A poll with nothing new is a few hundred calls of the server, the loop's own included."""
    assert cost_of_asking(OnePage(0)) < MOST_FOR_A_POLL


def test_posts_cost_little() -> None:
    """Splitting and looking into a POST: some calls for each object, however many it holds."""

    def cost(size: int) -> int:
        body = b'{"objects":[' + b",".join(indicator(number, padding=200) for number in range(size)) + b"]}"
        desk, given = MemoryDesk().desk, split_envelope(body, Bounds())
        taken: list[int] = []
        found = calls(lambda: taken.append(desk.take("lantern", "tw-kr", given).counts.new))
        assert taken == [size]
        return found

    assert cost(5_000) < 1.2 * 10 * cost(500)
    assert cost(5_000) < MOST_FOR_ONE_TAKEN * 5_000
