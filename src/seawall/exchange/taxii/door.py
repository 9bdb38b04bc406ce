"""What the handlers of the TAXII server share: who asks and how often, the service, the bounds, outcomes of POSTs."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Protocol

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection

from seawall.exchange.bounds import DEFAULT_BOUNDS, Bounds
from seawall.exchange.discipline import SECOND, Misdeed
from seawall.exchange.faults import ProtocolFault
from seawall.exchange.interface import CollectionInfo, ExchangeService, ObjectsQuery, Outcome, ReleasedPage
from seawall.exchange.taxii import resources
from seawall.exchange.taxii.media import require_acceptable
from seawall.exchange.throttle import Buckets
from seawall.model import Actor, Clock, NotFound, Refused, rfc3339

STATE_KEY = "taxii_door"
FLOOD_EVERY = 100.0  # requests after "come again later" that make a flood

AnyRequest = Request[Any, Any, Any]
WhoAsks = Callable[[ASGIConnection[Any, Any, Any, Any]], Actor]
GivePage = Callable[[Actor, str, ObjectsQuery], ReleasedPage]


class StatusKeeper(Protocol):
    """Where outcomes of POSTs stay readable, also after a restart (``store.statuses``)."""

    def add(self, actor: str, id: str, body: bytes, at: int, *, keep: int, most: int, since: int) -> None:
        """Keep one outcome; of this actor's the last ``keep``, of ``most`` bytes together, none before ``since``."""

    def get(self, actor: str, id: str) -> bytes | None:
        """An outcome of this actor's own POST."""


class StatusMemory:
    """A ``StatusKeeper`` that forgets everything when the process ends."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, OrderedDict[str, tuple[int, bytes]]] = {}

    def add(self, actor: str, id: str, body: bytes, at: int, *, keep: int, most: int, since: int) -> None:
        """Keep one outcome; of this actor's the last ``keep``, of ``most`` bytes together, none before ``since``."""
        with self._lock:
            mine = self._kept.setdefault(actor, OrderedDict())
            mine[id] = (at, body)
            size = sum(len(kept) for _, kept in mine.values())
            while len(mine) > 1 and (len(mine) > keep or size > most or next(iter(mine.values()))[0] < since):
                size -= len(mine.popitem(last=False)[1][1])

    def get(self, actor: str, id: str) -> bytes | None:
        """An outcome of this actor's own POST."""
        with self._lock:
            return self._kept.get(actor, OrderedDict()).get(id, (0, None))[1]


def status_of(outcomes: Sequence[Outcome], at: int) -> resources.Status:
    """The status resource (section 4.3.1) of a POST whose objects have all been decided."""
    failures = tuple(resources.StatusDetail(o.id, o.version, o.problem) for o in outcomes if o.problem is not None)
    successes = tuple(resources.StatusDetail(o.id, o.version) for o in outcomes if o.problem is None)
    return resources.Status(
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


class Watch(Protocol):
    """Who keeps an eye on askers (``flow.conduct``)."""

    def is_throttled(self, actor: Actor) -> bool:
        """Whether this asker misbehaved lately and is served slowly."""

    def misdeed(self, actor: Actor, misdeed: Misdeed, sentence: str) -> None:
        """This asker did something wrong. May raise Refused when it has become too much."""


class Unwatched:
    """A ``Watch`` that lets everything pass."""

    def is_throttled(self, actor: Actor) -> bool:
        """Never."""
        return False

    def misdeed(self, actor: Actor, misdeed: Misdeed, sentence: str) -> None:
        """Nothing follows."""


class TaxiiDoor:
    """What the handlers share: the service, who asks, the bounds, the clock, the status book."""

    def __init__(
        self,
        service: ExchangeService,
        who_asks: WhoAsks,
        *,
        title: str,
        clock: Clock,
        bounds: Bounds = DEFAULT_BOUNDS,
        statuses: StatusKeeper | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Without ``statuses`` outcomes are forgotten with the process; without ``watch`` nobody is throttled."""
        self.service = service
        self.who_asks = who_asks
        self.title = title
        self.clock = clock
        self.bounds = bounds
        self.posting = asyncio.Semaphore(bounds.posts_at_once)
        self.watch = watch or Unwatched()
        self._statuses = statuses or StatusMemory()
        self._rate = Buckets(bounds.requests_per_second, bounds.requests_at_once)
        self._slow_rate = Buckets(bounds.throttled_per_second, 1.0)
        self._deaf = Buckets(1 / FLOOD_EVERY, FLOOD_EVERY)

    def enter(self, request: AnyRequest, *, accept: bool = True) -> Actor:
        """Steps 1 and 2: who asks, whether they ask too often, and (of TAXII) what they accept."""
        actor = self.who_asks(request)
        slow = self.watch.is_throttled(actor)
        if wait := (self._slow_rate if slow else self._rate).take(actor.name):
            if self._deaf.take(actor.name):
                self._deaf.forget(actor.name)
                self.watch.misdeed(actor, Misdeed.FLOOD, "It goes on asking after it was told to wait.")
            raise ProtocolFault(
                429,
                "E-EXCHANGE-429",
                "This is asked too often; ask again in {seconds} seconds.",
                retry_after=math.ceil(wait),
                seconds=math.ceil(wait),
            )
        if accept:
            require_acceptable(request.headers.get("accept"))
        return actor

    def keep_status(self, actor: Actor, outcomes: Sequence[Outcome]) -> resources.Status:
        """Write down what became of each posted object, and answer the status resource."""
        at = self.clock()
        status = status_of(outcomes, at)
        self._statuses.add(
            actor.name,
            status.id,
            msgspec.json.encode(status),
            at,
            keep=self.bounds.statuses_kept,
            most=self.bounds.statuses_bytes,
            since=at - self.bounds.statuses_seconds * SECOND,
        )
        return status

    def status(self, actor: Actor, identity: str) -> bytes:
        """The status of an earlier POST by this actor, as JSON; raises NotFound E-EXCHANGE-404."""
        body = self._statuses.get(actor.name, identity)
        if body is None:
            raise not_found()
        return body

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
