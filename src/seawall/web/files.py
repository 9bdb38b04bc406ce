"""Serves the page's files: read once from the package, a fixed list of names, never a path from the request."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

# the server adds the character set to text
MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
PAGE = "index.html"


class Asset(msgspec.Struct, frozen=True):
    """One file, ready to go."""

    body: bytes
    media_type: str
    tag: str  # strong ETag


@cache
def assets() -> Mapping[str, Asset]:
    """Every file of the page by its name."""
    found: dict[str, Asset] = {}
    for entry in files("seawall.web").joinpath("static").iterdir():
        ending = "." + entry.name.rpartition(".")[2]
        if entry.is_file() and ending in MEDIA_TYPES:
            body = entry.read_bytes()
            found[entry.name] = Asset(body, MEDIA_TYPES[ending], f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return found


@get("/", sync_to_thread=False, include_in_schema=False)
def page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page itself."""
    return _send(request, assets()[PAGE])


@get("/static/{name:str}", sync_to_thread=False, include_in_schema=False)
def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """One of its files."""
    found = assets().get(name)
    if found is None:
        raise NotFoundException
    return _send(request, found)


def _send(request: Request[Any, Any, Any], found: Asset) -> Response[bytes]:
    # kept by the browser, but asked for again each time: an upgraded node never shows yesterday's page
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(content=b"", status_code=304, media_type=found.media_type, headers=headers)
    return Response(content=found.body, media_type=found.media_type, headers=headers)


def web_routes() -> list[HTTPRouteHandler]:
    """The routes of the page, for the local listener's app."""
    return [page, asset]
