"""The line to the node: HTTP/1.1 over TLS 1.3, our certificate shown, the node's authority and pin checked.

Nothing is sent before the pin held. Sizes and times of every answer are bounded; one connection is kept and opened
again when it broke.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec

from seawall.identity import Card, check_pin, server_name, trust
from seawall.model import Fault, Unavailable
from seawall.model.agent import AGENT_PATH, MAX_ENVELOPE

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
MAX_LINES = 4_000  # pages of one snapshot: four million orders


class Reply(msgspec.Struct, frozen=True):
    """An answer, read whole."""

    status: int
    body: bytes


class PinnedConnection(http.client.HTTPSConnection):
    """One connection that asks for the certificate of the pin (SNI) and compares it before a byte is sent."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, pin: str | None) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS, context=context)
        self._given, self._pin = context, pin

    def connect(self) -> None:
        """Connect, shake hands, check the pin. Raises Refused E-IDENTITY-021."""
        http.client.HTTPConnection.connect(self)
        name = server_name(self._pin) if self._pin is not None else None
        wrapped = self._given.wrap_socket(self.sock, server_hostname=name)
        self.sock = wrapped
        if self._pin is not None:
            try:
                check_pin(wrapped.getpeercert(binary_form=True), self._pin)
            except Fault:
                self.close()
                raise

    def certificate(self) -> bytes | None:
        """What the other side showed (DER); connected already."""
        shown: ssl.SSLSocket | None = self.sock
        return shown.getpeercert(binary_form=True) if shown is not None else None


class Line:
    """Questions to one node, one at a time; each thread has a line of its own."""

    def __init__(self, url: str, context: ssl.SSLContext, pin: str) -> None:
        """Raises Fault E-PROTECT-053 for an address that is none."""
        self._host, self._port = place_of(url)
        self._context, self._pin = context, pin
        self._connection: PinnedConnection | None = None

    def get(self, path: str, seconds: float = ANSWER_SECONDS, **parameters: str | int) -> Reply:
        """Ask. Raises Unavailable E-PROTECT-054 when there is no whole answer within ``seconds``, Refused for a pin."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        answer = self._asked("GET", f"{AGENT_PATH}{path}{query}", None, seconds)
        return self._whole(answer)

    def post(self, path: str, body: bytes, seconds: float = ANSWER_SECONDS) -> Reply:
        """Bring. Raises as ``get``."""
        return self._whole(self._asked("POST", f"{AGENT_PATH}{path}", body, seconds))

    def lines(self, path: str, seconds: float = ANSWER_SECONDS) -> Iterator[bytes]:
        """The lines of a long answer, one at a time. Raises as ``get``, also in the middle."""
        answer = self._asked("GET", f"{AGENT_PATH}{path}", None, seconds)
        if answer.status != 200:
            self._whole(answer)
            raise self._broken(f"it answered with {answer.status}")
        try:
            for _ in range(MAX_LINES):
                line = answer.readline(MAX_ENVELOPE + 2)
                if not line:
                    return
                if not line.endswith(b"\n"):
                    raise self._broken("a line of its answer was cut short, or is too long")
                yield line[:-1]
            raise self._broken("its answer has no end")
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from None
        finally:
            self.close()  # whatever was not read must not be taken for the next answer

    def close(self) -> None:
        """End the connection; the next question opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def interrupt(self) -> None:
        """From another thread: let a question that is held open end now."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def _asked(self, method: str, path: str, body: bytes | None, seconds: float) -> http.client.HTTPResponse:
        kept = self._connection is not None
        try:
            return self._once(method, path, body, seconds)
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            self.close()
            if not kept:
                raise self._broken(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from None
        try:  # a kept connection that the other side had ended meanwhile
            return self._once(method, path, body, seconds)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from None

    def _once(self, method: str, path: str, body: bytes | None, seconds: float) -> http.client.HTTPResponse:
        if self._connection is None:
            self._connection = PinnedConnection(self._host, self._port, self._context, self._pin)
            self._connection.connect()
        self._connection.sock.settimeout(seconds)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self._connection.request(method, path, body, headers)
        return self._connection.getresponse()

    def _whole(self, answer: http.client.HTTPResponse) -> Reply:
        try:
            body = answer.read(MAX_ENVELOPE + 1)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from None
        if len(body) > MAX_ENVELOPE:
            raise self._broken("its answer is too large")
        return Reply(answer.status, body)

    def _broken(self, reason: object) -> Unavailable:
        self.close()
        text = reason.strerror or type(reason).__name__ if isinstance(reason, OSError) else reason
        return no_answer(f"{self._host}:{self._port}", text)


def no_answer(place: str, reason: object) -> Unavailable:
    """What is said when the node cannot be reached or does not answer."""
    return Unavailable("E-PROTECT-054", "The node at {place} gave no answer: {reason}.", place=place, reason=reason)


def place_of(url: str) -> tuple[str, int]:
    """Host and port of the node's address. Raises Fault E-PROTECT-053."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme != "https" or not host or not port or parts.path not in ("", "/") or parts.query:
        raise Fault(
            "E-PROTECT-053",
            "{given} is no address of a node's door for agents; write https://HOST:PORT.",
            given=repr(url[:200]),
        )
    return host, port


def agent_context(folder: Path, card: Card) -> ssl.SSLContext:
    """TLS 1.3 with our certificate, believing this node alone. Raises Fault E-IDENTITY-040, E-PROTECT-055."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # one private authority, and a pin: that says more than a name
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    trust(context, card.ca_certificate)
    try:
        context.load_cert_chain(folder / "agent.crt", folder / "agent.key")
    except (ssl.SSLError, OSError) as error:
        raise unusable(folder, error) from None
    return context


def unverified_context() -> ssl.SSLContext:
    """TLS 1.3 that believes anybody: only for reading a card whose fingerprint is compared before anything is told."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def unusable(folder: Path, error: Exception) -> Fault:
    """The sentence about a key folder that cannot be read."""
    return Fault(
        "E-PROTECT-055", "The agent's key in {folder} cannot be used: {reason}; enrol it.", folder=folder, reason=error
    )
