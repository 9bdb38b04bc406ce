"""What both doors share: who sends, how large, and which format."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import Any, Protocol

from litestar import Request

from seawall.exchange import bearer_token
from seawall.exchange.listeners.local import MAX_CREDENTIAL, basic_pair
from seawall.flow.spool import Delivery
from seawall.model import Actor

MAX_BODY = 32 << 20  # bytes on the wire; Filebeat sends 1,600 events at once, Splunk's forwarders 1 MB
MAX_UNPACKED = 64 << 20  # after gzip
MAX_SENSOR = 60  # characters of a sensor's name
GZIP = 16 + zlib.MAX_WBITS

AnyRequest = Request[Any, Any, Any]


class Intake(Protocol):
    """Where lines go: ``flow.receive.Receiver`` in the product."""

    def authenticate(self, token: str) -> Actor:
        """Who holds this token and may send; raises Refused."""

    def resolve(self, wanted: str, head: bytes) -> str | None:
        """The format that lines beginning so are taken in as; None when no format knows them. Raises Fault."""

    def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Keep lines on disk. Raises Unavailable, Refused."""


class TooLargeError(Exception):
    """The body unpacks to more than MAX_UNPACKED bytes."""


class UnreadableError(Exception):
    """The body is not what its headers say."""


def unpacked(request: AnyRequest, body: bytes) -> bytes:
    """The body without its compression. Raises TooLargeError, UnreadableError."""
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return body
    if coding != "gzip":
        raise UnreadableError
    parts: list[bytes] = []
    left, size = body, 0
    try:
        while left:
            unpacker = zlib.decompressobj(GZIP)
            part = unpacker.decompress(left, MAX_UNPACKED + 1 - size)
            size += len(part)
            if size > MAX_UNPACKED or unpacker.unconsumed_tail:
                raise TooLargeError
            if not unpacker.eof:
                raise UnreadableError
            parts.append(part)
            left = unpacker.unused_data
    except zlib.error:
        raise UnreadableError from None
    return b"".join(parts)


def token_of(request: AnyRequest) -> str | None:
    """The token in ``Authorization``: Splunk, Bearer, Basic (its password) or ApiKey (what follows its colon)."""
    header = request.headers.get("authorization", "")
    if (pair := basic_pair(header)) is not None:
        return pair[1] or None
    scheme, _, credential = header.partition(" ")
    credential = credential.strip()
    if not 0 < len(credential) <= MAX_CREDENTIAL:
        return None
    if scheme.lower() == "splunk":
        return credential
    if scheme.lower() == "apikey":
        try:
            return base64.b64decode(credential, validate=True).decode("utf-8").rpartition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return bearer_token(header)


def one_line(raw: bytes) -> bytes:
    """JSON text as one line: line ends can only be white space between its parts."""
    return raw.replace(b"\r", b" ").replace(b"\n", b" ").strip()


def text_lines(text: str) -> list[bytes]:
    """The lines of an event's text, without blank ones."""
    return [line for line in text.encode("utf-8", "replace").splitlines() if line.strip()]
