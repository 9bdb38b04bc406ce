"""Walks a collection page by page without believing anything the server says about its own progress.

The cursor is the server's own word (rule: never our clock), kept as JSON ``{"added_after", "next", "last"}``:
``added_after`` is where this walk began, ``next`` where it stands inside it, ``last`` the newest date added so far.
A page with ``more`` keeps (added_after, next); the last page turns ``last`` into the new ``added_after``. A killed
walk resumes at ``next``; when the server has forgotten that, the walk begins again at ``added_after``: objects come
twice, none is missed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping

import msgspec

from seawall.exchange.bounds import Bounds
from seawall.exchange.nesting import nested_deeper
from seawall.exchange.taxii.query import parse_timestamp
from seawall.exchange.taxii.resources import DATE_ADDED_FIRST, DATE_ADDED_LAST, Envelope
from seawall.exchange.taxii.wire import Answer, Wire
from seawall.model import Clock, Fault, NotFound, Unavailable, rfc3339, system_clock
from seawall.model.unreadable import UNREADABLE

STALE_NEXT = frozenset({400, 410, 422})  # how servers say that they have forgotten a ``next``


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a walk stands, in the server's words."""

    added_after: str | None = None
    next: str | None = None
    last: str | None = None

    def text(self) -> str:
        """As it is kept."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """A kept cursor; one that cannot be read starts from the beginning, which only costs time."""
        try:
            return msgspec.json.decode(text, type=cls) if text is not None else cls()
        except UNREADABLE:
            return cls()


class WalkedPage(msgspec.Struct, frozen=True):
    """One page that passed every check. ``bodies`` are JSON objects as they came, not yet looked into."""

    bodies: tuple[bytes, ...]
    cursor: str  # save it once the bodies are stored
    size: int  # bytes of the answer
    doubt: str | None = None  # what our own people should hear about it, one sentence


class Walk:
    """One walk through one collection."""

    def __init__(
        self, wire: Wire, bounds: Bounds, url: str, filters: Mapping[str, str], clock: Clock = system_clock
    ) -> None:
        """``clock`` only tells which dates lie too far ahead to be believed."""
        self._clock = clock
        self._doubt: str | None = None
        self._wire = wire
        self._bounds = bounds
        self._url = url
        self._filters = filters
        self._seen: set[bytes] = set()
        self._objects = 0

    def pages(self, kept: str | None) -> Iterator[WalkedPage]:
        """Yield pages until the server has no more; raises Unavailable E-EXCHANGE-1xx and yields nothing bad."""
        cursor = Cursor.read(kept)
        end = time.monotonic() + self._bounds.walk_seconds
        for _ in range(self._bounds.pages):
            answer, cursor = self._fetch(cursor)
            envelope = self._envelope(answer)
            last = self._last_added(answer, envelope, cursor)
            following = self._advance(cursor, envelope, last)
            bodies = self._bodies(envelope)
            if bodies or following != cursor:
                yield WalkedPage(bodies, following.text(), len(answer.body), self._doubt)
            if not envelope.more:
                return
            cursor = following
            if time.monotonic() > end:
                return  # the cursor is kept: the next synchronisation goes on from here
            if self._objects > self._bounds.objects:
                break
        raise self._fault("E-EXCHANGE-116", "The peer {peer} sends more than any honest walk needs; it was stopped.")

    def _fetch(self, cursor: Cursor) -> tuple[Answer, Cursor]:
        try:
            answer = self._ask(cursor)
        except NotFound:
            if cursor.next is None:
                raise
            answer = None
        if cursor.next is not None and not self._seen and (answer is None or answer.status in STALE_NEXT):
            cursor = Cursor(cursor.added_after)
            answer = self._ask(cursor)
        if answer is None or answer.status != 200:
            raise self._fault(
                "E-EXCHANGE-121",
                "The peer {peer} answered with HTTP {status}; try again later.",
                status=answer.status if answer is not None else 404,
            )
        return answer, cursor

    def _ask(self, cursor: Cursor) -> Answer:
        parameters = {**self._filters, "limit": str(self._bounds.page_objects)}
        if cursor.added_after is not None:
            parameters["added_after"] = cursor.added_after
        if cursor.next is not None:
            parameters["next"] = cursor.next
        return self._wire.get(self._url, parameters)

    def _envelope(self, answer: Answer) -> Envelope:
        try:
            envelope = msgspec.json.decode(answer.body, type=Envelope)
        except RecursionError:
            raise self._too_deep() from None
        except UNREADABLE:
            raise self._fault(
                "E-EXCHANGE-107", "The answer of the peer {peer} is not what TAXII 2.1 describes."
            ) from None
        if len(envelope.objects) > self._bounds.page_objects:
            raise self._fault(
                "E-EXCHANGE-112",
                "The peer {peer} sent more than the {limit} objects that were asked for.",
                limit=self._bounds.page_objects,
            )
        return envelope

    def _bodies(self, envelope: Envelope) -> tuple[bytes, ...]:
        bodies = tuple(bytes(item) for item in envelope.objects)
        digest = hashlib.blake2b(digest_size=16)
        for body in bodies:
            if len(body) > self._bounds.object_bytes:
                raise self._fault(
                    "E-EXCHANGE-110",
                    "An object of the peer {peer} is longer than {most} bytes.",
                    most=self._bounds.object_bytes,
                )
            if nested_deeper(body, self._bounds.nesting):
                raise self._too_deep()
            digest.update(body)
        if bodies:
            if digest.digest() in self._seen:
                raise self._fault(
                    "E-EXCHANGE-113", "The peer {peer} sent the same page twice; its paging cannot be trusted."
                )
            self._seen.add(digest.digest())
        self._objects += len(bodies)
        return bodies

    def _last_added(self, answer: Answer, envelope: Envelope, cursor: Cursor) -> str | None:
        """The page's newest date added, as written; it may not lie before what we already have."""
        last = answer.headers.get(DATE_ADDED_LAST.lower())
        if last is None and len(envelope.objects) == 1:
            last = answer.headers.get(DATE_ADDED_FIRST.lower())
        if last is None:
            return cursor.last
        try:
            moment = parse_timestamp(last)
            before = [parse_timestamp(text) for text in (cursor.added_after, cursor.last) if text is not None]
        except ValueError:
            raise self._fault(
                "E-EXCHANGE-107", "The answer of the peer {peer} is not what TAXII 2.1 describes."
            ) from None
        if before and moment < max(before):
            raise self._fault(
                "E-EXCHANGE-115", "The peer {peer} sent dates that go backwards; its paging cannot be trusted."
            )
        if moment > self._clock() + int(self._bounds.ahead_seconds * 1_000_000):
            self._doubt = f"{self._wire.peer} gives dates of the future ({last[:40]}); it is read again from there on"
            return cursor.last  # kept as a cursor, it would hide all that comes once its clock is right
        return last

    def _advance(self, cursor: Cursor, envelope: Envelope, last: str | None) -> Cursor:
        if not envelope.more:
            return Cursor(last or cursor.added_after)
        if not envelope.objects and (last is None or last in {cursor.last, cursor.added_after}):
            raise self._no_progress()
        if envelope.next is not None:
            if not 0 < len(envelope.next) <= self._bounds.next_length:
                raise self._no_progress()
            return Cursor(cursor.added_after, envelope.next, last)
        return self._by_date(cursor, last)

    def _by_date(self, cursor: Cursor, last: str | None) -> Cursor:
        """Without a ``next`` go on from the last date, that moment included: the page may have cut it in two."""
        if last is None:
            raise self._no_progress()
        try:
            following = rfc3339(parse_timestamp(last) - 1)
        except OverflowError:  # before the first moment of all calendars
            raise self._no_progress() from None
        if cursor.added_after is not None and parse_timestamp(following) <= parse_timestamp(cursor.added_after):
            raise self._no_progress()
        return Cursor(following)

    def _no_progress(self) -> Fault:
        return self._fault("E-EXCHANGE-114", "The peer {peer} says that there is more but gives no way to it.")

    def _too_deep(self) -> Fault:
        return self._fault(
            "E-EXCHANGE-111",
            "An object of the peer {peer} is nested deeper than {most} levels.",
            most=self._bounds.nesting,
        )

    def _fault(self, code: str, text: str, **values: object) -> Fault:
        return Unavailable(code, text, peer=self._wire.peer, **values)
