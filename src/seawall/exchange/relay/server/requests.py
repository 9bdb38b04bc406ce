"""Reading one HTTP request and writing its answer, on bare ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from seawall.exchange.relay import faults, paths

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Reply = tuple[int, str, Sequence[bytes]]
"""Status, media type, the parts of the body."""

MAX_FIELDS = 8  # of a query; paths know three
MAX_DIGITS = 15
NO_CONTENT = 204  # has neither type nor length (RFC 9110 section 8.6)


def head_size(scope: Scope) -> int:
    """Bytes of the request line and headers; h11 bounds them only while they are incomplete."""
    named = sum(len(key) + len(value) for key, value in scope["headers"])
    return named + len(scope["raw_path"]) + len(scope["query_string"])


def header(scope: Scope, name: bytes) -> str | None:
    """The one header of this name; None when there is none, or more."""
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else None


def token(scope: Scope) -> bytes | None:
    """The token that the request carries, or None."""
    scheme, _, text = (header(scope, b"authorization") or "").partition(" ")
    return paths.read_token(text) if scheme.lower() == "bearer" else None


def address(scope: Scope) -> str:
    """Who is at the other end of the connection; kept in memory to slow down whoever fails, never written."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def length(scope: Scope, most: int) -> int:
    """The declared length of the body. Raises Refused 778 above ``most``, 780 when there is none."""
    text = header(scope, b"content-length") or ""
    if not (text.isascii() and text.isdigit()) or header(scope, b"transfer-encoding") is not None:
        raise faults.UNREADABLE()
    if len(text) > MAX_DIGITS or int(text) > most:
        raise faults.TOO_LARGE(most=most)
    return int(text)


def query(scope: Scope) -> dict[str, str]:
    """The query's fields, each at most once. Raises Refused 780."""
    try:
        fields = parse_qsl(scope["query_string"].decode("ascii"), strict_parsing=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        if scope["query_string"]:
            raise faults.UNREADABLE() from None
        return {}
    if len(dict(fields)) != len(fields):
        raise faults.UNREADABLE()
    return dict(fields)


def whole(fields: dict[str, str], name: str, default: int | None) -> int:
    """A whole number of the query. Raises Refused 780 for anything else, and when it is missing without a default."""
    text = fields.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > MAX_DIGITS:
        raise faults.UNREADABLE()
    return int(text)


async def respond(
    send: Send, status: int, media: str, parts: Sequence[bytes], extra: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Send one answer, part by part, so that a slow reader holds one part in the server's buffers."""
    size = sum(len(part) for part in parts)
    headers = [(b"cache-control", b"no-store"), *extra]
    if status != NO_CONTENT:
        headers += [(b"content-type", media.encode()), (b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
