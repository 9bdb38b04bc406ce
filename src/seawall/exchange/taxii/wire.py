"""One HTTP exchange with somebody we do not control: pinned before a byte is sent, bounded in size, time and form.

Built as a small transport over httpcore so that (1) the server's certificate is compared with the pins right after
the TLS handshake, before the request goes out, and (2) one deadline holds for the whole answer, also for headers
that drip in. Redirects, proxies, cookies and content encodings are not followed, used, kept or decoded.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import httpcore
import httpx
import msgspec

from seawall.exchange.bounds import Bounds
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE, is_taxii
from seawall.identity import check_pin
from seawall.model import Fault, NotFound, Refused, Unavailable

CHUNK = 64 * 1024


class Crossing(msgspec.Struct, frozen=True):
    """One body that crossed the border, for whoever wants to see every byte (the demo does)."""

    direction: str  # "sent" | "received"
    what: str  # "GET /taxii2/..."
    body: bytes


class Answer(msgspec.Struct, frozen=True):
    """A complete, bounded answer."""

    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes


class _Deadline:
    """The moment at which the running answer must be complete; shared by all streams of one wire."""

    def __init__(self) -> None:
        self.at = float("inf")

    def left(self, timeout: float | None) -> float:
        """The seconds that one read or write may take; raises httpcore.ReadTimeout when none are left."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """A network stream that knows the deadline and checks the pin when TLS starts."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline, pin: str | None) -> None:
        self._inner = inner
        self._deadline = deadline
        self._pin = pin

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        if self._pin is not None:
            der = secured.get_extra_info("ssl_object").getpeercert(True)
            try:
                check_pin(der, self._pin)
            except Refused:
                secured.close()
                raise
        return _Stream(secured, self._deadline, self._pin)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Opens the streams above; nothing but TCP."""

    def __init__(self, deadline: _Deadline, pin: str | None) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline
        self._pin = pin

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(host, port, self._deadline.left(timeout), local_address, socket_options)
        return _Stream(stream, self._deadline, self._pin)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Body(httpx.SyncByteStream):
    """httpcore's body as httpx wants it."""

    def __init__(self, parts: Any) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts

    def close(self) -> None:
        self._parts.close()


class _Transport(httpx.BaseTransport):
    """httpx over our own connection pool."""

    def __init__(self, context: ssl.SSLContext | None, deadline: _Deadline, pin: str | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_connections=1, network_backend=_Backend(deadline, pin)
        )

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


class Wire:
    """Bounded HTTP with one server, named ``peer`` in every Fault. Not for several threads at once.

    ``pin`` is the only server key that counts (``identity.certificate_sha256``); without it ``context`` alone decides.
    """

    def __init__(
        self,
        peer: str,
        *,
        bounds: Bounds,
        context: ssl.SSLContext | None = None,
        pin: str | None = None,
        basic: tuple[str, str] | None = None,
        on_crossing: Callable[[Crossing], None] | None = None,
        headers: Mapping[str, str] | None = None,
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        """``headers`` go with every request; ``on_headers`` hears those of every answer (lower-case names)."""
        self._on_headers = on_headers
        self.peer = peer
        self._bounds = bounds
        self._deadline = _Deadline()
        self._on_crossing = on_crossing
        self._client = httpx.Client(
            transport=_Transport(context, self._deadline, pin),
            timeout=bounds.silence_seconds,
            follow_redirects=False,
            trust_env=False,
            auth=httpx.BasicAuth(*basic) if basic is not None else None,
            headers={
                "Accept": TAXII_MEDIA_TYPE,
                "Accept-Encoding": "identity",
                "User-Agent": "seawall",
                **(headers or {}),
            },
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def get(self, url: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """GET; any status is an answer except redirects. Raises the Faults of ``_ask``."""
        return self._ask(self._client.build_request("GET", url, params=dict(parameters or {})), b"")

    def post(self, url: str, body: bytes) -> Answer:
        """POST a TAXII body. Raises the Faults of ``_ask``."""
        headers = {"Content-Type": TAXII_MEDIA_TYPE}
        return self._ask(self._client.build_request("POST", url, content=body, headers=headers), body)

    def _ask(self, request: httpx.Request, sent: bytes) -> Answer:
        self._deadline.at = time.monotonic() + self._bounds.answer_seconds
        what = f"{request.method} {request.url.raw_path.decode('ascii')}"
        if self._on_crossing is not None:
            self._on_crossing(Crossing("sent", what, sent))
        self._client.cookies.clear()
        try:
            response = self._client.send(request, stream=True)
            try:
                answer = Answer(response.status_code, _headers(response), self._read(response))
            finally:
                response.close()
        except Unavailable:
            raise
        except Exception as error:
            raise self._translated(error) from None
        if self._on_crossing is not None:
            self._on_crossing(Crossing("received", what, answer.body))
        checked = self._checked(answer)
        if self._on_headers is not None:
            self._on_headers(checked.headers)
        return checked

    def _read(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise self._fault("E-EXCHANGE-117", "The peer {peer} sent an encoded body although none was asked for.")
        most, parts, size = self._bounds.page_bytes, [], 0
        for part in response.iter_raw(CHUNK):
            size += len(part)
            if size > most:
                raise self._fault(
                    "E-EXCHANGE-106",
                    "An answer of the peer {peer} is longer than {most} bytes; nothing of it is kept.",
                    most=most,
                )
            parts.append(part)
            self._deadline.left(None)
        return b"".join(parts)

    def _fault(self, code: str, text: str, **values: object) -> Unavailable:
        return Unavailable(code, text, peer=self.peer, **values)

    def _translated(self, error: Exception) -> Fault:
        """Steps: pin, TLS, time, connection; everything else is a broken answer."""
        match error:
            case Refused():
                return self._fault(
                    "E-EXCHANGE-103",
                    "The server at {peer} shows a certificate that is not pinned; nothing was sent to it.",
                )
            case httpcore.TimeoutException() | httpx.TimeoutException():
                return self._fault("E-EXCHANGE-102", "The peer {peer} did not answer in time; try again later.")
            case httpcore.ConnectError() | httpx.ConnectError():
                if "certificate" in str(error).lower():
                    return self._fault(
                        "E-EXCHANGE-103",
                        "The server at {peer} shows a certificate that is not pinned; nothing was sent to it.",
                    )
                return self._fault(
                    "E-EXCHANGE-101", "The peer {peer} cannot be reached; check its address and network."
                )
            case httpcore.NetworkError() | httpx.NetworkError() | ssl.SSLError():
                return self._fault(
                    "E-EXCHANGE-119",
                    "The peer {peer} closed the connection without an answer; it may not have verified this node.",
                )
            case httpcore.RemoteProtocolError() | httpx.RemoteProtocolError():
                return self._fault("E-EXCHANGE-118", "The answer of the peer {peer} is cut off or is not HTTP.")
        return self._fault("E-EXCHANGE-118", "The answer of the peer {peer} is cut off or is not HTTP.")

    def _checked(self, answer: Answer) -> Answer:
        """Raise for statuses that end the matter; the media type counts only for successes."""
        if 300 <= answer.status < 400:
            raise self._fault("E-EXCHANGE-104", "The peer {peer} tried to send us elsewhere; redirects are refused.")
        if answer.status in {401, 403}:
            raise Refused(
                "E-EXCHANGE-108", "The peer {peer} refused us (HTTP {status}).", peer=self.peer, status=answer.status
            )
        if answer.status == 404:
            raise NotFound("E-EXCHANGE-109", "The peer {peer} does not offer what was asked for.", peer=self.peer)
        if 200 <= answer.status < 300 and not is_taxii(answer.headers.get("content-type", "")):
            raise self._fault("E-EXCHANGE-105", "The peer {peer} answered with another media type than TAXII 2.1.")
        return answer


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
