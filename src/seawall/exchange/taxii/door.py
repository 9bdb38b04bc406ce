"""What the handlers of the TAXII server share: who asks, the service, the bounds, and the outcomes of recent POSTs."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection

from seawall.exchange.bounds import DEFAULT_BOUNDS, Bounds
from seawall.exchange.interface import CollectionInfo, ExchangeService, ObjectsQuery, Outcome, ReleasedPage
from seawall.exchange.taxii import resources
from seawall.exchange.taxii.media import require_acceptable
from seawall.model import Actor, Clock, NotFound, Refused, rfc3339

STATE_KEY = "taxii_door"

AnyRequest = Request[Any, Any, Any]
WhoAsks = Callable[[ASGIConnection[Any, Any, Any, Any]], Actor]
GivePage = Callable[[Actor, str, ObjectsQuery], ReleasedPage]


class StatusBook:
    """The outcomes of recent POSTs, each shown to the actor who made it; the oldest are forgotten first."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._lock = Lock()
        self._statuses: OrderedDict[tuple[str, str], resources.Status] = OrderedDict()

    def add(self, actor: Actor, outcomes: Sequence[Outcome], at: int) -> resources.Status:
        """Write down what became of each posted object, and answer the status resource."""
        failures = tuple(resources.StatusDetail(o.id, o.version, o.problem) for o in outcomes if o.problem is not None)
        successes = tuple(resources.StatusDetail(o.id, o.version) for o in outcomes if o.problem is None)
        status = resources.Status(
            id=str(uuid.uuid4()),
            status="complete",
            request_timestamp=rfc3339(at),
            total_count=len(outcomes),
            success_count=len(successes),
            successes=successes,
            failure_count=len(failures),
            failures=failures,
            pending_count=0,
        )
        with self._lock:
            self._statuses[actor.name, status.id] = status
            while len(self._statuses) > self._kept:
                self._statuses.popitem(last=False)
        return status

    def get(self, actor: Actor, identity: str) -> resources.Status:
        """The status of an earlier POST by this actor; raises NotFound E-EXCHANGE-404."""
        with self._lock:
            status = self._statuses.get((actor.name, identity))
        if status is None:
            raise not_found()
        return status


class TaxiiDoor:
    """What the handlers share: the service, who asks, the bounds, the clock, the status book."""

    def __init__(
        self, service: ExchangeService, who_asks: WhoAsks, *, title: str, clock: Clock, bounds: Bounds = DEFAULT_BOUNDS
    ) -> None:
        self.service = service
        self.who_asks = who_asks
        self.title = title
        self.clock = clock
        self.bounds = bounds
        self.statuses = StatusBook(bounds.statuses_kept)
        self.posting = asyncio.Semaphore(bounds.posts_at_once)

    def enter(self, request: AnyRequest) -> Actor:
        """Steps 1 and 2."""
        actor = self.who_asks(request)
        require_acceptable(request.headers.get("accept"))
        return actor

    def collection(self, actor: Actor, identity: str) -> CollectionInfo:
        """Step 3; raises NotFound E-EXCHANGE-404, the same for absent and for hidden."""
        for info in self.service.collections(actor):
            if info.id == identity:
                return info
        raise not_found()

    def readable(self, actor: Actor, identity: str) -> None:
        """Raise NotFound or Refused E-EXCHANGE-403 unless this actor may read the collection."""
        if not self.collection(actor, identity).can_read:
            raise not_permitted()

    def gather(self, give: GivePage, actor: Actor, identity: str, query: ObjectsQuery) -> ReleasedPage:
        """Step 5: the next page that holds something; a stretch of withheld rows looks like none (rule 12)."""
        page = give(actor, identity, query)
        for _ in range(self.bounds.withheld_pages):
            if page.released is not None or not page.more or page.next is None:
                break
            page = give(actor, identity, msgspec.structs.replace(query, next=page.next))
        return page


def not_permitted() -> Refused:
    """The one answer to a missing right on a collection that the actor may know of."""
    return Refused("E-EXCHANGE-403", "You may not do this with this collection.")


def not_found() -> NotFound:
    """The one answer to absent and to hidden (rule 12)."""
    return NotFound("E-EXCHANGE-404", "There is nothing here that you may see.")


def door_of(request: AnyRequest) -> TaxiiDoor:
    """The door of the app that this request came to."""
    door: TaxiiDoor = request.app.state[STATE_KEY]
    return door
