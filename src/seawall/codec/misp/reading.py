"""MISP JSON read without trust: events in whatever wrapping, and values of the type that they ought to have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.codec.moments import moment_of
from seawall.model import Fault
from seawall.model.stix.ids import SEAWALL_NAMESPACE, uuid5_text
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why

MAX_DOCUMENT_BYTES = 1 << 30  # 1 GiB
MAX_VALUE = 1 << 18  # characters of an attribute's value; MISP's own column holds 65,535 bytes
MAX_TEXT = 1 << 16  # characters kept of a comment or description
MAX_LIST = 100_000  # attributes, objects, sightings ... of one event; the largest public events have some ten thousand
MAX_TAGS = 200  # of one event or attribute
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

Json = dict[str, Any]


def events_in(data: bytes) -> list[Json]:
    """The events of a MISP JSON document. Raises Fault E-MISP-001 when it is no JSON, E-MISP-002 without an event."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise Fault("E-MISP-001", "The MISP document cannot be read: {reason}.", reason="it is larger than 1 GiB")
    try:
        events = list(events_of(msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))))
    except UNREADABLE as error:
        raise Fault("E-MISP-001", "The MISP document cannot be read: {reason}.", reason=why(error)) from None
    if not events:
        raise Fault("E-MISP-002", "The JSON document holds no MISP event.")
    return events


def events_of(document: object) -> Iterator[Json]:
    """The events of a document, whatever they are wrapped in."""
    if isinstance(document, list):
        for part in document:
            yield from events_of(part)
    elif isinstance(document, dict):
        if isinstance(inner := document.get("Event"), (dict, list)):
            yield from [inner] if isinstance(inner, dict) else (part for part in inner if isinstance(part, dict))
        elif isinstance(inner := document.get("response"), (list, dict)):
            yield from events_of(inner)
        elif isinstance(document.get("Attribute"), (list, dict)) or isinstance(document.get("Object"), list):
            yield from _by_event(document)


def _by_event(document: Json) -> Iterator[Json]:
    """An event as it stands; the attributes that a search found, each with its own ``Event``, by that event."""
    listed = document.get("Attribute")
    if (
        "info" in document
        or not isinstance(listed, list)
        or not any(isinstance(one, dict) and isinstance(one.get("Event"), dict) for one in listed)
    ):
        yield document
        return
    events: dict[str, Json] = {}
    for one in listed:
        about = one.get("Event") if isinstance(one, dict) else None
        header: Json = about if isinstance(about, dict) else {}
        event = events.setdefault(str(header.get("uuid"))[:64], {**header, "Attribute": []})
        event["Attribute"].append(one)
    yield from events.values()


def parts(holder: Json, name: str) -> list[Json]:
    """The dictionaries in the list ``name``; a single dictionary counts as a list of one."""
    found = holder.get(name)
    if not found:
        return []
    if isinstance(found, list):
        return [part for part in found[:MAX_LIST] if isinstance(part, dict)]
    return [found] if isinstance(found, dict) else []


def text_of(holder: Json, name: str, limit: int = MAX_TEXT) -> str:
    """A text property, stripped and cut; numbers become text, everything else is empty."""
    found = holder.get(name)
    if found is None:
        return ""
    if isinstance(found, str):
        return found[:limit].strip()
    return str(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else ""


def flag_of(holder: Json, name: str) -> bool | None:
    """A yes or no as MISP's servers, exports and feeds spell it; None when it is not said."""
    found = holder.get(name)
    if isinstance(found, bool):
        return found
    if isinstance(found, (int, str)):
        return {"1": True, "true": True, "0": False, "false": False}.get(str(found).strip().lower())
    return None


def moment_in(holder: Json, *names: str) -> int | None:
    """The first of these properties that is a moment: epoch seconds or ISO 8601. Microseconds UTC."""
    for name in names:
        found = holder.get(name)
        if isinstance(found, (str, int)) and not isinstance(found, bool):
            moment = moment_of(str(found)[:40])
            if moment:
                return moment
    return None


def uuid_in(holder: Json, name: str = "uuid") -> str | None:
    """An RFC 9562 UUID in lower case; None when the property holds none."""
    found = holder.get(name)
    return uuid_text(found) if isinstance(found, str) else None


def uuid_text(text: str) -> str | None:
    """The UUID that a text is, in lower case."""
    if _UUID.fullmatch(text):
        return text
    return lower if _UUID.fullmatch(lower := text.strip().lower()) else None


def uuid_from(*what: str) -> str:
    """The UUID of what has none of its own: equal for equal parts."""
    return uuid5_text(SEAWALL_NAMESPACE, "\0".join(("misp", *what)).encode("utf-8", "replace"))


def digest_of(part: Json) -> str:
    """A UUID of a whole part, for parts that have nothing better."""
    return uuid_from(repr(sorted(part.items(), key=lambda item: item[0]))[: 1 << 20])
