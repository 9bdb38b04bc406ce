"""MISP events as tests need them, and the real ones."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import realdata

EVENT_UUID = "5c7cdc3b-2f40-4dca-8200-276c0a00020f"


def event(*attributes: object, **more: Any) -> dict[str, Any]:
    """The content of ``Event``."""
    return {
        "uuid": EVENT_UUID, "info": "Green Wave", "date": "2026-03-01", "timestamp": "1772409600",
        "Attribute": list(attributes), **more,
    }  # fmt: skip


def document(*attributes: object, **more: Any) -> bytes:
    """A MISP document with one event."""
    return json.dumps({"Event": event(*attributes, **more)}).encode()


def attribute(kind: str, value: str, **more: Any) -> dict[str, Any]:
    """An attribute for detection."""
    return {"type": kind, "value": value, "to_ids": True, "timestamp": "1772323200", **more}


def uuid(number: int) -> str:
    """One of many UUIDs."""
    return f"8e2e2d2b-17d4-4cbf-938f-{number:012x}"


def real_documents() -> Iterator[tuple[str, bytes]]:
    """Every real MISP document at hand: name and bytes."""
    for folder in ("misp-events", "misp-stix", "iocs-eset"):
        for path in sorted(realdata.folder(folder).rglob("*.json*")):
            raw = path.read_bytes()
            raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
            if b'"stix' not in raw[:400] and b'"bundle"' not in raw[:400] and path.parent.name != "mapping":
                yield f"{folder}/{path.name}", raw
