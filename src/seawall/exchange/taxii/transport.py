"""httpx over a connection that knows its deadline and the one server key that counts.

Built over httpcore so that (1) the server's certificate is compared with the pin right after the TLS handshake, before
the request goes out, and (2) one deadline holds for the whole answer, also for headers that drip in.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import httpcore
import httpx

from seawall.exchange.binding import is_open
from seawall.identity import check_pin, server_name
from seawall.model import Fault, Refused, Unavailable

CHUNK = 64 * 1024


class Deadline:
    """The moment at which the running answer must be complete; shared by all streams of one wire."""

    def __init__(self) -> None:
        self.at = float("inf")
        self._socket: socket.socket | None = None

    def follow(self, stream: httpcore.NetworkStream) -> None:
        """This stream carries the answer."""
        self._socket = stream.get_extra_info("socket")

    def interrupt(self) -> None:
        """End the connection under whoever reads from it in another thread: closing it would not wake that one."""
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # the plain one: TLS state is the reader's

    def left(self, timeout: float | None) -> float:
        """The seconds that one read or write may take; raises httpcore.ReadTimeout when none are left."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if timeout is None else min(left, timeout)


def answer_to(
    client: httpx.Client, request: httpx.Request, deadline: Deadline, most: int, too_long: Callable[[], Fault]
) -> tuple[httpx.Response, bytes]:
    """Send one request without cookies; the answer and its body as it came, encoded or not.

    Raises ``too_long()`` when the body is longer than ``most`` bytes, and what httpx and httpcore raise.
    """
    client.cookies.clear()
    response = client.send(request, stream=True)
    try:
        parts, size = [], 0
        for part in response.iter_raw(CHUNK):
            size += len(part)
            if size > most:
                raise too_long()
            parts.append(part)
            deadline.left(None)
    finally:
        response.close()
    return response, b"".join(parts)


class _Stream(httpcore.NetworkStream):
    """A network stream that knows the deadline and checks the pin when TLS starts."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline, pin: str | None, *, by_name: bool) -> None:
        self._inner = inner
        self._deadline = deadline
        self._pin, self._by_name = pin, by_name

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        if self._pin is not None and not self._by_name:
            server_hostname = server_name(self._pin)  # no name is checked: the pin is, below
        secured = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        self._deadline.follow(secured)
        if self._pin is not None:
            der = secured.get_extra_info("ssl_object").getpeercert(True)
            try:
                check_pin(der, self._pin)
            except Refused:
                secured.close()
                raise
        return _Stream(secured, self._deadline, self._pin, by_name=self._by_name)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Opens the streams above; nothing but TCP."""

    def __init__(self, deadline: Deadline, pin: str | None, *, by_name: bool, outside: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline
        self._pin, self._by_name, self._outside = pin, by_name, outside

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(host, port, self._deadline.left(timeout), local_address, socket_options)
        self._deadline.follow(stream)
        if self._outside and not _leads_outside(stream):  # before a byte is sent: names may mean anything later
            stream.close()
            raise Unavailable(
                "E-EXCHANGE-758",
                "The address of the peer's relay leads inside our own networks; nothing was sent there. Ask the peer "
                "for a public address, or for an invitation.",
            )
        return _Stream(stream, self._deadline, self._pin, by_name=self._by_name)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def _leads_outside(stream: httpcore.NetworkStream) -> bool:
    try:
        return is_open(stream.get_extra_info("server_addr")[0])
    except (ValueError, TypeError, IndexError):
        return False


class _Body(httpx.SyncByteStream):
    """httpcore's body as httpx wants it."""

    def __init__(self, parts: Any) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts

    def close(self) -> None:
        self._parts.close()


class BoundedTransport(httpx.BaseTransport):
    """httpx over our own connection pool. ``by_name``: the server is no node, and is asked for by its host name;
    ``outside``: only addresses of the open internet are called, whatever the name means here."""

    def __init__(
        self,
        context: ssl.SSLContext | None,
        deadline: Deadline,
        pin: str | None,
        *,
        by_name: bool = False,
        outside: bool = False,
    ) -> None:
        backend = _Backend(deadline, pin, by_name=by_name, outside=outside)
        self._pool = httpcore.ConnectionPool(ssl_context=context, max_connections=1, network_backend=backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()
