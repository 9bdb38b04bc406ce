"""The desk for the page and for scripts: lists, one warning, answers, and a stream that says when to look again.

Who asks stands in the Authorization header and nowhere else: no cookie, so no other site can answer in a person's name.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, Protocol

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from seawall.api.asking import reader_of
from seawall.api.faults import asked_language
from seawall.flow.node import Node
from seawall.flow.warning_answers import answer_warning, answered_document, snooze_warning, undo_warning
from seawall.flow.warning_shown import desk_document, list_desk, show_warning
from seawall.model import Actor, Fault, Unavailable, rfc3339, to_microseconds
from seawall.model.answer import Verdict
from seawall.model.moments import parse_moment
from seawall.model.unreadable import UNREADABLE

MAX_BODY = 64 << 10  # bytes of one answer
MAX_VALUE = 4_096  # characters
MAX_STREAMS = 100  # people and scripts that wait for news at once
LOOK_SECONDS = 1.0  # between two looks at the store, for all streams together
BEAT_SECONDS = 15.0  # a comment so often, or something in between ends the stream
STREAM_SECONDS = 600.0  # then the reader asks anew, and its token is looked at again

State = Annotated[
    Literal["open", "held", "snoozed", "answered", "all"],
    QueryParameter(name="state", description="Which of the desk's lists."),
]
Value = Annotated[str, QueryParameter(max_length=MAX_VALUE)]
Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]
After = Annotated[int, QueryParameter(ge=0, le=2**62)]


class WarningDesk(Protocol):
    """Who answers: ``DeskOfNode`` in the product."""

    def authenticate(self, token: str) -> Actor:
        """Who holds this token; raises Refused."""

    def page(self, actor: Actor, state: str, language: str, *, after: int, limit: int) -> dict[str, object]:
        """One page of the list in this state, and how the budget stands."""

    def show(self, actor: Actor, value: str, language: str) -> dict[str, object]:
        """Everything about one warning; raises NotFound."""

    def answer(self, actor: Actor, value: str, verdict: Verdict, note: str, language: str) -> dict[str, object]:
        """Confirm or refute; raises Refused, NotFound."""

    def snooze(self, actor: Actor, value: str, until: str) -> dict[str, object]:
        """Let it sleep; raises Refused, NotFound, Fault."""

    def undo(self, actor: Actor, value: str, language: str) -> dict[str, object]:
        """Take back an answer or snooze; raises Refused, NotFound."""

    def mark(self) -> str:
        """A word that differs after every change of the desk."""


class DeskOfNode:
    """The desk over an open node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def authenticate(self, token: str) -> Actor:
        """Who holds this token; raises Refused."""
        return self._node.store.users.authenticate(token)

    def page(self, actor: Actor, state: str, language: str, *, after: int, limit: int) -> dict[str, object]:
        """One page of the list in this state, and how the budget stands."""
        found, standing = list_desk(self._node, state, language, limit=limit, after=after, actor=actor)
        return {"items": found.items, "next": found.next, "desk": desk_document(standing)}

    def show(self, actor: Actor, value: str, language: str) -> dict[str, object]:
        """Everything about one warning; raises NotFound."""
        return show_warning(self._node, value, language, actor)

    def answer(self, actor: Actor, value: str, verdict: Verdict, note: str, language: str) -> dict[str, object]:
        """Confirm or refute; raises Refused, NotFound."""
        return answered_document(answer_warning(self._node, value, verdict, note, actor), language)

    def snooze(self, actor: Actor, value: str, until: str) -> dict[str, object]:
        """Let it sleep; raises Refused, NotFound, Fault."""
        warning = snooze_warning(self._node, value, until, actor)
        moment = rfc3339(to_microseconds(parse_moment(until)))
        return {"value": warning.value, "type": warning.type.value, "snoozed_until": moment}

    def undo(self, actor: Actor, value: str, language: str) -> dict[str, object]:
        """Take back an answer or snooze; raises Refused, NotFound."""
        return answered_document(undo_warning(self._node, value, actor), language)

    def mark(self) -> str:
        """A word that differs after every change of the desk."""
        store = self._node.store
        return f"{store.desk.mark()}/{store.answers.change()}"


class News:
    """One look a second at the desk's mark, however many wait for it."""

    def __init__(self, desk: WarningDesk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._looked = -LOOK_SECONDS
        self._mark = ""
        self.waiting = 0

    def mark(self) -> str:
        """The mark, at most ``LOOK_SECONDS`` old."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._mark, self._looked = self._desk.mark(), time.monotonic()
            return self._mark

    async def changes(self) -> AsyncIterator[bytes]:
        """Server-sent events: one at the beginning and one after each change; comments in between."""
        end, beat, last = time.monotonic() + STREAM_SECONDS, time.monotonic(), ""
        self.waiting += 1
        try:
            while (now := time.monotonic()) < end:
                try:
                    mark = await asyncio.to_thread(self.mark)
                except Fault:
                    mark = last  # the store is busy; the next look tells
                if mark != last:
                    last, beat = mark, now
                    yield b"event: desk\ndata: " + msgspec.json.encode({"mark": mark}) + b"\n\n"
                elif now - beat >= BEAT_SECONDS:
                    beat = now
                    yield b": still here\n\n"
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self.waiting -= 1


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_VALUE)]
    verdict: Verdict | None = None
    note: str = ""
    until: Annotated[str, msgspec.Meta(max_length=64)] = ""


def warning_routes(desk: WarningDesk) -> list[ControllerRouterHandler]:
    """The routes of one desk."""
    news = News(desk)

    def asker(request: Request[Any, Any, Any]) -> Actor:
        return reader_of(desk.authenticate, request)

    @get("/api/v1/desk", sync_to_thread=True)
    def page(
        request: Request[Any, Any, Any], wanted: State = "open", after: After = 0, limit: Limit = 100
    ) -> dict[str, Any]:
        """Warnings in one state, the most urgent first, and today's budget."""
        return desk.page(asker(request), wanted, asked_language(request), after=after, limit=limit)

    @get("/api/v1/desk/warning", sync_to_thread=True)
    def show(request: Request[Any, Any, Any], value: Value) -> dict[str, Any]:
        """Everything about one warning."""
        return desk.show(asker(request), value, asked_language(request))

    @get("/api/v1/desk/changes")
    async def changes(request: Request[Any, Any, Any]) -> Stream:
        """Server-sent events: look again. They say that something changed, and nothing of what."""
        await asyncio.to_thread(asker, request)
        if news.waiting >= MAX_STREAMS:
            raise Unavailable("E-API-440", "Too many wait for news; ask again in a minute.")
        return Stream(news.changes(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @post("/api/v1/desk/{act:str}", request_max_body_size=MAX_BODY, status_code=200)
    async def answer(request: Request[Any, Any, Any], act: FromPath[str]) -> dict[str, Any]:
        """answer, snooze or undo, with value, and verdict and note, or until."""
        body, language = await request.body(), asked_language(request)

        def done() -> dict[str, object]:
            actor, said = asker(request), _said(body)
            if act == "answer" and said.verdict is not None:
                return desk.answer(actor, said.value, said.verdict, said.note, language)
            if act == "snooze" and said.until:
                return desk.snooze(actor, said.value, said.until)
            if act == "undo":
                return desk.undo(actor, said.value, language)
            raise Fault("E-API-441", "Send answer with value and verdict, snooze with value and until, or undo.")

        return await asyncio.to_thread(done)

    return [page, show, changes, answer]


def _said(body: bytes) -> _Said:
    try:
        return msgspec.json.decode(body, type=_Said)
    except UNREADABLE:
        raise Fault("E-API-442", "This is no answer to a warning: send a JSON object with value.") from None


__all__ = ["DeskOfNode", "WarningDesk", "warning_routes"]
