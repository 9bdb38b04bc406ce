"""Values become STIX 2.1 indicators: deterministic, valid, and fast enough for a million rows.

- The id is a UUIDv5 over type and value, so the same value has the same id from every list and at every import.
- ``created`` and ``modified`` are the moment this scheme was fixed: equal content must give equal bytes, or every
  re-import would look like a change. When the row does not say since when it is valid, ``valid_from`` is the epoch:
  from the beginning.
- A campaign becomes the label ``campaign:NAME``, not a relationship: a million rows would need a million relationship
  objects, and the campaign of a bare list is a word, not an object with an author.
- The source's name is not written into the body: whether a provider may be named is decided at release.

The JSON is put together from pieces encoded once per type and once per distinct set of attributes.
"""

from __future__ import annotations

import re
from hashlib import sha1

import msgspec

from seawall.codec.indicators import IndicatorRow
from seawall.codec.pattern.simple import pattern_parts
from seawall.model import ObservableType, Pap, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.model.stix.ids import SEAWALL_NAMESPACE
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp

CREATED = "2026-01-01T00:00:00.000Z"
ALWAYS = "1970-01-01T00:00:00Z"
CAMPAIGN_LABEL = "campaign:"
MAX_CACHED = 20_000  # distinct attribute sets of which the JSON is kept

_PLAIN = re.compile(r"[ !#-&(-\[\]-~]*").fullmatch  # nothing that JSON or a pattern would have to escape
_encode = msgspec.json.Encoder().encode
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_SAME_SHAPE: dict[ObservableType, tuple[str, str, str]] = {  # types whose pattern does not depend on the value
    kind: pattern_parts(kind, "").partition("{}")
    for kind in ObservableType
    if kind not in (ObservableType.CIDR, ObservableType.CERTIFICATE)
}


class ValueIndicators:
    """Makes entries of rows. ``tlp`` and ``pap`` mark what comes unmarked; ``origin`` is None for our own import."""

    def __init__(self, *, tlp: Tlp, pap: Pap, origin: str | None = None) -> None:
        self._tlp, self._pap, self._origin = tlp, pap, origin
        self._tails: dict[tuple[object, ...], str] = {}

    def entry(self, row: IndicatorRow, sources: tuple[str, ...]) -> IndicatorEntry:
        """The indicator of one row, body included."""
        tlp = self._tlp if row.tlp is None else row.tlp
        said = (row.campaign, row.description, row.confidence, tlp, row.valid_from, row.valid_until)
        tail = self._tails.get(said)
        if tail is None:
            tail = self._tail(said, row, tlp)
        identifier = indicator_id(row.type, row.value)
        return IndicatorEntry(
            row.type,
            row.value,
            identifier,
            row.campaign,
            row.description,
            row.confidence,
            tlp,
            self._pap,
            row.valid_from,
            row.valid_until,
            self._origin,
            row.external_id,
            sources,
            _body(row.type, row.value, identifier, tail),
        )

    def _tail(self, said: tuple[object, ...], row: IndicatorRow, tlp: Tlp) -> str:
        """Everything behind the value, as JSON text."""
        properties: dict[str, object] = {
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": timestamp(row.valid_from) if row.valid_from is not None else ALWAYS,
        }
        if row.valid_until is not None and (row.valid_from is None or row.valid_until > row.valid_from):
            properties["valid_until"] = timestamp(row.valid_until)
        if row.description:
            properties["description"] = row.description
        if row.campaign:
            properties["labels"] = [f"{CAMPAIGN_LABEL}{row.campaign}"]
        if row.confidence is not None:
            properties["confidence"] = row.confidence
        properties["object_marking_refs"] = [TLP2_IDS[tlp]]
        tail = _encode(properties).decode()[1:]
        if len(self._tails) >= MAX_CACHED:
            self._tails.clear()
        self._tails[said] = tail
        return tail


def indicator_id(type: ObservableType, value: str) -> str:
    """``derived_id("indicator", type, value)``, inlined: it runs once per row."""
    text = sha1(SEAWALL_NAMESPACE + f"{type.value}\0{value}".encode(), usedforsecurity=False).hexdigest()
    return f"indicator--{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def _body(type: ObservableType, value: str, identifier: str, tail: str) -> bytes:
    head, _, end = _SAME_SHAPE.get(type) or pattern_parts(type, value).partition("{}")
    frame = (
        '{"type":"indicator","spec_version":"2.1","id":"' + identifier + '","created":"' + CREATED + '","modified":"'
        + CREATED + '","indicator_types":["malicious-activity"],"name":'
    )  # fmt: skip
    if _PLAIN(value):
        return f'{frame}"{value}","pattern":"{head}{value}{end}",{tail}'.encode()
    quoted = value if type is ObservableType.PATTERN else value.replace("\\", "\\\\").replace("'", "\\'")
    name, pattern = _encode(value).decode(), _encode(f"{head}{quoted}{end}").decode()
    return f'{frame}{name},"pattern":{pattern},{tail}'.encode()
