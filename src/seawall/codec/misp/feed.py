"""A MISP feed: a folder that any MISP subscribes to. ``manifest.json``, ``hashes.csv`` and one file for each event.

A feed has no distribution: whoever may read the folder has it. What distribution kept narrow is said by tags instead.
The manifest comes last, so that a reader never finds an event named that is not there yet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from seawall.codec.misp.reading import Json, uuid_from
from seawall.codec.misp.types import ATTRIBUTE_TYPES
from seawall.model.unreadable import UNREADABLE

MANIFEST, HASHES = "manifest.json", "hashes.csv"
_SHARING = ("distribution", "sharing_group_id", "SharingGroup")
_EVENT_FILE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOBODY = {"uuid": uuid_from("organisation", "Unnamed source"), "name": "Unnamed source"}


def feed_files(events: Iterable[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """(file name, content) of a feed of these events."""
    manifest: Json = {}
    hashes: list[str] = []
    for event in events:
        uuid = event["uuid"]
        event.setdefault("Orgc", _NOBODY)  # a feed without it is refused
        for holder in (event, *_parts(event)):
            for name in _SHARING:
                holder.pop(name, None)
        manifest[uuid] = {
            "Orgc": event["Orgc"],
            "Tag": event.get("Tag", []),
            "info": event["info"],
            "date": event["date"],
            "analysis": int(event["analysis"]),
            "threat_level_id": int(event["threat_level_id"]),
            "timestamp": int(event["timestamp"]),
        }
        for attribute in attributes_in(event):
            hashes += [f"{digest},{uuid}\n" for digest in _digests(attribute)]
        yield f"{uuid}.json", _pretty({"Event": event})
    yield HASHES, "".join(hashes).encode()
    yield MANIFEST, _pretty(manifest)


def listed_files(manifest: bytes) -> list[str]:
    """The event files that a manifest names; empty when it is none of ours."""
    try:
        found = msgspec.json.decode(manifest)
    except UNREADABLE:
        return []
    return [f"{uuid}.json" for uuid in found if _EVENT_FILE.fullmatch(uuid)] if isinstance(found, dict) else []


def attributes_in(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The attributes of an event as ``to_events`` makes it, those of its objects too."""
    yield from event.get("Attribute", ())
    for part in event.get("Object", ()):
        yield from part.get("Attribute", ())


def csv_rows(events: Iterable[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    """The rows of MISP's own CSV export, in the order of ``table.CSV_COLUMNS``; deleted attributes are not in it."""
    for event in events:
        for holder in (event, *event.get("Object", ())):
            inside = holder is not event
            for one in holder.get("Attribute", ()):
                if not one["deleted"]:
                    yield (
                        one["uuid"], event["uuid"], one["category"], one["type"], one["value"], one["comment"],
                        int(one["to_ids"]), one["timestamp"], one.get("object_relation"),
                        ",".join(tag["name"] for tag in one.get("Tag", ())), holder["uuid"] if inside else None,
                        holder["name"] if inside else None, holder["meta-category"] if inside else None, event["info"],
                    )  # fmt: skip


def _parts(event: Json) -> Iterator[Json]:
    yield from attributes_in(event)
    yield from event.get("Object", ())
    yield from event.get("EventReport", ())


def _digests(attribute: Json) -> list[str]:
    """MD5 of the value, or of each half of a value with two, as MISP looks values up in a feed it has not fetched."""
    parts = len(ATTRIBUTE_TYPES.get(attribute["type"], ())) > 1 or "|" in attribute["type"]
    values = attribute["value"].split("|") if parts else [attribute["value"]]
    return [hashlib.md5(value.encode("utf-8", "replace"), usedforsecurity=False).hexdigest() for value in values]


def _pretty(document: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
