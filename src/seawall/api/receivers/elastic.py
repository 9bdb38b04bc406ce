"""Elasticsearch's ``_bulk``, and the little that its clients ask first: who are you, and under which licence.

Under ``/_bulk`` and ``/{index}/_bulk``, and for clients that look at the root, under ``/elastic`` as well.
Reference: Elasticsearch 8, "Bulk API". Only ``index`` and ``create`` are taken: logs are added, never changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec
import xxhash
from litestar import HttpMethod, Response, get, post, put, route
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from seawall.api.receivers.intake import (
    MAX_BODY,
    MAX_SENSOR,
    AnyRequest,
    Intake,
    TooLargeError,
    UnreadableError,
    one_line,
    text_lines,
    token_of,
    unpacked,
)
from seawall.flow.spool import Delivery
from seawall.model import Fault, Refused, Unavailable
from seawall.model.unreadable import UNREADABLE

VERSION = "8.17.0"  # whose bulk interface this is
HEADERS = {"X-Elastic-Product": "Elasticsearch"}  # clients refuse to speak to a server that does not say so
MAX_ITEMS = 100_000  # of one request
MAX_INDEX = 255  # bytes of an index name, as Elasticsearch allows
TAKEN = ("index", "create")

Answer = Response[dict[str, object]]


class _Meta(msgspec.Struct):
    """The part of an action line that is answered."""

    index: str | None = msgspec.field(name="_index", default=None)
    id: str | None = msgspec.field(name="_id", default=None)


class _Item(msgspec.Struct):
    """One action and what became of it."""

    action: str
    index: str
    id: str
    lines: list[bytes]
    error: tuple[int, str, str] | None = None  # status, type, reason

    def document(self) -> dict[str, object]:
        """As the answer lists it."""
        about: dict[str, object] = {"_index": self.index, "_id": self.id}
        if self.error is not None:
            status, kind, reason = self.error
            return {self.action: {**about, "status": status, "error": {"type": kind, "reason": reason}}}
        shards = {"total": 1, "successful": 1, "failed": 0}
        return {self.action: {**about, "_version": 1, "result": "created", "_shards": shards, "status": 201}}


def elastic_routes(intake: Intake) -> list[ControllerRouterHandler]:
    """The endpoints for one node."""

    def refused(request: AnyRequest) -> Answer | None:
        token = token_of(request)
        if token is None:
            return _problem(401, "security_exception", "missing authentication credentials", authenticate=True)
        try:
            intake.authenticate(token)
        except Refused as fault:
            if fault.code == "E-FLOW-004":
                return _problem(403, "security_exception", str(fault))
            return _problem(401, "security_exception", "unable to authenticate", authenticate=True)
        return None

    def taken(request: AnyRequest, body: bytes, index: str) -> Answer:
        began = time.monotonic()
        if (no := refused(request)) is not None:
            return no
        try:
            items = _items(unpacked(request, body), index[:MAX_INDEX], str(request.query_params.get("field", "")))
            intake.accept(_deliveries(intake, request, items, index))
        except TooLargeError:
            return _problem(413, "content_too_long_exception", "the request is too large; send smaller batches")
        except UnreadableError:
            return _problem(400, "illegal_argument_exception", "the request is no list of actions and sources")
        except Unavailable as fault:
            return _problem(429, "es_rejected_execution_exception", str(fault))
        except Refused as fault:
            return _problem(403, "security_exception", str(fault))
        except Fault as fault:
            return _problem(400, "illegal_argument_exception", str(fault))
        content: dict[str, object] = {
            "took": round((time.monotonic() - began) * 1000),
            "errors": any(item.error is not None for item in items),
            "items": [item.document() for item in items],
        }
        return Response(content=content, status_code=200, headers=HEADERS)

    @post(["/_bulk", "/elastic/_bulk"], request_max_body_size=MAX_BODY, include_in_schema=False, status_code=200)
    async def plain(request: AnyRequest) -> Answer:
        """Each action names its index."""
        return await asyncio.to_thread(taken, request, await request.body(), "")

    @post(
        ["/{index:str}/_bulk", "/elastic/{index:str}/_bulk"],
        request_max_body_size=MAX_BODY,
        include_in_schema=False,
        status_code=200,
    )
    async def indexed(request: AnyRequest, index: FromPath[str]) -> Answer:
        """The index of actions that name none."""
        return await asyncio.to_thread(taken, request, await request.body(), index)

    @put(["/_bulk", "/elastic/_bulk"], request_max_body_size=MAX_BODY, include_in_schema=False, status_code=200)
    async def put_plain(request: AnyRequest) -> Answer:
        """As with POST."""
        return await asyncio.to_thread(taken, request, await request.body(), "")

    @route(
        ["/elastic", "/elastic/"],
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        include_in_schema=False,
    )
    async def about(request: AnyRequest) -> Answer:
        """Who answers: clients look before they send."""
        if (no := await asyncio.to_thread(refused, request)) is not None:
            return no
        version = {"number": VERSION, "build_flavor": "default", "lucene_version": "9.12.0"}
        content: dict[str, object] = {"name": "seawall", "cluster_name": "seawall", "cluster_uuid": "seawall"}
        content |= {"version": version, "tagline": "You Know, for Search"}
        return Response(content=content, status_code=200, headers=HEADERS)

    @get(["/elastic/_license", "/elastic/_xpack"], include_in_schema=False)
    async def license(request: AnyRequest) -> Answer:
        """What Beats ask at their start."""
        if (no := await asyncio.to_thread(refused, request)) is not None:
            return no
        content: dict[str, object] = {"license": {"status": "active", "uid": "seawall", "type": "basic"}}
        return Response(content=content, status_code=200, headers=HEADERS)

    return [plain, indexed, put_plain, about, license]


def _problem(status: int, kind: str, reason: str, *, authenticate: bool = False) -> Answer:
    error: dict[str, object] = {"type": kind, "reason": reason, "root_cause": [{"type": kind, "reason": reason}]}
    headers = {**HEADERS, "WWW-Authenticate": 'Basic realm="seawall"'} if authenticate else HEADERS
    return Response(content={"error": error, "status": status}, status_code=status, headers=headers)


def _items(text: bytes, index: str, field: str) -> list[_Item]:
    """Actions with their sources. Raises UnreadableError when the lines are no such pairs, TooLargeError."""
    lines = iter(line for line in text.split(b"\n") if line.strip())
    items: list[_Item] = []
    for line in lines:
        if len(items) == MAX_ITEMS:
            raise TooLargeError
        action, meta = _action(line)
        item = _Item(action, (meta.index or index)[:MAX_INDEX], meta.id or "", [])
        items.append(item)
        if action == "delete":
            item.error = (400, "illegal_argument_exception", "logs are added here, never deleted")
            continue
        source = next(lines, None)
        if source is None:
            raise UnreadableError
        item.id = item.id or xxhash.xxh3_128_hexdigest(source)[:20]
        if action not in TAKEN:
            item.error = (400, "illegal_argument_exception", "logs are added here, never changed")
            continue
        item.lines = _source_lines(source, field)
        if not item.lines:
            about = f"has no text in the field {field[:40]!r}" if field else "is no JSON object"
            item.error = (400, "document_parsing_exception", f"the source {about}")
    if not items:
        raise UnreadableError
    return items


def _action(line: bytes) -> tuple[str, _Meta]:
    try:
        [(action, meta)] = msgspec.json.decode(line, type=dict[str, _Meta]).items()
    except (ValueError, *UNREADABLE):
        raise UnreadableError from None
    if action not in (*TAKEN, "update", "delete"):
        raise UnreadableError
    return action, meta


def _source_lines(source: bytes, field: str) -> list[bytes]:
    """The source as one line, or the lines of the text that it holds in ``field``."""
    try:
        document = msgspec.json.decode(source, type=dict[str, msgspec.Raw])
        if not field:
            return [one_line(source)] if document else []
        return text_lines(msgspec.json.decode(document[field], type=str)) if field in document else []
    except UNREADABLE:
        return []


def _deliveries(intake: Intake, request: AnyRequest, items: Sequence[_Item], index: str) -> list[Delivery]:
    """One delivery of all good items, in the order sent; when no format knows them, each says so."""
    good = [item for item in items if item.error is None]
    lines = [line for item in good for line in item.lines]
    if not lines:
        return []
    head = b"\n".join(lines[:200]) + b"\n"
    query = request.query_params
    format = intake.resolve(str(query.get("format", "")) or _named(intake, index, head), head)
    if format is None:
        for item in good:
            reason = "no log format knows the source; name one with ?format= in the address"
            item.error = (400, "document_parsing_exception", reason)
        return []
    return [Delivery(lines, format, str(query.get("sensor", ""))[:MAX_SENSOR] or None)]


def _named(intake: Intake, index: str, head: bytes) -> str:
    """The index, when it is called like a format."""
    try:
        return index if index and intake.resolve(index, head) is not None else "auto"
    except Fault:
        return "auto"
