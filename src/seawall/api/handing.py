"""How bytes of a feed leave the local listener: in pieces, never faster than the reader takes them, never for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
from litestar.types import Send

from seawall.flow.served_feeds_written import Written

SEND_SECONDS = 60.0  # a reader that takes no further 64 KiB within this is cut off
TEXT = "text/plain; charset=utf-8"
NO_BODY = frozenset({204, 304})


class Answer(msgspec.Struct, frozen=True):
    """One answer: a status, headers, and a body that is short or written."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes | Written = b""
    kind: str = TEXT


def line(status: int, sentence: str, **headers: str) -> Answer:
    """An error as the tools' logs show it: one line of text."""
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, f"{sentence}\n".encode())


async def send_answer(send: Send, answer: Answer, *, head: bool) -> None:
    """Send it. Raises TimeoutError when the reader takes nothing; the server then closes the connection."""
    body = answer.body
    length = len(body) if isinstance(body, bytes) else body.length
    headers = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in answer.headers.items()]
    if answer.status not in NO_BODY:
        headers.append((b"content-type", answer.kind.encode()))
        if length or not head:  # how long a list would be is not worth writing it
            headers.append((b"content-length", str(length).encode()))
    await _send(send, {"type": "http.response.start", "status": answer.status, "headers": _pairs(headers)})
    if head or not length or isinstance(body, bytes):
        whole = body if isinstance(body, bytes) and not head else b""
        await _send(send, {"type": "http.response.body", "body": whole, "more_body": False})
        return
    pieces = body.pieces()
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        await _send(send, {"type": "http.response.body", "body": piece, "more_body": True})
    await _send(send, {"type": "http.response.body", "body": b"", "more_body": False})


def _pairs(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if b"\n" not in value and b"\r" not in value]


async def _send(send: Send, message: object) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send(message)  # type: ignore[arg-type]  # the message types of the framework are closed unions
