"""Identifiers (STIX 2.1, 2.9): random ones for SDOs and SROs, deterministic ones for cyber-observables.

An SCO's id is the UUIDv5 of ``00abedb4-aa42-466c-9c01-fed23315a9b7`` over the RFC 8785 JSON of its id contributing
properties, so that everybody who sees the same value gives it the same id. Of ``hashes`` only one contributes: the
first there is of MD5, SHA-1, SHA-256, SHA-512, and else the first in alphabetical order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from seawall.model.canonical_json import canonical_json

SCO_NAMESPACE = bytes.fromhex("00abedb4aa42466c9c01fed23315a9b7")
SEAWALL_NAMESPACE = bytes.fromhex("5ea3a11ce0555a1f9f4b1d6c2b7e4d10")  # our own objects, made from values
_HASH_ORDER = ("MD5", "SHA-1", "SHA-256", "SHA-512")
_IDENTIFIER = re.compile(
    r"([a-z][a-z0-9-]+[a-z0-9])--([0-9a-f]{8}-[0-9a-f]{4}-([1-8])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})", re.I
)


def uuid5_text(namespace: bytes, name: bytes) -> str:
    """RFC 9562 5.5: a name-based UUID, written out. About 1 us, a third of what ``uuid.uuid5`` takes."""
    digest = bytearray(hashlib.sha1(namespace + name, usedforsecurity=False).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x50
    digest[8] = (digest[8] & 0x3F) | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def random_id(type: str, random_bytes: Callable[[int], bytes]) -> str:
    """A new ``type--UUIDv4``. ``random_bytes`` is passed in, as all randomness is: ``os.urandom`` outside tests."""
    raw = bytearray(random_bytes(16))
    raw[6] = (raw[6] & 0x0F) | 0x40
    raw[8] = (raw[8] & 0x3F) | 0x80
    text = raw.hex()
    return f"{type}--{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def derived_id(type: str, *parts: str) -> str:
    """The id of an object that we derive: equal for equal parts. Parts are joined by NUL, which no value contains."""
    return f"{type}--{uuid5_text(SEAWALL_NAMESPACE, chr(0).join(parts).encode())}"


def observable_id(type: str, properties: Mapping[str, Any], id_from: tuple[str, ...]) -> str | None:
    """The deterministic id of an SCO; None when no contributing property is there and a random id is due."""
    contributing = {name: properties[name] for name in id_from if name in properties}
    if isinstance(hashes := contributing.get("hashes"), dict) and hashes:
        chosen = next((name for name in _HASH_ORDER if name in hashes), None) or min(hashes)
        contributing["hashes"] = {chosen: hashes[chosen]}
    if not contributing:
        return None
    return f"{type}--{uuid5_text(SCO_NAMESPACE, canonical_json(contributing))}"


def id_type(id: str) -> str | None:
    """The type in front of an identifier; None when it is no identifier."""
    match = _IDENTIFIER.fullmatch(id)
    return match[1] if match else None
