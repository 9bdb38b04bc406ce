"""The TAXII 2.1 server: every endpoint of sections 4 and 5, over an injected ``ExchangeService``.

The order of every request: (1) the listener has said who asks, (2) Accept, (3) the collection must be one that this
actor may know of, (4) parameters, (5) the service, (6) bytes. Steps 2 to 4 do not look at any object.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import msgspec
from litestar import Controller, Request, Response, Router, delete, get, post
from litestar.connection import ASGIConnection
from litestar.params import FromPath

from seawall.exchange.bounds import DEFAULT_BOUNDS, Bounds
from seawall.exchange.faults import ProtocolFault
from seawall.exchange.interface import CollectionInfo, ExchangeService, Outcome, ReleasedPage
from seawall.exchange.taxii import resources
from seawall.exchange.taxii.errors import taxii_exception_handler
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE, require_acceptable, require_taxii_content
from seawall.exchange.taxii.query import parse_query
from seawall.model import Actor, Clock, NotFound, Refused, rfc3339

DISCOVERY_PATH = "/taxii2"
API_ROOT_PATH = "/taxii2/circles"
STATE_KEY = "taxii_door"

AnyRequest = Request[Any, Any, Any]
WhoAsks = Callable[[ASGIConnection[Any, Any, Any, Any]], Actor]


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
            raise _not_found()
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
        raise _not_found()


def _not_found() -> NotFound:
    return NotFound("E-EXCHANGE-404", "There is nothing here that you may see.")


def _door(request: AnyRequest) -> TaxiiDoor:
    door: TaxiiDoor = request.app.state[STATE_KEY]
    return door


def _pairs(request: AnyRequest) -> list[tuple[str, str]]:
    return list(request.query_params.multi_items())


def _answer(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(content=body, status_code=status, media_type=TAXII_MEDIA_TYPE, headers=headers)


def _resource(value: msgspec.Struct, *, status: int = 200) -> Response[bytes]:
    return _answer(msgspec.json.encode(value), status=status)


def _page(page: ReleasedPage) -> Response[bytes]:
    return _answer(resources.envelope_bytes(page), headers=resources.date_headers(page))


def _shown(info: CollectionInfo) -> resources.Collection:
    return resources.collection(info.id, info.title, info.description, can_read=info.can_read, can_write=info.can_write)


def _readable(door: TaxiiDoor, actor: Actor, identity: str) -> None:
    if not door.collection(actor, identity).can_read:
        raise Refused("E-EXCHANGE-403", "You may not do this with this collection.")


class DiscoveryController(Controller):
    """Section 4.1 and 4.2, 4.3: who we are and what became of a POST."""

    @get(DISCOVERY_PATH, sync_to_thread=True)
    def discovery(self, request: AnyRequest) -> Response[bytes]:
        """Server discovery."""
        door = _door(request)
        door.enter(request)
        root = f"{str(request.base_url).rstrip('/')}{API_ROOT_PATH}/"
        return _resource(resources.Discovery(door.title, default=root, api_roots=(root,)))

    @get(API_ROOT_PATH, sync_to_thread=True)
    def information(self, request: AnyRequest) -> Response[bytes]:
        """API root information."""
        door = _door(request)
        door.enter(request)
        return _resource(resources.api_root(door.title, door.bounds.content_length))

    @get(API_ROOT_PATH + "/status/{status_id:str}", sync_to_thread=True)
    def status(self, request: AnyRequest, status_id: FromPath[str]) -> Response[bytes]:
        """What became of an earlier POST."""
        door = _door(request)
        return _resource(door.statuses.get(door.enter(request), status_id))


class CollectionController(Controller):
    """Section 5: collections, manifests, objects, versions."""

    path = API_ROOT_PATH + "/collections"

    @get("/", sync_to_thread=True)
    def collections(self, request: AnyRequest) -> Response[bytes]:
        """Section 5.1: the collections this actor may know of."""
        door = _door(request)
        actor = door.enter(request)
        return _resource(resources.Collections(tuple(_shown(info) for info in door.service.collections(actor))))

    @get("/{collection_id:str}", sync_to_thread=True)
    def collection(self, request: AnyRequest, collection_id: FromPath[str]) -> Response[bytes]:
        """Section 5.2."""
        door = _door(request)
        return _resource(_shown(door.collection(door.enter(request), collection_id)))

    @get("/{collection_id:str}/manifest", sync_to_thread=True)
    def manifest(self, request: AnyRequest, collection_id: FromPath[str]) -> Response[bytes]:
        """Section 5.3."""
        door = _door(request)
        actor = door.enter(request)
        _readable(door, actor, collection_id)
        query = parse_query(_pairs(request), door.bounds)
        return _page(door.service.manifest(actor, collection_id, query))

    @get("/{collection_id:str}/objects", sync_to_thread=True)
    def objects(self, request: AnyRequest, collection_id: FromPath[str]) -> Response[bytes]:
        """Section 5.4."""
        door = _door(request)
        actor = door.enter(request)
        _readable(door, actor, collection_id)
        query = parse_query(_pairs(request), door.bounds)
        return _page(door.service.page(actor, collection_id, query))

    @post("/{collection_id:str}/objects", status_code=202, request_max_body_size=None)
    async def add_objects(self, request: AnyRequest, collection_id: FromPath[str]) -> Response[bytes]:
        """Section 5.5: 202 with a complete status, because every object is decided before the answer."""
        return await add_posted(_door(request), request, collection_id)

    @get("/{collection_id:str}/objects/{object_id:str}", sync_to_thread=True)
    def one_object(
        self, request: AnyRequest, collection_id: FromPath[str], object_id: FromPath[str]
    ) -> Response[bytes]:
        """Section 5.6."""
        door = _door(request)
        actor = door.enter(request)
        _readable(door, actor, collection_id)
        query = parse_query(_pairs(request), door.bounds, object_id=object_id)
        page = door.service.page(actor, collection_id, query)
        if page.released is None:
            raise _not_found()
        return _page(page)

    @delete("/{collection_id:str}/objects/{object_id:str}", status_code=200, sync_to_thread=True)
    def remove_object(
        self, request: AnyRequest, collection_id: FromPath[str], object_id: FromPath[str]
    ) -> Response[bytes]:
        """Section 5.7: the service decides whether this actor has such a right."""
        door = _door(request)
        actor = door.enter(request)
        info = door.collection(actor, collection_id)
        if not (info.can_read and info.can_write):
            raise Refused("E-EXCHANGE-403", "You may not do this with this collection.")
        query = parse_query(_pairs(request), door.bounds, object_id=object_id)
        door.service.delete(actor, collection_id, object_id, query)
        return _answer(b"")

    @get("/{collection_id:str}/objects/{object_id:str}/versions", sync_to_thread=True)
    def versions(self, request: AnyRequest, collection_id: FromPath[str], object_id: FromPath[str]) -> Response[bytes]:
        """Section 5.8: all versions, oldest date-added first."""
        door = _door(request)
        actor = door.enter(request)
        _readable(door, actor, collection_id)
        query = parse_query(_pairs(request), door.bounds, object_id=object_id)
        page = door.service.manifest(actor, collection_id, msgspec.structs.replace(query, versions=("all",)))
        if page.released is None:
            raise _not_found()
        return _answer(resources.versions_bytes(page), headers=resources.date_headers(page))


async def add_posted(door: TaxiiDoor, request: AnyRequest, collection_id: str) -> Response[bytes]:
    """Read, bound and split a POST, and let the service decide each object. The body is read after the rights."""
    from litestar.concurrency import sync_to_thread

    actor = await sync_to_thread(door.enter, request)
    require_taxii_content(request.headers.get("content-type"))
    info = await sync_to_thread(door.collection, actor, collection_id)
    if not info.can_write:
        raise Refused("E-EXCHANGE-403", "You may not do this with this collection.")
    bodies = split_envelope(await read_bounded(request, door.bounds.content_length), door.bounds)
    outcomes = await sync_to_thread(door.service.accept, actor, collection_id, bodies)
    return _resource(door.statuses.add(actor, outcomes, door.clock()), status=202)


async def read_bounded(request: AnyRequest, most: int) -> bytes:
    """The request body; raises ProtocolFault E-EXCHANGE-413 as soon as it is known to be longer than ``most`` bytes."""
    declared = request.headers.get("content-length", "")
    too_long = ProtocolFault(413, "E-EXCHANGE-413", "At most {most} bytes are taken at once; send less.", most=most)
    if declared.isascii() and declared.isdigit() and int(declared[:18]) > most:
        raise too_long
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise too_long
        parts.append(part)
    return b"".join(parts)


def split_envelope(body: bytes, bounds: Bounds) -> list[bytes]:
    """The objects of a posted envelope as the bytes that came; raises ProtocolFault E-EXCHANGE-422 or -413."""
    try:
        envelope = msgspec.json.decode(body, type=resources.Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolFault(422, "E-EXCHANGE-422", "The body is not a TAXII envelope with a list of objects.") from None
    if len(envelope.objects) > bounds.posted_objects:
        raise ProtocolFault(
            413, "E-EXCHANGE-417", "At most {most} objects are taken at once; send fewer.", most=bounds.posted_objects
        )
    return [bytes(item) for item in envelope.objects]


def taxii_router() -> Router:
    """All TAXII routes; put them in an app whose state has a ``TaxiiDoor`` under ``STATE_KEY``."""
    return Router(
        path="/",
        route_handlers=[DiscoveryController, CollectionController],
        exception_handlers={Exception: taxii_exception_handler},
        include_in_schema=False,
    )
