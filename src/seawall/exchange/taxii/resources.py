"""The resources of TAXII 2.1 as structs, and how a released page becomes bytes without parsing a body again."""

from __future__ import annotations

import msgspec

from seawall.exchange.interface import ReleasedPage
from seawall.exchange.taxii.media import STIX_MEDIA_TYPE, TAXII_MEDIA_TYPE
from seawall.model import rfc3339

DATE_ADDED_FIRST = "X-TAXII-Date-Added-First"
DATE_ADDED_LAST = "X-TAXII-Date-Added-Last"


class Discovery(msgspec.Struct, frozen=True, omit_defaults=True):
    """Section 4.1.1."""

    title: str
    description: str | None = None
    default: str | None = None
    api_roots: tuple[str, ...] = ()


class ApiRoot(msgspec.Struct, frozen=True, omit_defaults=True):
    """Section 4.2.1."""

    title: str
    versions: tuple[str, ...]
    max_content_length: int
    description: str | None = None


class StatusDetail(msgspec.Struct, frozen=True, omit_defaults=True):
    """Section 4.3.1, one object of a POST."""

    id: str
    version: str
    message: str | None = None


class Status(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Section 4.3.1."""

    id: str
    status: str
    request_timestamp: str | None = None
    total_count: int
    success_count: int
    successes: tuple[StatusDetail, ...] = ()
    failure_count: int
    failures: tuple[StatusDetail, ...] = ()
    pending_count: int
    pendings: tuple[StatusDetail, ...] = ()


class Collection(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Section 5.2.1."""

    id: str
    title: str
    description: str | None = None
    alias: str | None = None
    can_read: bool
    can_write: bool
    media_types: tuple[str, ...] = ()


class Collections(msgspec.Struct, frozen=True, omit_defaults=True):
    """Section 5.1.1."""

    collections: tuple[Collection, ...] = ()


class Envelope(msgspec.Struct, frozen=True):
    """Section 3.7, objects kept as the bytes that came."""

    more: bool = False
    next: str | None = None
    objects: list[msgspec.Raw] = []


class ErrorMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Section 3.6.1."""

    title: str
    description: str | None = None
    error_id: str | None = None
    error_code: str | None = None
    http_status: str | None = None


def api_root(title: str, max_content_length: int) -> ApiRoot:
    """Our only API root."""
    return ApiRoot(title, (TAXII_MEDIA_TYPE,), max_content_length, "One collection for each circle you belong to.")


def collection(identity: str, title: str, description: str, *, can_read: bool, can_write: bool) -> Collection:
    """One circle as a collection."""
    return Collection(
        id=identity,
        title=title,
        description=description or None,
        can_read=can_read,
        can_write=can_write,
        media_types=(STIX_MEDIA_TYPE,),
    )


def envelope_bytes(page: ReleasedPage) -> bytes:
    """An envelope or a manifest: released bodies spliced in as they are. An empty list is left out (section 1.6.1)."""
    bodies = [item.body for item in page.released.value.objects] if page.released is not None else []
    return _listing(b"objects", bodies, page)


def versions_bytes(page: ReleasedPage) -> bytes:
    """A versions resource (section 5.8.1) from a manifest page."""
    objects = page.released.value.objects if page.released is not None else ()
    return _listing(b"versions", [msgspec.json.encode(item.version) for item in objects], page)


def _listing(name: bytes, bodies: list[bytes], page: ReleasedPage) -> bytes:
    head = b'{"more":true' if page.more else b'{"more":false'
    if page.more and page.next is not None:
        head += b',"next":' + msgspec.json.encode(page.next)
    if not bodies:
        return head + b"}"
    return b"".join((head, b',"', name, b'":[', b",".join(bodies), b"]}"))


def date_headers(page: ReleasedPage) -> dict[str, str]:
    """Section 3.5: the server's own dates, which clients keep as their cursor."""
    headers = {}
    if page.first_added is not None:
        headers[DATE_ADDED_FIRST] = rfc3339(page.first_added)
    if page.last_added is not None:
        headers[DATE_ADDED_LAST] = rfc3339(page.last_added)
    return headers
