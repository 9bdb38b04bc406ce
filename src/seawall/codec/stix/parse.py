"""``parse_bundle``: bytes to STIX 2.1 objects, one by one, so that one bad object never costs the good ones.

1. the frame: a bundle, a bare list, a TAXII envelope or a single object; damaged input keeps its complete objects;
2. each object: JSON, lifted from STIX 2.0 where it is one, checked (musts only), made a struct;
3. what cannot be used becomes a ``Rejected`` with its index and reason.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from seawall.codec.indicators import Loss, Rejected
from seawall.codec.losses import LossCounter
from seawall.codec.stix.check import check
from seawall.codec.stix.encode import from_dict
from seawall.codec.stix.lift import is_stix20, lift
from seawall.codec.stix.salvage import complete_objects
from seawall.model import Fault
from seawall.model.bounds import MAX_NESTING, nested_deeper
from seawall.model.stix import StixObject
from seawall.model.stix.versioning import version_of
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why

MAX_BUNDLE_BYTES = 1 << 30  # 1 GiB; the largest public bundles (ATT&CK, full feeds) are below 100 MB
MAX_REASONS = 3  # of one rejected object

_decode = msgspec.json.Decoder().decode
_decode_frame = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class ParsedBundle(msgspec.Struct, frozen=True):
    """What came out of one document. ``bodies`` are the objects' JSON, index by index with ``objects``."""

    objects: list[StixObject]
    bodies: list[bytes]
    rejected: list[Rejected]
    losses: list[Loss]
    problems: list[str]  # damage of the document as a whole
    repeated: int = 0  # objects that stood there twice, alike


def parse_bundle(data: bytes) -> ParsedBundle:
    """Read a bundle, a list of objects, a TAXII envelope or one object.

    Raises Fault E-STIX-001 when the document is no JSON from which any object can be saved, E-STIX-002 when it is JSON
    without STIX objects, E-STIX-003 when it is too large.
    """
    problems: list[str] = []
    raws, version = _frame(data, problems)
    reader = _Reader(version)
    with _no_collections():
        for index, raw in enumerate(raws):
            reader.take(index, raw)
    return ParsedBundle(
        reader.objects, reader.bodies, reader.rejected, reader.losses.report(), problems, reader.repeated
    )


@contextmanager
def _no_collections() -> Iterator[None]:
    """JSON makes no cycles; searching a growing heap for some costs a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _frame(data: bytes, problems: list[str]) -> tuple[Iterator[bytes], str | None]:
    """The objects' bytes, and the bundle's ``spec_version`` (STIX 2.0 writes it there)."""
    if len(data) > MAX_BUNDLE_BYTES:
        raise Fault("E-STIX-003", "The STIX document has {size} bytes, more than the {limit} that are read.",
                    size=len(data), limit=MAX_BUNDLE_BYTES)  # fmt: skip
    text = data.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        if text.startswith(b"["):
            return (bytes(raw) for raw in _decode_list(text)), None
        frame = _decode_frame(text)
        return _objects_of(frame, text)
    except UNREADABLE as error:
        saved = list(complete_objects(text))
        if not saved:
            raise Fault("E-STIX-001", "The document is not JSON, and no complete object can be saved: {reason}.",
                        reason=why(error)) from None  # fmt: skip
        problems.append(f"the document is damaged ({why(error)}); its {len(saved)} complete objects were read")
        return iter(saved), None


def _objects_of(frame: dict[str, msgspec.Raw], text: bytes) -> tuple[Iterator[bytes], str | None]:
    kind = _word(frame.get("type"))
    if kind == "bundle" or (kind is None and "objects" in frame):
        if "objects" not in frame:
            return iter(()), None
        return (bytes(raw) for raw in _decode_list(frame["objects"])), _word(frame.get("spec_version"))
    if kind is None:
        raise Fault("E-STIX-002", "The JSON document holds no STIX objects: it has neither 'objects' nor 'type'.")
    return iter((text,)), None


def _word(raw: msgspec.Raw | None) -> str | None:
    value = _decode(raw) if raw is not None else None
    return value if isinstance(value, str) else None


class _Reader:
    """Collects what one document yields."""

    def __init__(self, version: str | None) -> None:
        self.version = version
        self.objects: list[StixObject] = []
        self.bodies: list[bytes] = []
        self.rejected: list[Rejected] = []
        self.losses = LossCounter()
        self.repeated = 0
        self.seen: dict[tuple[str, str | None], int] = {}

    def take(self, index: int, raw: bytes) -> None:
        try:
            properties = _decode(raw)
        except UNREADABLE as error:
            self.reject(index, None, why(error))
            return
        if not isinstance(properties, dict):
            self.reject(index, None, "it is not a JSON object")
            return
        if is_stix20(properties, self.version):
            self.losses.add("stix20:lifted", f"{_identifier(properties)}: STIX 2.0 was lifted to 2.1")
            try:
                lifted = lift(properties, self.losses)
            except RecursionError:
                self.reject(index, _identifier(properties), "it is nested too deeply")
                return
            for part in lifted:
                self.keep(index, part)
        else:
            self.keep(index, properties)

    def keep(self, index: int, properties: dict[str, Any]) -> None:
        verdict = check(properties)
        if not verdict.valid:
            more = len(verdict.errors) - MAX_REASONS
            tail = f"; and {more} more" if more > 0 else ""
            self.reject(index, verdict.id, "; ".join(verdict.errors[:MAX_REASONS]) + tail)
            return
        try:
            obj = from_dict(properties)
            body = _encode(properties)
        except (OverflowError, *UNREADABLE) as error:
            self.reject(index, verdict.id, why(error))
            return
        if body.count(b"{") + body.count(b"[") > MAX_NESTING and nested_deeper(properties):
            self.reject(index, verdict.id, f"it is nested deeper than {MAX_NESTING} levels")
            return
        key = obj.id, version_of(obj)  # type: ignore[arg-type]
        if (first := self.seen.get(key)) is not None:
            if self.bodies[first] == body:
                self.repeated += 1
            elif key[1] is None:  # an observable: the same value said twice, with different trimmings
                self.repeated += 1
                self.losses.add("stix:repeated-observable", f"{obj.id}: the first of several descriptions is kept")
            else:
                self.reject(index, obj.id, "the same version of this object stands there twice with different content")
            return
        self.seen[key] = len(self.objects)
        self.objects.append(obj)
        self.bodies.append(body)

    def reject(self, index: int, identifier: str | None, reason: str) -> None:
        self.rejected.append(Rejected(index, identifier[:120] if identifier else None, reason))


def _identifier(properties: dict[str, Any]) -> str | None:
    found = properties.get("id")
    return found if isinstance(found, str) else None
