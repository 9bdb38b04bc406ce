"""The TAXII 2.1 client: discovery, collections, objects, and POST of recorded releases only (rule 1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from seawall.exchange.bounds import Bounds
from seawall.exchange.taxii.resources import ApiRoot, Collection, Collections, Discovery, Status
from seawall.exchange.taxii.walk import Walk, WalkedPage
from seawall.exchange.taxii.wire import Answer, Wire
from seawall.model import Fault, Recorded, Release, Unavailable
from seawall.model.unreadable import UNREADABLE

Resource = TypeVar("Resource")
POLL_SECONDS = 1.0
MOST_REASONS = 3  # failed objects of a POST that are named
REASON_LENGTH = 300  # characters of each


class Posted(msgspec.Struct, frozen=True):
    """What a server made of posted objects."""

    success_count: int
    failure_count: int
    reasons: tuple[str, ...] = ()  # of the first failures, in the server's words: bounded and printable

    def __add__(self, other: Posted) -> Posted:
        """Both together."""
        return Posted(
            self.success_count + other.success_count,
            self.failure_count + other.failure_count,
            (self.reasons + other.reasons)[:MOST_REASONS],
        )


class TaxiiClient:
    """A client of one server. It only ever calls addresses under the ones it was given. Also a context manager."""

    def __init__(self, wire: Wire, bounds: Bounds, *, wait: Callable[[float], None] = time.sleep) -> None:
        self._wire = wire
        self._bounds = bounds
        self._wait = wait

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the connection."""
        self._wire.close()

    def api_roots(self, url: str) -> list[str]:
        """The API roots that a discovery at ``url`` offers; those on another host or port are left out."""
        discovery = self._resource(self._wire.get(_slashed(url)), Discovery)
        roots = [urljoin(_slashed(url), root) for root in discovery.api_roots]
        return [_slashed(root) for root in roots if urlsplit(root)[:2] == urlsplit(url)[:2]]

    def information(self, root: str) -> ApiRoot:
        """API root information."""
        return self._resource(self._wire.get(_slashed(root)), ApiRoot)

    def collections(self, root: str) -> tuple[Collection, ...]:
        """The collections of an API root; raises Unavailable E-EXCHANGE-116 when there are absurdly many."""
        found = self._resource(self._wire.get(f"{_slashed(root)}collections/"), Collections).collections
        if len(found) > self._bounds.collections:
            raise self._fault(
                "E-EXCHANGE-116", "The peer {peer} sends more than any honest walk needs; it was stopped."
            )
        return found

    def walk(
        self, root: str, collection: str, cursor: str | None, filters: Mapping[str, str] | None = None
    ) -> Iterator[WalkedPage]:
        """All pages after ``cursor``, oldest first. Store a page's objects, then save its ``cursor``."""
        url = f"{_slashed(root)}collections/{collection}/objects/"
        return Walk(self._wire, self._bounds, url, filters or {}).pages(cursor)

    def add_objects(self, root: str, collection: str, released: Recorded[Release]) -> Posted:
        """POST recorded objects and wait until the server has decided each; raises Unavailable E-EXCHANGE-120."""
        url = f"{_slashed(root)}collections/{collection}/objects/"
        done = Posted(0, 0)
        for bodies in _portions([item.body for item in released.value.objects], self._bounds.post_bytes):
            done += self._post(root, url, bodies)
        return done

    def _post(self, root: str, url: str, bodies: Sequence[bytes]) -> Posted:
        """POST; what is too large for the server (413) goes in halves, and counts as failed when it is one object."""
        answer = self._wire.post(url, b'{"objects":[' + b",".join(bodies) + b"]}")
        if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            if len(bodies) == 1:
                return Posted(0, 1, (f"{_id_of(bodies[0])}: too large for it ({len(bodies[0])} bytes)",))
            half = len(bodies) // 2
            return self._post(root, url, bodies[:half]) + self._post(root, url, bodies[half:])
        status = self._final(root, self._resource(answer, Status, expected=202))
        counts = (status.success_count, status.failure_count)
        if min(counts) < 0 or sum(counts) > len(bodies):
            raise self._garbled()
        said = tuple(f"{one.id}: {one.message or 'no reason given'}" for one in status.failures[:MOST_REASONS])
        return Posted(*counts, tuple(map(_shown, said)))

    def _final(self, root: str, status: Status) -> Status:
        for _ in range(self._bounds.status_polls):
            if status.status == "complete":
                return status
            self._wait(POLL_SECONDS)
            if len(status.id) > 64 or not status.id.replace("-", "").isalnum():
                raise self._garbled()
            status = self._resource(self._wire.get(f"{_slashed(root)}status/{status.id}/"), Status)
        raise self._fault(
            "E-EXCHANGE-120", "The peer {peer} did not finish with what we sent; it is sent again next time."
        )

    def _resource(self, answer: Answer, kind: type[Resource], *, expected: int = 200) -> Resource:
        if answer.status != expected:
            raise self._fault(
                "E-EXCHANGE-121", "The peer {peer} answered with HTTP {status}; try again later.", status=answer.status
            )
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except UNREADABLE:
            raise self._garbled() from None

    def _garbled(self) -> Fault:
        return self._fault("E-EXCHANGE-107", "The answer of the peer {peer} is not what TAXII 2.1 describes.")

    def _fault(self, code: str, text: str, **values: object) -> Fault:
        return Unavailable(code, text, peer=self._wire.peer, **values)


def _portions(bodies: Sequence[bytes], most: int) -> Iterator[list[bytes]]:
    """The bodies in order, in portions of at most ``most`` bytes; a larger one goes alone."""
    portion: list[bytes] = []
    size = 0
    for body in bodies:
        if portion and size + len(body) > most:
            yield portion
            portion, size = [], 0
        portion.append(body)
        size += len(body)
    if portion:
        yield portion


class _Named(msgspec.Struct):
    id: str


def _id_of(body: bytes) -> str:
    return msgspec.json.decode(body, type=_Named).id


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:REASON_LENGTH])


def _slashed(url: str) -> str:
    return url if url.endswith("/") else url + "/"
