"""Pieces of MISP's core format: identity, times, distribution, and the attribute, whatever they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seawall.codec.misp.marking import tags_of
from seawall.codec.misp.reading import Json, text_of, uuid_from, uuid_text
from seawall.codec.misp.types import CATEGORIES, KNOWN_TYPES
from seawall.codec.moments import moment_of

Losses = list[tuple[str, str]]


def uuid_of(obj: Mapping[str, Any]) -> str:
    """The UUID in a STIX id; one derived from it when there is none."""
    identifier = str(obj.get("id"))
    return uuid_text(identifier.rpartition("--")[2]) or uuid_from(identifier[:300])


def seconds_of(obj: Mapping[str, Any]) -> str:
    """A version as MISP's timestamp: whole seconds, as text."""
    moment = moment_of(str(obj.get("modified") or obj.get("created") or "")[:40]) or 0
    return str(moment // 1_000_000)


def digits_of(text: str) -> str:
    """Epoch seconds as MISP writes them; empty for anything else."""
    return text if text.isascii() and text.isdigit() and len(text) < 11 else ""


def timestamp_of(misp: Json, obj: Json) -> str:
    """What MISP gave as timestamp, else the object's version."""
    return digits_of(text_of(misp, "timestamp", 20)) or seconds_of(obj)


def distribute(made: Json, misp: Json, losses: Losses, identifier: str, *, inherits: bool = True) -> None:
    """Distribution as it was; a sharing group that nobody can look up any more becomes "your organisation only"."""
    found = text_of(misp, "distribution", 4)
    if found not in ("0", "1", "2", "3", "4") and not (inherits and found == "5"):
        return
    made["distribution"] = found
    if found != "4":
        return
    number = text_of(misp, "sharing_group_id", 20)
    if not number.isdigit() or number == "0":
        made["distribution"] = "0"
        losses.append((identifier, "its sharing group is not known here; it goes to your organisation only"))
        return
    made["sharing_group_id"] = number
    group = misp.get("SharingGroup")
    if isinstance(group, dict):
        names = ("uuid", "name", "releasability")
        made["SharingGroup"] = {key: str(group[key])[:250] for key in names if key in group}


def attribute(
    uuid: str,
    kind: str,
    value: str,
    misp: Json,
    losses: Losses,
    *,
    identifier: str,
    timestamp: str,
    deleted: bool,
) -> Json:
    """A MISP attribute. A type that MISP does not have becomes ``other``, an unknown category the usual one."""
    if kind not in KNOWN_TYPES:
        losses.append((identifier, f"MISP has no attribute type {kind[:40]!r}; it goes as 'other'"))
        misp = {**misp, "comment": f"{kind}: {text_of(misp, 'comment')}".strip(": ")}
        kind = "other"
    if kind == "datetime" and moment_of(value[:40]) is None:
        kind = "text"
    category = text_of(misp, "category", 60)
    usual, detects = KNOWN_TYPES[kind]
    flag = misp.get("to_ids")
    made: Json = {
        "uuid": uuid,
        "type": kind,
        "category": category if category in CATEGORIES else usual,
        "to_ids": flag if isinstance(flag, bool) else detects,
        "value": value,
        "timestamp": timestamp,
        "comment": text_of(misp, "comment"),
        "deleted": deleted,
        "disable_correlation": misp.get("disable_correlation") in (True, 1, "1"),
        "Tag": tags_of(misp),
    }
    distribute(made, misp, losses, identifier)
    for name in ("first_seen", "last_seen"):
        if (text := text_of(misp, name, 40)) and moment_of(text) is not None:
            made[name] = text
    if relation := text_of(misp, "object_relation", 250):
        made["object_relation"] = relation
    return made
