"""MischievousPeer: a TLS server that answers as badly as it is told to.

Each behaviour yields bytes to send, or seconds to wait.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from exchange.fakes import indicator

Behaviour = Callable[[str], Iterator[bytes | float]]
"""From the request line ("GET /path?query HTTP/1.1") to what is sent."""

TAXII = "application/taxii+json;version=2.1"
ADDED = "2026-03-14T00:00:0{}.000000Z"


def answer(
    body: bytes, *, status: str = "200 OK", media_type: str = TAXII, length: int | None = None, extra: str = ""
) -> bytes:
    """A complete HTTP answer; ``length`` lies about the body."""
    size = len(body) if length is None else length
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {size}\r\nConnection: close\r\n{extra}\r\n"
    )
    return head.encode() + body


def dates(first: int, last: int) -> str:
    """The two TAXII date headers, within one minute."""
    return f"X-TAXII-Date-Added-First: {ADDED.format(first)}\r\nX-TAXII-Date-Added-Last: {ADDED.format(last)}\r\n"


def page(*numbers: int, more: bool = False, following: str | None = None) -> bytes:
    """An envelope of indicators."""
    head: dict[str, object] = {"more": more}
    if following is not None:
        head["next"] = following
    objects = b",".join(indicator(number) for number in numbers)
    return json.dumps(head).encode()[:-1] + b',"objects":[' + objects + b"]}"


class MischievousPeer:
    """Serves one behaviour on a loopback port until closed."""

    def __init__(self, behaviour: Behaviour, context: ssl.SSLContext | None) -> None:
        self._behaviour = behaviour
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.requests: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                raw, _ = self._listening.accept()
            except OSError:
                return
            raw.settimeout(10)
            try:
                with self._context.wrap_socket(raw, server_side=True) if self._context else raw as connection:
                    self._answer(connection)
            except OSError:
                continue  # the caller went away, as it should

    def _answer(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(65536)
            if not part:
                return
            request += part
        line = request.split(b"\r\n", 1)[0].decode("latin-1")
        self.requests.append(line)
        for piece in self._behaviour(line):
            if isinstance(piece, bytes):
                connection.sendall(piece)
            elif not self._ended.wait(piece):
                continue
            else:
                return


def truncated(_: str) -> Iterator[bytes | float]:
    """Half of a page, then the end of the connection."""
    body = page(1, 2, 3)
    yield answer(body[: len(body) // 2], length=len(body))


def truncated_json(_: str) -> Iterator[bytes | float]:
    """A complete HTTP answer whose JSON is cut off."""
    yield answer(page(1, 2, 3)[:-5])


def garbage(_: str) -> Iterator[bytes | float]:
    """Not HTTP at all."""
    yield bytes(range(256)) * 20


def not_json(_: str) -> Iterator[bytes | float]:
    """The right media type around the wrong thing."""
    yield answer(b"<html>\xff\xfe</html>")


def wrong_shape(_: str) -> Iterator[bytes | float]:
    """JSON, but no envelope."""
    yield answer(b'{"objects": "many", "more": 3}')


def wrong_media_type(_: str) -> Iterator[bytes | float]:
    """A page as plain JSON."""
    yield answer(page(1), media_type="application/json")


def silent(_: str) -> Iterator[bytes | float]:
    """Nothing at all."""
    yield 30.0


def slow_headers(_: str) -> Iterator[bytes | float]:
    """A header that never ends, a byte at a time."""
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    for _drop in range(600):
        yield b"a"
        yield 0.05


def slow_body(_: str) -> Iterator[bytes | float]:
    """A body that drips, a byte at a time."""
    yield answer(b"", length=100_000)
    for _drop in range(600):
        yield b" "
        yield 0.05


def endless_headers(_: str) -> Iterator[bytes | float]:
    """Headers without end, as fast as they go."""
    yield b"HTTP/1.1 200 OK\r\n"
    for number in range(20_000):
        yield f"X-{number}: {'a' * 100}\r\n".encode()


def huge_body(_: str) -> Iterator[bytes | float]:
    """A body far over every bound."""
    yield answer(b"", length=1 << 40)
    for _part in range(200):
        yield b" " * 1_000_000


def huge_object(_: str) -> Iterator[bytes | float]:
    """One object of two megabytes."""
    yield answer(b'{"objects":[' + indicator(1, padding=2_000_000) + b"]}")


def deep_object(_: str) -> Iterator[bytes | float]:
    """An object nested two hundred times."""
    deep = b'{"type":"indicator","id":"indicator--1","x":' + b"[" * 200 + b"]" * 200 + b"}"
    yield answer(b'{"objects":[' + deep + b"]}")


def abyss(_: str) -> Iterator[bytes | float]:
    """An object nested a hundred thousand times, to exhaust the reader's stack."""
    yield answer(b'{"objects":[{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}")


def too_many_objects(_: str) -> Iterator[bytes | float]:
    """More objects than were asked for."""
    yield answer(page(*range(50)), extra=dates(1, 2))


def same_page_for_ever(_: str) -> Iterator[bytes | float]:
    """The same page again and again, with ever new tokens."""
    yield answer(page(1, 2, more=True, following=str(time.monotonic_ns())), extra=dates(1, 2))


def more_without_way(_: str) -> Iterator[bytes | float]:
    """More, but neither a token nor a date."""
    yield answer(page(1, 2, more=True))


def more_and_empty(_: str) -> Iterator[bytes | float]:
    """More, but nothing in the page, and no progress in the date."""
    yield answer(b'{"more":true,"next":"x"}', extra=dates(1, 2))


def dates_backwards(line: str) -> Iterator[bytes | float]:
    """The second page claims to be older than the first."""
    if "next=" in line:
        yield answer(page(3), extra=dates(1, 1))
    else:
        yield answer(page(1, 2, more=True, following="2"), extra=dates(4, 5))


def unreadable_date(_: str) -> Iterator[bytes | float]:
    """A date header that is no date."""
    yield answer(page(1), extra="X-TAXII-Date-Added-Last: soon\r\n")


def first_moment(_: str) -> Iterator[bytes | float]:
    """More behind the very first moment of the calendar, and no token."""
    yield answer(page(1, more=True), extra="X-TAXII-Date-Added-Last: 0001-01-01T00:00:00Z\r\n")


def endless_pages(line: str) -> Iterator[bytes | float]:
    """A new page each time, for ever."""
    number = int(line.partition("next=")[2].partition(" ")[0].partition("&")[0] or 0)
    yield answer(page(number, more=True, following=str(number + 1)), extra=dates(1, 2))


def redirecting(_: str) -> Iterator[bytes | float]:
    """Go elsewhere."""
    yield answer(b"", status="302 Found", extra="Location: https://127.0.0.1:1/\r\n")


def compressed(_: str) -> Iterator[bytes | float]:
    """A compressed body that nobody asked for."""
    yield answer(b"\x1f\x8b" + b"\0" * 100, extra="Content-Encoding: gzip\r\n")


def failing(_: str) -> Iterator[bytes | float]:
    """An internal error."""
    yield answer(b"{}", status="500 Internal Server Error")


def refusing(_: str) -> Iterator[bytes | float]:
    """Not you."""
    yield answer(b"{}", status="403 Forbidden")


def long_token(_: str) -> Iterator[bytes | float]:
    """A token of a megabyte, which we would have to send back."""
    yield answer(page(1, more=True, following="x" * 1_000_000), extra=dates(1, 2))


def redirecting_down(_: str) -> Iterator[bytes | float]:
    """Go on without TLS, on this very host."""
    yield answer(b"", status="307 Temporary Redirect", extra="Location: http://127.0.0.1:1/\r\n")


def redirecting_in_a_ring(line: str) -> Iterator[bytes | float]:
    """Go where you are."""
    yield answer(b"", status="308 Permanent Redirect", extra=f"Location: {line.split(' ')[1]}\r\n")


def gzip_bomb(_: str) -> Iterator[bytes | float]:
    """Twenty kilobytes that unpack to twenty megabytes."""
    yield answer(gzip.compress(b" " * 20_000_000, 1), extra="Content-Encoding: gzip\r\n")


def chunked_for_ever(_: str) -> Iterator[bytes | float]:
    """Chunks without end, as fast as they go."""
    yield f"HTTP/1.1 200 OK\r\nContent-Type: {TAXII}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    for _chunk in range(2_000):
        yield b"10000\r\n" + b" " * 65_536 + b"\r\n"


def next_in_a_ring(line: str) -> Iterator[bytes | float]:
    """Two pages that point at each other."""
    first = "next=b" not in line
    yield answer(page(1 if first else 2, more=True, following="b" if first else "a"), extra=dates(1, 2))


def busy_for_ever(_: str) -> Iterator[bytes | float]:
    """Too busy, come again at once, each time."""
    yield answer(b"{}", status="429 Too Many Requests", extra="Retry-After: 0\r\n")


def busy_for_a_year(_: str) -> Iterator[bytes | float]:
    """Come again in a year."""
    yield answer(b"{}", status="503 Service Unavailable", extra="Retry-After: 31536000\r\n")


def busy_nonsense(_: str) -> Iterator[bytes | float]:
    """A Retry-After that means nothing."""
    yield answer(b"{}", status="503 Service Unavailable", extra="Retry-After: -1e999, soon\r\n")


def busy_beyond_calendars(_: str) -> Iterator[bytes | float]:
    """Come again in a year that no calendar reaches."""
    extra = "Retry-After: Mon, 1 Jan 99999999999999999999 00:00:00 GMT\r\n"
    yield answer(b"{}", status="503 Service Unavailable", extra=extra)


def wrong_length(_: str) -> Iterator[bytes | float]:
    """More body than announced."""
    yield answer(page(1, 2, 3), length=20)


def two_lengths(_: str) -> Iterator[bytes | float]:
    """Two lengths that differ."""
    yield answer(page(1), extra="Content-Length: 5\r\n")


def fewer_than_asked(line: str) -> Iterator[bytes | float]:
    """One object a page although ten were asked for: odd, but allowed."""
    number = int(line.partition("next=")[2].partition(" ")[0].partition("&")[0] or 0)
    more = number < 5
    yield answer(page(number, more=more, following=str(number + 1) if more else None), extra=dates(number, number))


def one_moment(line: str) -> Iterator[bytes | float]:
    """Every object of every page was added at the same moment."""
    number = int(line.partition("next=")[2].partition(" ")[0].partition("&")[0] or 0)
    more = number < 4
    numbers = range(10 * number, 10 * number + 10)
    yield answer(page(*numbers, more=more, following=str(number + 1) if more else None), extra=dates(3, 3))


def repeating_itself(line: str) -> Iterator[bytes | float]:
    """Every page begins with the object that ended the one before."""
    number = int(line.partition("next=")[2].partition(" ")[0].partition("&")[0] or 0)
    more = number < 3
    yield answer(page(number, number + 1, more=more, following=str(number + 1) if more else None), extra=dates(1, 5))


def burst_across_pages(line: str) -> Iterator[bytes | float]:
    """No token, and a burst of one moment that a page cuts in two: 1 at second 1, then 2, 3, 4 at second 2."""
    if "added_after" not in line:
        yield answer(page(1, 2, 3, more=True), extra=dates(1, 2))
    else:
        yield answer(page(2, 3, 4), extra=dates(2, 2))


def from_the_future(_: str) -> Iterator[bytes | float]:
    """A clock that is a thousand years ahead."""
    ahead = "3026-03-14T00:00:00.000000Z"
    yield answer(page(1, 2), extra=f"X-TAXII-Date-Added-First: {ahead}\r\nX-TAXII-Date-Added-Last: {ahead}\r\n")


def from_the_past(_: str) -> Iterator[bytes | float]:
    """A clock that stands at the beginning of time."""
    behind = "0001-01-01T00:00:00.000000Z"
    yield answer(page(1, 2), extra=f"X-TAXII-Date-Added-First: {behind}\r\nX-TAXII-Date-Added-Last: {behind}\r\n")
