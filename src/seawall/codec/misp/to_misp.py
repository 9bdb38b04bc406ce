"""STIX objects become MISP events.

1. every body is read: what came from MISP (it carries our extension) goes back to the event it came from;
2. the rest is gathered by the report or grouping that lists it, else by creator and day (``plain``);
3. each event is put together, in the order in which its report lists the parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from seawall.codec.misp.assemble import finished
from seawall.codec.misp.extension import carried, without_extension
from seawall.codec.misp.gathered import Gathered
from seawall.codec.misp.plain import Plain
from seawall.codec.misp.trust import disbelief
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why

_decode = msgspec.json.Decoder().decode


class ToMisp(msgspec.Struct, frozen=True):
    """MISP core format: each of ``events`` is the content of ``Event``. ``losses``: (STIX id, why it is not there)."""

    events: list[dict[str, Any]]
    losses: list[tuple[str, str]]
    objects: int = 0  # how many STIX objects stand behind the events


def to_events(bodies: Iterable[bytes], *, distribution: bool = True) -> ToMisp:
    """The events of these objects (JSON, one object each), in order of UUID. Equal input gives equal events.

    Without ``distribution`` (feeds have none) nothing says how far a part may go but its tags. Never raises for what
    the bodies contain.
    """
    losses: list[tuple[str, str]] = []
    known: dict[str, Gathered] = {}
    plain = Plain(losses)
    objects = 0
    for body in bodies:
        try:
            obj = _decode(body)
        except UNREADABLE as error:
            losses.append(("?", f"it cannot be read: {why(error)}"))
            continue
        if not isinstance(obj, dict) or not isinstance(obj.get("id"), str) or not isinstance(obj.get("type"), str):
            losses.append(("?", "it is no STIX object"))
            continue
        objects += 1
        part = carried(obj)
        if part is None:
            plain.take(obj)
        elif part["kind"] == "cluster":
            plain.clusters[obj["id"]] = obj
        elif (reason := disbelief(obj, part)) is not None:
            losses.append((obj["id"], reason))
            plain.take(without_extension(obj))
        else:
            event_uuid = str(part["event_uuid"]).lower()
            gathered = known.get(event_uuid)
            if gathered is None:
                gathered = known[event_uuid] = Gathered(event_uuid)
            gathered.take(obj, part)
    for gathered in known.values():
        for obj in gathered.strangers():
            losses.append((obj["id"], "it claims a place in an event that somebody else wrote"))
            plain.take(without_extension(obj))
    plain.into(known)
    events = [
        finished(gathered, plain.shared, losses, distribution=distribution) for _, gathered in sorted(known.items())
    ]
    return ToMisp(events, losses, objects)
