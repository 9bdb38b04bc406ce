"""The TAXII 2.1 server: every endpoint of sections 4 and 5, over an injected ``ExchangeService``.

The order of every request: (1) the listener has said who asks, (2) Accept, (3) the collection must be one that this
actor may know of, (4) parameters, (5) the service, (6) bytes. Steps 2 to 4 do not look at any object.
"""

from __future__ import annotations

import msgspec
from litestar import Controller, Response, Router, delete, get, post
from litestar.params import FromPath

from seawall.exchange.interface import CollectionInfo, ReleasedPage
from seawall.exchange.taxii import resources
from seawall.exchange.taxii.door import AnyRequest, door_of, not_found, not_permitted
from seawall.exchange.taxii.errors import taxii_exception_handler
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE
from seawall.exchange.taxii.paths import API_ROOT_PATH, DISCOVERY_PATH
from seawall.exchange.taxii.posting import take_posted
from seawall.exchange.taxii.query import parse_query


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


class DiscoveryController(Controller):
    """Section 4.1 and 4.2, 4.3: who we are and what became of a POST."""

    @get(DISCOVERY_PATH, sync_to_thread=True)
    def discovery(self, request: AnyRequest) -> Response[bytes]:
        """Server discovery."""
        door = door_of(request)
        door.enter(request)
        root = f"{str(request.base_url).rstrip('/')}{API_ROOT_PATH}/"
        return _resource(resources.Discovery(door.title, default=root, api_roots=(root,)))

    @get(API_ROOT_PATH, sync_to_thread=True)
    def information(self, request: AnyRequest) -> Response[bytes]:
        """API root information."""
        door = door_of(request)
        door.enter(request)
        return _resource(resources.api_root(door.title, door.bounds.content_length))

    @get(API_ROOT_PATH + "/status/{status_id:str}", sync_to_thread=True)
    def status(self, request: AnyRequest, status_id: FromPath[str]) -> Response[bytes]:
        """What became of an earlier POST."""
        door = door_of(request)
        return _answer(door.status(door.enter(request), status_id))


class CollectionController(Controller):
    """Section 5: collections, manifests, objects, versions."""

    path = API_ROOT_PATH + "/collections"

    @get("/", sync_to_thread=True)
    def collections(self, request: AnyRequest) -> Response[bytes]:
        """Section 5.1: the collections this actor may know of."""
        door = door_of(request)
        actor = door.enter(request)
        return _resource(resources.Collections(tuple(_shown(info) for info in door.service.collections(actor))))

    @get("/{collection_id:str}", sync_to_thread=True)
    def collection(self, request: AnyRequest, collection_id: FromPath[str]) -> Response[bytes]:
        """Section 5.2."""
        door = door_of(request)
        return _resource(_shown(door.collection(door.enter(request), collection_id)))

    @get("/{collection_id:str}/manifest", sync_to_thread=True)
    def manifest(self, request: AnyRequest, collection_id: FromPath[str]) -> Response[bytes]:
        """Section 5.3."""
        door = door_of(request)
        actor = door.enter(request)
        door.readable(actor, collection_id)
        query = parse_query(_pairs(request), door.bounds)
        return _page(door.gather(door.service.manifest, actor, collection_id, query))

    @get("/{collection_id:str}/objects", sync_to_thread=True)
    def objects(self, request: AnyRequest, collection_id: FromPath[str]) -> Response[bytes]:
        """Section 5.4."""
        door = door_of(request)
        actor = door.enter(request)
        door.readable(actor, collection_id)
        query = parse_query(_pairs(request), door.bounds)
        return _page(door.gather(door.service.page, actor, collection_id, query))

    @post("/{collection_id:str}/objects", status_code=202, request_max_body_size=None)
    async def add_objects(self, request: AnyRequest, collection_id: FromPath[str]) -> Response[bytes]:
        """Section 5.5: 202 with a complete status, because every object is decided before the answer."""
        return _resource(await take_posted(door_of(request), request, collection_id), status=202)

    @get("/{collection_id:str}/objects/{object_id:str}", sync_to_thread=True)
    def one_object(
        self, request: AnyRequest, collection_id: FromPath[str], object_id: FromPath[str]
    ) -> Response[bytes]:
        """Section 5.6."""
        door = door_of(request)
        actor = door.enter(request)
        door.readable(actor, collection_id)
        query = parse_query(_pairs(request), door.bounds, object_id=object_id)
        page = door.gather(door.service.page, actor, collection_id, query)
        if page.released is None:
            raise not_found()
        return _page(page)

    @delete("/{collection_id:str}/objects/{object_id:str}", status_code=200, sync_to_thread=True)
    def remove_object(
        self, request: AnyRequest, collection_id: FromPath[str], object_id: FromPath[str]
    ) -> Response[bytes]:
        """Section 5.7: all versions unless ``match[version]`` names some; the service decides about the right."""
        door = door_of(request)
        actor = door.enter(request)
        info = door.collection(actor, collection_id)
        if not (info.can_read and info.can_write):
            raise not_permitted()
        query = parse_query(_pairs(request), door.bounds, object_id=object_id, versions=("all",))
        door.service.delete(actor, collection_id, object_id, query)
        return _answer(b"")

    @get("/{collection_id:str}/objects/{object_id:str}/versions", sync_to_thread=True)
    def versions(self, request: AnyRequest, collection_id: FromPath[str], object_id: FromPath[str]) -> Response[bytes]:
        """Section 5.8: all versions, oldest date-added first."""
        door = door_of(request)
        actor = door.enter(request)
        door.readable(actor, collection_id)
        query = parse_query(_pairs(request), door.bounds, object_id=object_id)
        page = door.gather(
            door.service.manifest, actor, collection_id, msgspec.structs.replace(query, versions=("all",))
        )
        if page.released is None:
            raise not_found()
        return _answer(resources.versions_bytes(page), headers=resources.date_headers(page))


def taxii_router() -> Router:
    """All TAXII routes; put them in an app whose state has a ``TaxiiDoor`` under ``STATE_KEY``."""
    return Router(
        path="/",
        route_handlers=[DiscoveryController, CollectionController],
        exception_handlers={Exception: taxii_exception_handler},
        include_in_schema=False,
    )
