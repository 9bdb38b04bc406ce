"""``judge``: the verdict on every object of a document, in order."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.codec.stix.check import check, check_frame
from seawall.codec.stix.links import advise_links
from seawall.codec.stix.salvage import complete_objects
from seawall.codec.stix.verdict import Findings, Verdict
from seawall.model import Fault
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why


def judge(data: bytes) -> list[Verdict]:
    """Verdicts on the objects of a bundle, a list, a TAXII envelope, or on a single object, in input order.

    A bundle's own faults make a verdict of their own in front; references in it that dangle or form a circle are
    warnings of the objects that refer. Of a damaged document the complete objects are judged,
    and a last verdict without id says that it is damaged. Raises Fault E-STIX-001 when nothing in it can be read.
    """
    text = data.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        document = msgspec.json.decode(text)
    except UNREADABLE as error:
        return _damaged(text, error)
    if isinstance(document, list):
        return [verdict for part in document for verdict in _one(part)]
    if isinstance(document, dict) and "type" not in document and isinstance(document.get("objects"), list):
        return [verdict for part in document["objects"] for verdict in _one(part)]
    return _one(document)


def _one(document: Any) -> list[Verdict]:
    if not isinstance(document, dict) or document.get("type") != "bundle":
        return [check(document)]
    found = Findings()
    objects = check_frame(document, found)
    verdicts = advise_links(objects, [check(part) for part in objects])
    identifier = document.get("id")
    own = found.verdict(identifier if isinstance(identifier, str) else None)
    return [own, *verdicts] if own.errors or own.warnings or not verdicts else verdicts


def _damaged(text: bytes, error: Exception) -> list[Verdict]:
    verdicts = []
    for raw in complete_objects(text):
        try:
            verdicts.append(check(msgspec.json.decode(raw)))
        except UNREADABLE as inner:
            verdicts.append(Verdict(None, False, (f"this is not JSON: {why(inner)}",)))
    if not verdicts:
        raise Fault("E-STIX-001", "The document is not JSON, and no complete object can be saved: {reason}.",
                    reason=why(error)) from None  # fmt: skip
    return [*verdicts, Verdict(None, False, (f"the document is damaged here: {why(error)}",))]
