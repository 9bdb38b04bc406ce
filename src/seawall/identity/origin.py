"""Who said it: the signature of an object's maker travels inside the object (a property extension of STIX 2.1, 7.3).

    payload   = canonical JSON (RFC 8785) of the object without the extension's ``signature``
    signature = Ed25519 over the DSSE PAE of that payload; the envelope is detached, because the payload is at hand

Everything else in the extension is signed: whose key (``key_id``), and for an object that somebody on the way had to
redact or lower, who did (``signed_by``, ``derived``). So the maker's signature stays whole as long as the object does,
through any number of hands and tools that keep unknown extensions.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from seawall.identity.dsse import Signer, check_signature, key_id, pae
from seawall.model import Refused
from seawall.model.canonical_json import canonical_json
from seawall.model.stix.known_extensions import ORIGIN_EXTENSION

OBJECT_TYPE = "application/vnd.seawall.object.v1+json"
MARK = ORIGIN_EXTENSION.encode()  # an object without these bytes bears no signature
KEY_DIGITS = 32  # of the key id: a hint among one node's few keys
_ENCODER = msgspec.json.Encoder(order="sorted")


class Claim(msgspec.Struct, frozen=True):
    """What an object says of its signature, not yet believed."""

    key: str  # beginning of the key id, lower hex
    signature: bytes
    payload: bytes
    signed_by: str | None  # STIX identity of who derived it; None: its creator signed
    derived: bool

    def matches(self, public: bytes) -> bool:
        """Whether the hint names this key."""
        return key_id(public).startswith(self.key)


def seal(body: dict[str, Any], signer: Signer, *, derived_by: str | None = None) -> dict[str, Any]:
    """A copy of ``body`` that bears our signature; one that it bore before is gone.

    ``derived_by``: our identity, for somebody else's object of which a part had to go. Raises ValueError for numbers
    that no JSON reader is sure to understand alike.
    """
    part: dict[str, Any] = {
        "extension_type": "property-extension",
        "key_id": key_id(signer.signing_public)[:KEY_DIGITS],
    }
    if derived_by is not None:
        part |= {"signed_by": derived_by, "derived": True}
    fresh = {**body, "extensions": {**_others(body), ORIGIN_EXTENSION: part}}
    signature = signer.sign(pae(OBJECT_TYPE, _canonical(fresh)))
    signed = {**part, "signature": base64.b64encode(signature).decode()}
    return {**body, "extensions": {**_others(body), ORIGIN_EXTENSION: signed}}


def without_seal(body: dict[str, Any]) -> dict[str, Any]:
    """A copy of ``body`` without any signature."""
    if ORIGIN_EXTENSION not in _extensions(body):
        return body
    others = _others(body)
    fresh = {key: value for key, value in body.items() if key != "extensions"}
    return fresh | ({"extensions": others} if others else {})


def claim_of(body: dict[str, Any]) -> Claim | None:
    """The signature that an object bears; None when it bears none. Raises Refused E-IDENTITY-096 for a broken one."""
    part = _extensions(body).get(ORIGIN_EXTENSION)
    if part is None:
        return None
    try:
        signature = base64.b64decode(part["signature"], validate=True)
        key, signed_by, derived = part["key_id"], part.get("signed_by"), part.get("derived", False)
        rest = {name: value for name, value in part.items() if name != "signature"}
        payload = _canonical({**body, "extensions": {**_others(body), ORIGIN_EXTENSION: rest}})
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error, RecursionError):
        raise _broken() from None
    named = signed_by is None or (isinstance(signed_by, str) and len(signed_by) <= 100)
    if not (isinstance(key, str) and len(key) >= KEY_DIGITS and isinstance(derived, bool) and named):
        raise _broken()
    if derived != (signed_by is not None):
        raise _broken()
    return Claim(key, signature, payload, signed_by, derived)


def check_claim(claim: Claim, public: bytes) -> None:
    """Pass when ``public`` signed it; raises Refused E-IDENTITY-097 otherwise."""
    try:
        check_signature(public, claim.signature, pae(OBJECT_TYPE, claim.payload))
    except Refused:
        raise Refused(
            "E-IDENTITY-097", "The signature of the object's origin does not hold: the object was altered or forged."
        ) from None


def _extensions(body: dict[str, Any]) -> dict[str, Any]:
    found = body.get("extensions")
    return found if isinstance(found, dict) else {}


def _others(body: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in _extensions(body).items() if name != ORIGIN_EXTENSION}


def _canonical(value: dict[str, Any]) -> bytes:
    """RFC 8785; where nothing needs its finer points, sorted JSON is the same and five times as fast."""
    return _ENCODER.encode(value) if _is_plain(value) else canonical_json(value)


def _is_plain(value: Any) -> bool:
    """Whether there are only texts, truth values, small integers, lists, and objects with ASCII names."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is dict:
        return all(name.isascii() and _is_plain(item) for name, item in value.items())
    if kind is list:
        return all(map(_is_plain, value))
    return kind is int and -(1 << 53) <= value <= 1 << 53


def _broken() -> Refused:
    return Refused("E-IDENTITY-096", "The signature of the object's origin is malformed.")
