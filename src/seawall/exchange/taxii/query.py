"""Reads the URL parameters of a TAXII request (TAXII 2.1 sections 3.4 and 3.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from seawall.exchange.bounds import Bounds
from seawall.exchange.faults import ProtocolFault
from seawall.exchange.interface import ObjectsQuery
from seawall.model import to_microseconds

TIMESTAMP = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,12}))?Z", re.ASCII)
SPEC_VERSION = re.compile(r"\d\.\d", re.ASCII)
MAX_LIMIT_DIGITS = 18
VERSION_WORDS = frozenset({"first", "last", "all"})


def bad_parameter(name: str) -> ProtocolFault:
    """The one answer to a parameter that cannot be used (HTTP 400)."""
    return ProtocolFault(400, "E-EXCHANGE-400", "The parameter {name} cannot be used as given.", name=name)


def parse_timestamp(text: str) -> int:
    """Microseconds UTC of a TAXII timestamp (RFC 3339, UTC, ``Z``); finer digits are cut. Raises ValueError."""
    match = TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(text)
    moment = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return to_microseconds(moment) + int((match[2] or "").ljust(6, "0")[:6])


def parse_query(
    pairs: Sequence[tuple[str, str]],
    bounds: Bounds,
    *,
    object_id: str | None = None,
    versions: tuple[str, ...] = ("last",),
) -> ObjectsQuery:
    """The query of one request; parameters we do not know are ignored, as the specification asks.

    ``object_id`` comes from the path where there is one; ``versions`` are meant when none are named. Raises
    ProtocolFault E-EXCHANGE-400.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise bad_parameter(name[:40])
        given[name] = value
    ids = (object_id,) if object_id is not None else _values(given, "match[id]", bounds)
    return ObjectsQuery(
        limit=_limit(given.get("limit"), bounds),
        added_after=_added_after(given.get("added_after")),
        next=_next(given.get("next"), bounds),
        ids=ids,
        types=_values(given, "match[type]", bounds),
        versions=_versions(given, bounds) or versions,
        spec_versions=_spec_versions(given, bounds),
    )


def _values(given: dict[str, str], name: str, bounds: Bounds) -> tuple[str, ...]:
    if name not in given:
        return ()
    values = tuple(value.strip() for value in given[name].split(","))
    if len(values) > bounds.match_values or not all(values):
        raise bad_parameter(name)
    return values


def _limit(text: str | None, bounds: Bounds) -> int:
    if text is None:
        return bounds.page_objects
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_LIMIT_DIGITS and int(text) > 0):
        raise bad_parameter("limit")
    return min(int(text), bounds.page_objects)


def _added_after(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_timestamp(text)
    except ValueError:
        raise bad_parameter("added_after") from None


def _next(text: str | None, bounds: Bounds) -> str | None:
    if text is None:
        return None
    if not text or len(text) > bounds.next_length:
        raise bad_parameter("next")
    return text


def _versions(given: dict[str, str], bounds: Bounds) -> tuple[str, ...]:
    values = _values(given, "match[version]", bounds)
    for value in values:
        if value not in VERSION_WORDS and TIMESTAMP.fullmatch(value) is None:
            raise bad_parameter("match[version]")
    return values


def _spec_versions(given: dict[str, str], bounds: Bounds) -> tuple[str, ...]:
    values = _values(given, "match[spec_version]", bounds)
    if not all(SPEC_VERSION.fullmatch(value) for value in values):
        raise bad_parameter("match[spec_version]")
    return values
