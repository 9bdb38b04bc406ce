"""Splunk's HTTP Event Collector: events, raw lines, health. Acknowledgements by channel are not offered, and need not
be: the answer itself says that the lines are on disk.

Reference: Splunk Enterprise, "HTTP Event Collector REST API endpoints" and its table of status codes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import msgspec
from litestar import Response, get, post
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

ROOT = "/services/collector"
MAX_EVENTS = 100_000  # of one request
SOURCETYPES = {  # what Splunk's add-ons call their data -> our format
    "suricata": "suricata-eve",
    "suricata:eve": "suricata-eve",
    "cisco:asa": "asa",
    "cisco:ftd": "asa",
    "snort": "snort",
    "snort_alert_fast": "snort",
    "leef": "leef",
    "qradar:leef": "leef",
    "ocsf": "ocsf",
    "aws:securitylake": "ocsf",
    "cef": "cef",
    "cowrie": "cowrie",
    "access_combined": "web-access",
    "nginx:plus:access": "web-access",
}
_SPACE = " \t\r\n"

Answer = Response[dict[str, object]]


class Envelope(msgspec.Struct):
    """One event as the collector's clients wrap it; what we do not need is left aside."""

    event: msgspec.Raw = msgspec.Raw(b"")
    host: str | None = None
    sourcetype: str | None = None


class _RefusedEvent(Exception):
    """An event that cannot be taken: Splunk's code, its text, and the number of the event."""

    def __init__(self, code: int, text: str, number: int) -> None:
        super().__init__(code, text, number)
        self.answer = _answer(400, code, text, number)


def _answer(status: int, code: int, text: str, number: int | None = None) -> Answer:
    content: dict[str, object] = {"text": text, "code": code}
    if number is not None:
        content["invalid-event-number"] = number
    return Response(content=content, status_code=status)


def splunk_routes(intake: Intake) -> list[ControllerRouterHandler]:
    """The collector's endpoints for one node."""

    def refused(request: AnyRequest) -> Answer | None:
        """Why the caller may not send; None when they may."""
        if not request.headers.get("authorization"):
            return _answer(401, 2, "Token is required")
        if (token := token_of(request)) is None:
            return _answer(401, 3, "Invalid authorization")
        try:
            intake.authenticate(token)
        except Refused as fault:
            return _answer(403, 1, str(fault)) if fault.code == "E-FLOW-004" else _answer(403, 4, "Invalid token")
        return None

    def taken(request: AnyRequest, body: bytes, *, raw: bool) -> Answer:
        if (no := refused(request)) is not None:
            return no
        try:
            text = unpacked(request, body)
            if not text.strip():
                return _answer(400, 5, "No data")
            deliveries = _raw(intake, request, text) if raw else _events(intake, request, text)
            if not deliveries:
                return _answer(400, 5, "No data")
            intake.accept(deliveries)
        except TooLargeError:
            return _answer(413, 27, "Request entity too large")
        except UnreadableError:
            return _answer(400, 6, "Invalid data format")
        except _RefusedEvent as event:
            return event.answer
        except Unavailable:
            return _answer(503, 9, "Server is busy")
        except Refused as fault:
            return _answer(403, 1, str(fault))
        except Fault as fault:
            return _answer(400, 6, str(fault))
        return _answer(200, 0, "Success")

    @post(
        [ROOT, f"{ROOT}/event", f"{ROOT}/event/1.0"],
        request_max_body_size=MAX_BODY,
        include_in_schema=False,
        status_code=200,
    )
    async def event(request: AnyRequest) -> Answer:
        """Events in envelopes."""
        return await asyncio.to_thread(taken, request, await request.body(), raw=False)

    @post(
        [f"{ROOT}/raw", f"{ROOT}/raw/1.0"],
        request_max_body_size=MAX_BODY,
        include_in_schema=False,
        status_code=200,
    )
    async def raw(request: AnyRequest) -> Answer:
        """Lines as they are; host and sourcetype stand in the address."""
        return await asyncio.to_thread(taken, request, await request.body(), raw=True)

    @get([f"{ROOT}/health", f"{ROOT}/health/1.0"], sync_to_thread=False, include_in_schema=False)
    def health() -> Answer:
        """That the collector answers; no token is needed, as with Splunk."""
        return _answer(200, 17, "HEC is healthy")

    @post(f"{ROOT}/ack", sync_to_thread=False, include_in_schema=False)
    def ack() -> Answer:
        """Not offered."""
        return _answer(400, 14, "ACK is disabled")

    return [event, raw, health, ack]


def _events(intake: Intake, request: AnyRequest, text: bytes) -> list[Delivery]:
    """Deliveries by sourcetype and host, each in the order sent."""
    groups: dict[tuple[str, str], list[bytes]] = {}
    for number, part in enumerate(_objects(text)):
        try:
            envelope = msgspec.json.decode(part, type=Envelope)
        except UNREADABLE:
            raise _RefusedEvent(6, "Invalid data format", number) from None
        if bytes(envelope.event) in (b"", b"null"):
            raise _RefusedEvent(12, "Event field is required", number)
        lines = _lines(bytes(envelope.event))
        if not lines:
            raise _RefusedEvent(13, "Event field cannot be blank", number)
        groups.setdefault((envelope.sourcetype or "", (envelope.host or "")[:MAX_SENSOR]), []).extend(lines)
    deliveries = []
    for (sourcetype, host), lines in groups.items():
        deliveries.append(Delivery(lines, _format(intake, request, sourcetype, lines), host or None))
    return deliveries


def _objects(text: bytes) -> Iterator[str]:
    """JSON objects one after the other, with or without white space between them, or an array of them."""
    try:
        whole = text.decode("utf-8")
    except UnicodeDecodeError:
        raise _RefusedEvent(6, "Invalid data format", 0) from None
    decoder, at, number = json.JSONDecoder(), 0, 0
    array = whole.lstrip(_SPACE)[:1] == "["
    if array:
        at = whole.index("[") + 1
    between = _SPACE + ("," if array else "")
    while True:
        while at < len(whole) and whole[at] in between:
            at += 1
        if at == len(whole) or (array and whole[at] == "]"):
            return
        try:
            _, end = decoder.raw_decode(whole, at)
        except (ValueError, RecursionError):
            raise _RefusedEvent(6, "Invalid data format", number) from None
        if number == MAX_EVENTS:
            raise TooLargeError
        yield whole[at:end]
        at, number = end, number + 1


def _lines(event: bytes) -> list[bytes]:
    """A text event's lines; an object as one line."""
    if event[:1] == b'"':
        return text_lines(msgspec.json.decode(event, type=str))
    return [] if event == b"{}" else [one_line(event)]


def _raw(intake: Intake, request: AnyRequest, text: bytes) -> list[Delivery]:
    lines = [line.rstrip(b"\r") for line in text.split(b"\n") if line.strip()]
    query = request.query_params
    format = _format(intake, request, str(query.get("sourcetype", "")), lines)
    return [Delivery(lines, format, str(query.get("host", ""))[:MAX_SENSOR] or None)]


def _format(intake: Intake, request: AnyRequest, sourcetype: str, lines: list[bytes]) -> str:
    """``?format=``, else what the sourcetype says, else what the lines look like."""
    head = b"\n".join(lines[:200]) + b"\n"
    if wanted := str(request.query_params.get("format", "")):
        return intake.resolve(wanted, head) or _unknown()
    named = SOURCETYPES.get(sourcetype.lower(), sourcetype.lower())
    if named:
        try:
            if (found := intake.resolve(named, head)) is not None and named != "auto":
                return found
        except Fault:
            pass  # a sourcetype of their own: the lines themselves say what they are
    return intake.resolve("auto", head) or _unknown()


def _unknown() -> str:
    raise Fault("E-API-420", "No log format knows these lines; name one with ?format= in the address.")
