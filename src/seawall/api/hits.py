"""The webhook for hits: ``POST /api/v1/hits`` with one hit, a list of them, or ``{"hits": [...]}``."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import msgspec
from litestar import Request, Response, post
from litestar.types import ControllerRouterHandler

from seawall.api.asking import actor_of
from seawall.api.faults import asked_language
from seawall.exchange import bearer_token
from seawall.flow.hits import HitReport, Reported, report_hits
from seawall.flow.node import Node
from seawall.messages import translate
from seawall.model import Actor, Fault
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why

MAX_BODY = 8 << 20  # bytes
MAX_HITS = 10_000  # of one request


class HitDesk(Protocol):
    """Where hits go: ``HitsOfNode`` in the product."""

    def authenticate(self, token: str) -> Actor:
        """Who holds this token; raises Refused."""

    def report(self, reports: list[tuple[int, HitReport | Fault]], actor: Actor) -> Reported:
        """Keep hits; raises Refused for a missing right."""


class HitsOfNode:
    """The desk over an open node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def authenticate(self, token: str) -> Actor:
        """Who holds this token; raises Refused."""
        return self._node.store.users.authenticate(token)

    def report(self, reports: list[tuple[int, HitReport | Fault]], actor: Actor) -> Reported:
        """Keep hits; raises Refused for a missing right."""
        return report_hits(self._node, reports, actor)


def hit_routes(desk: HitDesk) -> list[ControllerRouterHandler]:
    """The webhook of one node."""

    def taken(body: bytes, token: str | None, language: str) -> Response[dict[str, object]]:
        actor = actor_of(desk.authenticate, token)
        done = desk.report(_reports(body), actor)
        problems = [_told(one.fault, language, number=one.place) for one in done.problems]
        problems += [_told(done.unprepared, language)] if done.unprepared is not None else []
        content: dict[str, object] = {
            "new": done.new,
            "updated": done.updated,
            "unchanged": done.unchanged,
            "refused": done.refused,
            "problems": problems,
        }
        return Response(content=content, status_code=200 if done.taken or not done.refused else 400)

    @post("/api/v1/hits", request_max_body_size=MAX_BODY, include_in_schema=False, status_code=200)
    async def hits(request: Request[Any, Any, Any]) -> Response[dict[str, object]]:
        """Take hits; each is kept once, however often it is sent."""
        token = bearer_token(request.headers.get("authorization", ""))
        return await asyncio.to_thread(taken, await request.body(), token, asked_language(request))

    return [hits]


def _told(fault: Fault, language: str, **place: int) -> dict[str, object]:
    return {**place, "code": fault.code, "message": translate(fault.text, language, **fault.values)}


class _Hits(msgspec.Struct, forbid_unknown_fields=True):
    hits: list[msgspec.Raw]


def _reports(body: bytes) -> list[tuple[int, HitReport | Fault]]:
    """The reports with their places, from 1. Raises Fault E-API-430, E-API-431."""
    try:
        if body.lstrip()[:1] == b"[":
            raws = msgspec.json.decode(body, type=list[msgspec.Raw])
        elif "hits" in (whole := msgspec.json.decode(body, type=dict[str, msgspec.Raw])):
            raws = msgspec.json.decode(body, type=_Hits).hits if len(whole) == 1 else []
        else:
            raws = [msgspec.Raw(body)]
    except UNREADABLE:
        raws = []
    if not raws:
        raise Fault("E-API-430", "Send one hit as a JSON object, or several as a list or under the key hits.")
    if len(raws) > MAX_HITS:
        raise Fault("E-API-431", "At most {most} hits are taken at once.", most=MAX_HITS)
    return [(number, _one(bytes(raw))) for number, raw in enumerate(raws, 1)]


def _one(raw: bytes) -> HitReport | Fault:
    try:
        return msgspec.json.decode(raw, type=HitReport)
    except UNREADABLE as error:
        return Fault("E-FLOW-105", "This is no report of a hit: {reason}.", reason=why(error))
