"""MISP events (MISP core format): attributes for detection become indicator rows; the rest goes into the loss report.

Taken: events in any of the usual wrappings (``Event``, ``response``, a list, a bare event), attributes at the top and
inside objects. Attributes with ``to_ids`` false are context, not indicators, and are counted as such. Tags give TLP
(the strictest of event and attribute), PAP and the credibility of the Admiralty scale. The event's title is the
campaign of its attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.codec.indicators import IndicatorRow, Loss, Rejected
from seawall.codec.losses import LossCounter
from seawall.codec.misp_types import ATTRIBUTE_TYPES, CREDIBILITY, Part
from seawall.codec.moments import moment_of
from seawall.codec.refang import refang
from seawall.codec.spelling import canonical_pair
from seawall.model import Fault, ObservableType, Pap, Tlp
from seawall.model.stix.tlp import pap_of_label, tlp_of_label

MAX_EVENT_BYTES = 1 << 30  # 1 GiB
MAX_TITLE = 200
_CREDIBILITY = re.compile(r'admiralty-scale:information-credibility="([1-6])"')


class MispEvents(msgspec.Struct, frozen=True):
    """What one MISP document holds. ``paps`` goes index by index with ``rows``; None: not marked."""

    rows: list[IndicatorRow]
    paps: list[Pap | None]
    rejected: list[Rejected]
    losses: list[Loss]
    events: int


def parse_misp(data: bytes) -> MispEvents:
    """Read MISP JSON. Raises Fault E-MISP-001 when it is no JSON, E-MISP-002 when it holds no event."""
    if len(data) > MAX_EVENT_BYTES:
        raise Fault("E-MISP-001", "The MISP document cannot be read: {reason}.", reason="it is larger than 1 GiB")
    try:
        document = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Fault("E-MISP-001", "The MISP document cannot be read: {reason}.", reason=str(error)[:200]) from None
    events = list(events_of(document))
    if not events:
        raise Fault("E-MISP-002", "The JSON document holds no MISP event.")
    reader = _Reader()
    for event in events:
        reader.event(event)
    return MispEvents(reader.rows, reader.paps, reader.rejected, reader.losses.report(), len(events))


def events_of(document: object) -> Iterator[dict[str, Any]]:
    """The events of a document, whatever they are wrapped in."""
    if isinstance(document, list):
        for part in document:
            yield from events_of(part)
    elif isinstance(document, dict):
        if isinstance(inner := document.get("Event"), (dict, list)):
            yield from [inner] if isinstance(inner, dict) else (part for part in inner if isinstance(part, dict))
        elif isinstance(inner := document.get("response"), (list, dict)):
            yield from events_of(inner)
        elif isinstance(document.get("Attribute"), list) or isinstance(document.get("Object"), list):
            yield document


class _Reader:
    def __init__(self) -> None:
        self.rows: list[IndicatorRow] = []
        self.paps: list[Pap | None] = []
        self.rejected: list[Rejected] = []
        self.losses = LossCounter()
        self.position = 0

    def event(self, event: dict[str, Any]) -> None:
        title = str(event.get("info") or "").strip()[:MAX_TITLE] or None
        tags = _tags(event)
        for name in ("Galaxy", "ShadowAttribute", "RelatedEvent", "EventReport"):
            for _ in event.get(name) or ():
                self.losses.add(f"misp:{name}", f"event {str(event.get('uuid'))[:36]}")
        for attribute in _attributes(event):
            self.attribute(attribute, title, tags)
        for obj in event.get("Object") or ():
            if isinstance(obj, dict) and not obj.get("deleted"):
                self.losses.add("misp:object", f"{str(obj.get('name'))[:60]}: only its attributes are taken")
                for attribute in _attributes(obj):
                    self.attribute(attribute, title, tags)

    def attribute(self, attribute: dict[str, Any], title: str | None, event_tags: list[str]) -> None:
        self.position += 1
        kind, text = attribute.get("type"), attribute.get("value")
        if attribute.get("deleted") in (True, 1, "1"):
            return
        if not isinstance(kind, str) or not isinstance(text, str):
            self.rejected.append(Rejected(self.position, _uuid(attribute), "the attribute has no type or value"))
            return
        if attribute.get("to_ids") in (False, 0, "0"):
            self.losses.add("misp:not-for-detection", f"{kind[:40]}: {text[:80]}")
            return
        parts = ATTRIBUTE_TYPES.get(kind)
        if parts is None:
            self.losses.add(f"misp:{kind[:40]}", text[:120])
            return
        values = text.split("|", len(parts) - 1) if len(parts) > 1 else [text]
        if len(values) != len(parts):
            self.rejected.append(Rejected(self.position, _uuid(attribute), f"it is not a {kind}: {text[:80]!r}"))
            return
        for part, value in zip(parts, values, strict=True):
            if part is not None:
                self.value(part, value.strip(), kind, attribute, title, event_tags + _tags(attribute))

    def value(
        self, kinds: Part, text: str, word: str, attribute: dict[str, Any], title: str | None, tags: list[str]
    ) -> None:
        found = _canonical(kinds or (), refang(text))
        if found is None:
            self.rejected.append(Rejected(self.position, _uuid(attribute), f"it is not a {word}: {text[:80]!r}"))
            return
        comment = str(attribute.get("comment") or "").strip()
        self.rows.append(
            IndicatorRow(
                *found,
                self.position,
                external_id=_uuid(attribute),
                campaign=title,
                description=comment[:4096] or None,
                confidence=_confidence(tags),
                tlp=max((tlp for tag in tags if (tlp := _tlp(tag)) is not None), default=None),
                valid_from=_moment(attribute, "first_seen", "timestamp"),
                valid_until=None,
            )
        )
        self.paps.append(max((pap for tag in tags if (pap := pap_of_label(tag)) is not None), default=None))


def _attributes(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for attribute in holder.get("Attribute") or ():
        if isinstance(attribute, dict):
            yield attribute


def _tags(holder: dict[str, Any]) -> list[str]:
    tags = holder.get("Tag")
    return [str(tag.get("name", "")) for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []


def _tlp(tag: str) -> Tlp | None:
    """``tlp:ex:chr`` and the like narrow a level that another tag names; they are no level themselves."""
    return tlp_of_label(tag)


def _confidence(tags: list[str]) -> int | None:
    found = [CREDIBILITY.get(match[1]) for tag in tags if (match := _CREDIBILITY.fullmatch(tag)) is not None]
    known = [value for value in found if value is not None]
    return min(known) if known else None


def _moment(attribute: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = attribute.get(name)
        if isinstance(value, (str, int)) and (moment := moment_of(str(value))) is not None:
            return moment
    return None


def _uuid(attribute: dict[str, Any]) -> str | None:
    found = attribute.get("uuid")
    return found[:64] if isinstance(found, str) else None


def _canonical(kinds: tuple[ObservableType, ...], text: str) -> tuple[ObservableType, str] | None:
    for kind in kinds:
        try:
            return canonical_pair(kind, text)
        except ValueError:
            continue
    return None
