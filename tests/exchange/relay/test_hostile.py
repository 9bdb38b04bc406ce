"""Callers who mean harm: too large, cut off, too slow, too many, unknown, malformed. The relay goes on serving."""

from __future__ import annotations

import asyncio
import http.client
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from exchange.relay.mischievous import Mischief, MischievousRelay
from seawall.exchange.relay import DEFAULT_BOUNDS, RelayBusy, RelayClient, token_text
from seawall.exchange.relay.server.memory import Memory
from seawall.model import Unavailable, system_clock

BOUNDS = msgspec.structs.replace(
    DEFAULT_BOUNDS,
    header_seconds=1.5,
    idle_seconds=1,
    grace_seconds=2.5,
    wait_most=0.5,
    page_bytes=16_384,
    bytes_per_second=1024 * 1024,
    connections_per_address=8,
    requests_per_second=1.0,
    requests_at_once=20.0,
    failures_per_second=1.0,
    failures_at_once=10.0,
)
HOUR = 3_600 * 1_000_000


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[MischievousRelay]:
    """A relay with little patience."""
    with MischievousRelay(tmp_path, bounds=BOUNDS) as running:
        yield running


def ask(relay: MischievousRelay, head: bytes, *, hold: bool = True) -> bytes:
    """Send raw bytes; everything that comes back until the relay closes, or at once what there is."""
    with socket.create_connection(("127.0.0.1", int(relay.url.rsplit(":", 1)[1])), timeout=30) as raw:
        raw.sendall(head)
        if not hold:
            raw.shutdown(socket.SHUT_WR)
        parts = []
        try:
            while part := raw.recv(65_536):
                parts.append(part)
        except ConnectionError:
            pass
        return b"".join(parts)


def still_serves(relay: MischievousRelay) -> bool:
    """Whether an honest user gets through."""
    box, client = relay.mailbox(), relay.client()
    data = secrets.token_bytes(1_024)
    client.put(box.id, box.write, data, expires=system_clock() + HOUR)
    found = client.fetch(box.id, box.read)
    client.close()
    return [item.data for item in found] == [data]


def soon(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it becomes true within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return true()


def is_open(raw: socket.socket) -> bool:
    """Whether the other side has not ended this connection, on which it says nothing."""
    raw.settimeout(0.01)
    try:
        return raw.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def connects(port: int) -> bool:
    """Whether a new connection is kept for a while."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.settimeout(0.1)
        try:
            return raw.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:
            return False


def put_head(relay: MischievousRelay, length: int) -> tuple[str, bytes]:
    """A mailbox, and the head of a put to it."""
    box = relay.mailbox()
    expires = system_clock() // 1_000_000 + 3_600
    lines = (
        f"POST /v1/mailbox/{box.id}?expires={expires} HTTP/1.1",
        "Host: relay",
        f"Authorization: Bearer {token_text(box.write)}",
        f"Content-Length: {length}",
    )
    return box.id, ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_slow_heads_are_cut(strict: MischievousRelay) -> None:
    """Who sends nothing, or a head drop by drop, loses the connection soon."""
    assert ask(strict, b"") == b""
    assert ask(strict, b"GET /v1/relay HTTP/1.1\r\nHost:") == b""
    assert still_serves(strict)


def test_slow_bodies_are_cut(strict: MischievousRelay) -> None:
    """Who declares a body and does not send it loses the connection, and nothing is kept."""
    id, head = put_head(strict, 4_096)
    assert ask(strict, head + bytes(100)) == b""
    assert next(item for item in strict.boxes.list() if item["id"] == id)["messages"] == 0
    assert still_serves(strict)


def test_bodies_that_drip_take_no_more_than_a_share_of_the_memory(tmp_path: Path) -> None:
    """Whoever has one mailbox's tokens and lets several bodies drip holds up its own mailbox and nobody else's."""
    size = 64 * 1024
    bounds = msgspec.structs.replace(BOUNDS, grace_seconds=60.0, bodies_bytes=2 * size)
    with MischievousRelay(tmp_path, bounds=bounds) as relay, ExitStack() as stack:
        _, head = put_head(relay, size)
        dripping = []
        for _ in range(2):
            raw = socket.create_connection(("127.0.0.1", int(relay.url.rsplit(":", 1)[1])), timeout=30)
            stack.enter_context(raw)
            raw.sendall(head + bytes(10))
            dripping.append(raw)
        time.sleep(0.5)
        box, client = relay.mailbox(), relay.client()
        stack.callback(client.close)
        client.put(box.id, box.write, secrets.token_bytes(size), expires=system_clock() + HOUR)
        assert any(is_open(raw) for raw in dripping)  # nobody waited until all of them were cut


def test_memory_is_shared_by_mailbox() -> None:
    """One request alone may be larger than a share; a second of the same mailbox waits for it, another's does not."""

    async def held() -> list[str]:
        memory, said = Memory(100), list[str]()
        async with memory.hold("a", 60), memory.hold("b", 20), memory.hold("b", 5):
            said.append("both")
            try:
                async with memory.hold("b", 1):
                    said.append("too much")
            except RelayBusy:
                said.append("busy")
        async with memory.hold("b", 1_000):
            said.append("all of it")
        return said

    assert asyncio.run(held()) == ["both", "busy", "all of it"]


def test_cut_off_bodies_are_not_kept(strict: MischievousRelay) -> None:
    """A put whose sender goes away in the middle leaves nothing."""
    id, head = put_head(strict, 4_096)
    ask(strict, head + bytes(2_048), hold=False)
    assert next(item for item in strict.boxes.list() if item["id"] == id)["messages"] == 0
    assert still_serves(strict)


def test_oversized_bodies_are_refused_before_they_are_read(strict: MischievousRelay) -> None:
    """The declared length decides."""
    _, head = put_head(strict, 2**31)
    assert ask(strict, head).startswith(b"HTTP/1.1 413 ")
    _, head = put_head(strict, 1_024)
    chunked = head.replace(b"Content-Length: 1024", b"Transfer-Encoding: chunked")
    assert ask(strict, chunked + b"5\r\nhello\r\n0\r\n\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /v1/relay HTTP/1.1\r\nHost: relay\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01" + bytes(1_000),
        b"GET /v1/relay HTTP/9.9\r\n\r\n",
        b"\r\n" * 50_000,
        b"POST /v1/relay HTTP/1.1\r\nHost: relay\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/relay HTTP/1.1\r\nHost: relay\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
    ids=["header", "path", "tls", "version", "lines", "negative", "two-lengths"],
)
def test_malformed_requests_are_refused(strict: MischievousRelay, raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Huge or broken heads get an error or a closed connection, and leave no line in any log."""
    answer = ask(strict, raw)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) or b" HTTP/9.9" in raw
    assert caplog.records == []
    assert still_serves(strict)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/v1/mailbox/"),
        ("GET", "/v1/mailbox/../relay"),
        ("PUT", "/v1/mailbox/" + "0" * 32),
        ("GET", "/v1/mailbox/" + "0" * 32),
        ("POST", "/v1/mailbox/" + "0" * 32 + "/delete"),
        ("GET", "/v1/mailbox/" + "0" * 31 + "g"),
        ("GET", "/v1/mailbox/" + "A" * 32),
        ("POST", "/v1/count/" + "0" * 32),
        ("DELETE", "/v1/relay"),
        ("GET", "/taxii2/"),
    ],
)
def test_unknown_paths_and_wrong_tokens_look_alike(strict: MischievousRelay, method: str, path: str) -> None:
    """Whatever is not there, not known or not allowed gets the same bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", int(strict.url.rsplit(":", 1)[1]), timeout=10)
    said = set()
    for token in (None, "x", token_text(secrets.token_bytes(32)), "\xff" * 40):
        connection.request(method, path, headers={} if token is None else {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        said.add((answer.status, answer.read(), tuple(sorted(answer.getheaders()))))
    connection.close()
    assert len(said) == 1
    status, body, _ = said.pop()
    assert status == 404
    assert b"E-EXCHANGE-774" in body


def test_guessers_and_floods_are_slowed_down(strict: MischievousRelay) -> None:
    """Many failures turn into "come again later", many requests with a good token too; others are not held up."""
    box, client = strict.mailbox(), strict.client()
    with pytest.raises(RelayBusy, match=r"try again in \d+ seconds"):
        for _ in range(200):
            client.fetch(box.id, box.read)
    other = strict.mailbox()
    assert client.fetch(other.id, other.read) == []
    connection = http.client.HTTPConnection("127.0.0.1", int(strict.url.rsplit(":", 1)[1]), timeout=10)
    statuses = []
    for _ in range(40):
        connection.request("GET", f"/v1/mailbox/{secrets.token_hex(16)}")
        answer = connection.getresponse()
        answer.read()
        statuses.append((answer.status, answer.getheader("retry-after") is not None))
    connection.close()
    assert set(statuses) == {(404, False), (429, True)}
    assert still_serves(strict)
    client.close()


def test_one_address_cannot_take_every_connection(tmp_path: Path) -> None:
    """Connections beyond the bound are cut at once, long before patience ends; when some end there is room again."""
    with MischievousRelay(tmp_path, bounds=msgspec.structs.replace(BOUNDS, header_seconds=60.0)) as relay:
        port = int(relay.url.rsplit(":", 1)[1])
        held = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(20)]
        assert soon(lambda: sum(map(is_open, held)) <= BOUNDS.connections_per_address)
        for raw in held:
            raw.close()
        assert soon(lambda: connects(port))
        assert still_serves(relay)


def test_a_failure_inside_tells_nothing(
    strict: MischievousRelay, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw is "come again later" outside and the kind of error inside, without what was sent."""
    box, client = strict.mailbox(), strict.client()
    data = b"secret" + secrets.token_bytes(1_018)

    def broken(*_given: object) -> bytes:
        raise ValueError(data.hex())

    monkeypatch.setattr(strict.evil, "put", broken)
    with pytest.raises(RelayBusy):
        client.put(box.id, box.write, data, expires=system_clock() + HOUR)
    assert [record.getMessage() for record in caplog.records] == ["a request failed: ValueError"]
    client.close()


def test_a_put_whose_answer_is_lost_is_held_once(relay: MischievousRelay, client: RelayClient) -> None:
    """A crash between keeping and answering is repaired by asking again."""
    box, data = relay.mailbox(), secrets.token_bytes(2_048)
    relay.behave(Mischief.LOSE_ANSWER)
    with pytest.raises(Unavailable):
        client.put(box.id, box.write, data, expires=system_clock() + HOUR)
    relay.behave()
    id = client.put(box.id, box.write, data, expires=system_clock() + HOUR)
    assert [item.id for item in client.fetch(box.id, box.read)] == [id]
