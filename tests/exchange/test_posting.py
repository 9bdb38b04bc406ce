"""Posts to us and from us: bounded together, given up when they drip, split when they are large."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from exchange.bounded_door import ME, ROOT, URL, serve
from exchange.fakes import MemoryExchange, indicator, released
from seawall.exchange import (
    Bounds,
    ObjectsQuery,
    Outcome,
    ReleasedPage,
    TaxiiClient,
    Wire,
    collection_id,
)
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE
from seawall.model import Actor, ReleasedObject


class Slow(MemoryExchange):
    """Takes its time over each POST, and notes how many it holds at once."""

    def __init__(self) -> None:
        super().__init__("node-1", {"open": frozenset({"siem"})})
        self.holding = self.most = 0
        self._counting = threading.Lock()

    def accept(self, actor: Actor, collection: str, bodies: Sequence[bytes]) -> Sequence[Outcome]:
        with self._counting:
            self.holding += 1
            self.most = max(self.most, self.holding)
        time.sleep(0.1)
        with self._counting:
            self.holding -= 1
        return super().accept(actor, collection, bodies)


def post(base: str, body: bytes) -> httpx.Response:
    """POST one body."""
    return httpx.post(
        base + URL,
        content=body,
        auth=ME,
        headers={"Content-Type": TAXII_MEDIA_TYPE},
        trust_env=False,
    )


def test_posts_are_held_few_at_a_time(stack: ExitStack) -> None:
    """Eight callers at once are all served, but never more than two bodies are in memory."""
    exchange = Slow()
    base = serve(stack, exchange, Bounds(posts_at_once=2))
    answers: list[int] = []
    bodies = [b'{"objects":[' + indicator(number) + b"]}" for number in range(8)]
    threads = [threading.Thread(target=lambda b=body: answers.append(post(base, b).status_code)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [202] * 8
    assert exchange.most == 2
    assert len(exchange.rows["open"]) == 8


def test_a_dripping_post_is_given_up(stack: ExitStack) -> None:
    """A body that never ends is answered 408, frees its place, and leaves nothing behind."""
    exchange = MemoryExchange("node-1", {"open": frozenset({"siem"})})
    base = serve(stack, exchange, Bounds(posts_at_once=1, post_seconds=0.3))
    address = urlsplit(base)
    authorization = httpx.BasicAuth(*ME)._auth_header
    head = f"POST {URL} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: {authorization}\r\n"
    head += f"Content-Type: {TAXII_MEDIA_TYPE}\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=5) as dripping:
        dripping.sendall(head.encode() + b'{"objects":[')
        assert b"408" in dripping.recv(65536).split(b"\r\n")[0]
    assert post(base, b'{"objects":[' + indicator(1) + b"]}").status_code == 202
    assert len(exchange.rows["open"]) == 1


def test_large_releases_go_in_portions(stack: ExitStack) -> None:
    """A release larger than one POST goes in several, in order, and the counts are added up."""
    exchange = MemoryExchange("node-1", {"open": frozenset({"siem"})})
    base = serve(stack, exchange, Bounds(content_length=10_000))
    bounds = Bounds(post_bytes=5_000)
    objects = [ReleasedObject(f"indicator--{n}", "", indicator(n, padding=500)) for n in range(30)]
    with TaxiiClient(Wire("peer", bounds=bounds, basic=ME), bounds) as client:
        done = client.add_objects(base + ROOT, collection_id("node-1", "open"), released(objects, "peer", "open"))
    assert (done.success_count, done.failure_count) == (30, 0)
    assert [row.body for row in exchange.rows["open"]] == [item.body for item in objects]


class Withholding(MemoryExchange):
    """Policy changed after the rows were written: only every third page still holds something."""

    def page(self, actor: Actor, collection: str, query: ObjectsQuery) -> ReleasedPage:
        page = super().page(actor, collection, query)
        assert page.released is not None
        number = int(page.released.value.objects[0].id[-4:])
        return page if number % 3 == 0 else msgspec.structs.replace(page, released=None)


@pytest.mark.parametrize("read_over", [100, 0])
def test_withheld_stretches_do_not_stop_a_walk(stack: ExitStack, read_over: int) -> None:
    """Pages withheld at the last moment are read over by the server; a client would walk over them as well."""
    exchange = Withholding("node-1", {"open": frozenset({"siem"})})
    for number in range(12):
        exchange.add("open", indicator(number))
    base = serve(stack, exchange, Bounds(withheld_pages=read_over))
    bounds = Bounds(page_objects=1)
    with TaxiiClient(Wire("peer", bounds=bounds, basic=ME), bounds) as client:
        pages = list(client.walk(base + ROOT, collection_id("node-1", "open"), None))
    bodies = [body for page in pages for body in page.bodies]
    assert bodies == [indicator(number) for number in (0, 3, 6, 9)]
    if read_over:
        assert all(page.bodies for page in pages[:-1])
