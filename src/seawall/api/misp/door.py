"""MISP's REST API as its clients call it: one handler, a table of actions, CakePHP's habits in one place.

Served at the root, where a MISP would be, and below ``/misp/``. Steps of a request: (1) who asks: the token stands in
``Authorization`` as it is, or behind "Bearer"; (2) controller, action, arguments and named parameters of the path;
(3) the action; (4) its answer, or the error in MISP's form.
"""

from __future__ import annotations

import asyncio
import uuid as uuids
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import HttpMethod, Request, route
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from seawall.api.faults import LOG, asked_language, unauthenticated
from seawall.api.misp.actions import ACTIONS, Action, Call
from seawall.api.misp.answers import Answer, answer, problem
from seawall.exchange import bearer_token
from seawall.flow.misp_changing import MispChanging
from seawall.model import Actor, Fault, NotFound, Refused
from seawall.model.unreadable import UNREADABLE

MAX_BODY = 64 << 20  # bytes: an event with its samples
MAX_TOKEN = 1_024
CONTROLLERS = ("servers", "users", "events", "attributes", "objects", "tags", "sightings", "warninglists")
AnyRequest = Request[Any, Any, Any]


def misp_routes(desk: MispChanging, authenticate: Callable[[str], Actor]) -> list[ControllerRouterHandler]:
    """The endpoints for one node."""

    def taken(request: AnyRequest, body: bytes, controller: str, rest: str) -> Answer:
        url = f"/{controller}{rest}"
        language = asked_language(request)
        try:
            actor = _who_asks(request, authenticate)
            call = _call(desk, actor, url, rest, body)
            return _action(controller, call)(call)
        except Fault as fault:
            return problem(fault, url, language)
        except Exception:
            reference = str(uuids.uuid4())
            LOG.exception("internal error %s in the MISP door", reference)
            return answer({"name": "An Internal Error Has Occurred.", "message": reference, "url": url}, 500)

    def handler(controller: str) -> ControllerRouterHandler:
        paths = [f"/{controller}/{{rest:path}}", f"/misp/{controller}/{{rest:path}}"]
        methods = [HttpMethod.GET, HttpMethod.POST, HttpMethod.HEAD, HttpMethod.DELETE]

        @route(paths, http_method=methods, request_max_body_size=MAX_BODY, include_in_schema=False, status_code=200)
        async def misp(request: AnyRequest, rest: FromPath[str]) -> Answer:
            """One call of a MISP client."""
            return await asyncio.to_thread(taken, request, await request.body(), controller, rest)

        return misp

    return [handler(controller) for controller in CONTROLLERS]


def _action(controller: str, call: Call) -> Action:
    found = ACTIONS.get((controller, call.action.lower()))
    if found is None:
        raise NotFound("E-API-454", "This server does not have the MISP action {name}.", name=ascii(call.url[:100]))
    return found


def _who_asks(request: AnyRequest, authenticate: Callable[[str], Actor]) -> Actor:
    header = request.headers.get("authorization") or request.headers.get("x-misp-auth") or ""
    token = bearer_token(header) or header.strip()
    if not 0 < len(token) <= MAX_TOKEN or " " in token:
        raise unauthenticated()
    try:
        return authenticate(token)
    except Refused:
        raise unauthenticated() from None


def _call(desk: MispChanging, actor: Actor, url: str, rest: str, body: bytes) -> Call:
    parts = [part for part in rest.split("/") if part]
    action = parts[0].removesuffix(".json") if parts else "index"
    named: dict[str, Any] = {}
    arguments: list[str] = []
    for part in parts[1:]:
        name, colon, value = part.partition(":")
        if colon and name.isidentifier():
            named[name] = value
        else:
            arguments.append(part.removesuffix(".json"))
    given: Any = {}
    if body.strip():
        try:
            given = msgspec.json.decode(body)
        except UNREADABLE:
            raise Fault("E-API-455", "The body of this request is no JSON.") from None
    if isinstance(given, dict) and isinstance(given.get("request"), dict):
        given = given["request"]
    return Call(desk, actor, url, action, tuple(arguments), named, given)
