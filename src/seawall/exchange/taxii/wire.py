"""One HTTP exchange with somebody we do not control: bounded in size, time and form.

A busy server (429, 503) is asked again when it says, within bounds.
Redirects, proxies, cookies and content encodings are not followed, used, kept or decoded. ``transport.py`` checks the
pin before a byte is sent and keeps the deadline.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping

import httpcore
import httpx
import msgspec

from seawall.exchange.bounds import Bounds
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE, is_taxii
from seawall.exchange.taxii.patience import Patience
from seawall.exchange.taxii.transport import BoundedTransport, Deadline, answer_to
from seawall.model import Fault, NotFound, Refused, Unavailable

BUSY = frozenset({429, 503})  # RFC 6585 section 4, RFC 9110 section 15.6.4: come again later


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
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._patience = Patience(peer, bounds, wait)
        self.peer = peer
        self._bounds = bounds
        self._deadline = Deadline()
        self._on_crossing = on_crossing
        self._client = httpx.Client(
            transport=BoundedTransport(context, self._deadline, pin),
            timeout=bounds.silence_seconds,
            follow_redirects=False,
            trust_env=False,
            auth=httpx.BasicAuth(*basic) if basic is not None else None,
            headers={"Accept": TAXII_MEDIA_TYPE, "Accept-Encoding": "identity", "User-Agent": "seawall"},
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def interrupt(self) -> None:
        """Cut off what runs, from another thread: it ends as when the server closes the connection."""
        self._deadline.interrupt()

    def get(self, url: str, parameters: Mapping[str, str] | None = None, *, media: str = TAXII_MEDIA_TYPE) -> Answer:
        """GET; any status is an answer except redirects. Raises the Faults of ``_ask``."""
        given = dict(parameters or {})
        return self._patiently(
            lambda: self._client.build_request("GET", url, params=given, headers={"Accept": media}), b""
        )

    def post(self, url: str, body: bytes, *, media: str = TAXII_MEDIA_TYPE) -> Answer:
        """POST a body of this media type. Raises the Faults of ``_ask``."""
        headers = {"Content-Type": media, "Accept": media}
        return self._patiently(lambda: self._client.build_request("POST", url, content=body, headers=headers), body)

    def _patiently(self, make: Callable[[], httpx.Request], sent: bytes) -> Answer:
        """Ask, and ask again when the server says that it is busy; raises Busy when that takes too long."""
        while True:
            answer = self._ask(make(), sent)
            if answer.status not in BUSY:
                return answer
            self._patience.wait(answer.headers.get("retry-after"))

    def _ask(self, request: httpx.Request, sent: bytes) -> Answer:
        self._deadline.at = time.monotonic() + self._bounds.answer_seconds
        what = f"{request.method} {request.url.raw_path.decode('ascii')}"
        if self._on_crossing is not None:
            self._on_crossing(Crossing("sent", what, sent))
        try:
            response, body = answer_to(self._client, request, self._deadline, self._bounds.page_bytes, self._too_long)
            answer = Answer(response.status_code, _headers(response), body)
        except Unavailable:
            raise
        except Exception as error:
            raise self._translated(error) from None
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise self._fault("E-EXCHANGE-117", "The peer {peer} sent an encoded body although none was asked for.")
        if self._on_crossing is not None:
            self._on_crossing(Crossing("received", what, answer.body))
        return self._checked(answer, request.headers["accept"])

    def _too_long(self) -> Unavailable:
        return self._fault(
            "E-EXCHANGE-106",
            "An answer of the peer {peer} is longer than {most} bytes; nothing of it is kept.",
            most=self._bounds.page_bytes,
        )

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

    def _checked(self, answer: Answer, media: str) -> Answer:
        """Raise for statuses that end the matter; the media type counts only for successes."""
        if 300 <= answer.status < 400:
            raise self._fault("E-EXCHANGE-104", "The peer {peer} tried to send us elsewhere; redirects are refused.")
        if answer.status in {401, 403}:
            raise Refused(
                "E-EXCHANGE-108", "The peer {peer} refused us (HTTP {status}).", peer=self.peer, status=answer.status
            )
        if answer.status == 404:
            raise NotFound("E-EXCHANGE-109", "The peer {peer} does not offer what was asked for.", peer=self.peer)
        said = answer.headers.get("content-type", "")
        fits = is_taxii(said) if media == TAXII_MEDIA_TYPE else said.partition(";")[0].strip().lower() == media
        if 200 <= answer.status < 300 and not fits:
            raise self._fault("E-EXCHANGE-105", "The peer {peer} answered with another media type than TAXII 2.1.")
        return answer


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
