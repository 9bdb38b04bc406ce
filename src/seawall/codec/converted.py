"""What a reader of another form hands on: STIX 2.1 objects as dictionaries, what was turned away, what was lost."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from seawall.codec.indicators import Rejected
from seawall.codec.losses import LossCounter
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS

FIXED = "2026-01-01T00:00:00.000Z"
"""The moment of objects whose source names none: equal content must give equal bytes at every import."""
MAX_REFERENCES = 200  # external references of one object
MAX_TEXT = 100_000  # characters of a description
_URL = re.compile(r"(?:https?|ftp)://[^\s<>\"{}|\\^`]{1,2000}", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?![\d])")
_CVE = re.compile(r"CVE[-_. ]?(\d{4})[-_. ](\d{4,19})", re.IGNORECASE)


class Converted:
    """Collected while a document is read. Every object is checked again before it is stored."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.rejected: list[Rejected] = []
        self.losses = LossCounter()
        self.framework: str | None = None  # which body of reference knowledge this is; None: intelligence

    def reject(self, index: int, name: object, reason: str) -> None:
        """One part that could not be used."""
        self.rejected.append(Rejected(index, str(name)[:120] if name else None, reason))

    def bundle(self) -> bytes:
        """The objects as a bundle, for the one reader that checks and stores."""
        return msgspec.json.encode({"type": "bundle", "objects": self.objects})


def marked(tlp: Tlp | None) -> dict[str, Any]:
    """The property that marks an object; none when its source says nothing."""
    return {} if tlp is None else {"object_marking_refs": [TLP2_IDS[tlp]]}


def day(text: object) -> str | None:
    """A date as rule authors write it (``2024-01-31``, ``2024/01/31``, ``20240131``), as a STIX timestamp."""
    found = _DAY.match(text.strip()) if isinstance(text, str) else None
    if found is None or not ("1970" <= found[1] <= "2099" and "01" <= found[2] <= "12" and "01" <= found[3] <= "31"):
        return None
    try:
        return _checked_day(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _checked_day(year: int, month: int, number: int) -> str:
    from datetime import date

    return f"{date(year, month, number).isoformat()}T00:00:00.000Z"


def references(given: Iterable[object], source_name: str = "reference") -> list[dict[str, Any]]:
    """Addresses and CVE numbers as external references, each once, at most MAX_REFERENCES."""
    found: dict[str, dict[str, Any]] = {}
    for item in given:
        text = str(item).strip()
        if _URL.fullmatch(text):
            found.setdefault(text, {"source_name": source_name, "url": text})
        elif (number := cve(text)) is not None:
            found.setdefault(number, {"source_name": "cve", "external_id": number})
        elif text:
            found.setdefault(text, {"source_name": source_name, "description": text[:2_000]})
        if len(found) >= MAX_REFERENCES:
            break
    return list(found.values())


def cve(text: str) -> str | None:
    """``CVE-2021-44228`` out of ``cve.2021.44228`` and the like; None for anything else."""
    found = _CVE.fullmatch(text.strip())
    return f"CVE-{found[1]}-{found[2]}" if found is not None else None


def plain(text: object, most: int = MAX_TEXT) -> str | None:
    """Text worth keeping, shortened; None for what is no text or empty."""
    return text.strip()[:most] or None if isinstance(text, str) else None
