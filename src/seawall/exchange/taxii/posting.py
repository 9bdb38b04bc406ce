"""Taking in a POST: rights before the body, the body within its bounds, one decision for each object."""

from __future__ import annotations

import asyncio

import msgspec
from litestar.concurrency import sync_to_thread

from seawall.exchange.bounds import Bounds
from seawall.exchange.discipline import OF_STATUS
from seawall.exchange.faults import ProtocolFault
from seawall.exchange.taxii import resources
from seawall.exchange.taxii.door import AnyRequest, TaxiiDoor, not_permitted
from seawall.exchange.taxii.media import require_taxii_content
from seawall.model.unreadable import UNREADABLE

RETRY_SECONDS = 5  # a POST is decided well within that


async def take_posted(door: TaxiiDoor, request: AnyRequest, collection_id: str) -> resources.Status:
    """Read, bound and split a POST, and let the service decide each object.

    Few at once, so that callers together cannot fill the memory: who finds no place is told to come again (HTTP 503);
    a body that drips is given up (HTTP 408).
    """
    actor = await sync_to_thread(door.enter, request)
    require_taxii_content(request.headers.get("content-type"))
    info = await sync_to_thread(door.collection, actor, collection_id)
    if not info.can_write:
        raise not_permitted()
    try:
        await asyncio.wait_for(door.posting.acquire(), door.bounds.post_wait_seconds)
    except TimeoutError:
        raise _no_place() from None
    try:
        bodies = split_envelope(await _within(request, door.bounds), door.bounds)
        outcomes = await sync_to_thread(door.service.accept, actor, collection_id, bodies)
        return await sync_to_thread(door.keep_status, actor, outcomes)
    except ProtocolFault as fault:
        if (misdeed := OF_STATUS.get(fault.status)) is not None:
            await sync_to_thread(door.watch.misdeed, actor, misdeed, fault.text.format(**fault.values))
        raise
    finally:
        door.posting.release()


async def _within(request: AnyRequest, bounds: Bounds) -> bytes:
    try:
        return await asyncio.wait_for(read_bounded(request, bounds.content_length), bounds.post_seconds)
    except TimeoutError:
        raise too_slow(bounds) from None


def _no_place() -> ProtocolFault:
    return ProtocolFault(
        503,
        "E-EXCHANGE-504",
        "Others are sending just now; send again in {seconds} seconds.",
        retry_after=RETRY_SECONDS,
        seconds=RETRY_SECONDS,
    )


def too_slow(bounds: Bounds) -> ProtocolFault:
    """The one answer to a body that drips (HTTP 408)."""
    return ProtocolFault(
        408, "E-EXCHANGE-409", "Nothing was taken within {most} seconds; send again.", most=int(bounds.post_seconds)
    )


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
    except UNREADABLE:
        raise ProtocolFault(422, "E-EXCHANGE-422", "The body is not a TAXII envelope with a list of objects.") from None
    if len(envelope.objects) > bounds.posted_objects:
        raise ProtocolFault(
            413, "E-EXCHANGE-417", "At most {most} objects are taken at once; send fewer.", most=bounds.posted_objects
        )
    return [bytes(item) for item in envelope.objects]
