"""DSSE envelopes (secure-systems-lab/dsse, protocol.md and envelope.md v1.0.2) with Ed25519 signatures.

    PAE    = "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload        (lengths in ASCII decimal)
    signed = Ed25519(key, PAE)

``verify`` returns the payload or raises; the payload is not looked at before a signature held.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from seawall.model import Refused
from seawall.model.unreadable import UNREADABLE

MAX_ENVELOPE_BYTES = 32 * 1024 * 1024  # the largest sealed batch that privacy-preserving runs exchange
MAX_SIGNATURES = 8  # a rotation needs two sets of at most three; more is somebody making us work


class Signer(Protocol):
    """Whoever can sign: a node's keys."""

    @property
    def signing_public(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature over ``message``."""


class _Signature(msgspec.Struct, frozen=True):
    sig: str
    keyid: str = ""


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    payload: str
    payload_type: str
    signatures: list[_Signature]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding: type and payload bound together without ambiguity."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@lru_cache(maxsize=4_096)
def key_id(public: bytes) -> str:
    """A hint which key signed: SHA-256 of the public key, lower hex. Never trusted for anything but ordering."""
    return hashlib.sha256(public).hexdigest()


def sign(payload: bytes, payload_type: str, signer: Signer) -> bytes:
    """The JSON envelope over ``payload`` with one signature."""
    return sign_all(payload, payload_type, [signer])


def sign_all(payload: bytes, payload_type: str, signers: Sequence[Signer]) -> bytes:
    """The JSON envelope over ``payload`` with a signature of each of ``signers``."""
    message = pae(payload_type, payload)
    signatures = [
        _Signature(base64.b64encode(signer.sign(message)).decode(), key_id(signer.signing_public)) for signer in signers
    ]
    return msgspec.json.encode(_Envelope(base64.b64encode(payload).decode(), payload_type, signatures))


def peek(envelope: bytes, payload_type: str) -> bytes:
    """The payload BEFORE any signature was checked: only to learn whose keys to ask for.

    Raises Refused E-IDENTITY-010 and E-IDENTITY-011 as ``verify`` does.
    """
    return _opened_as(envelope, payload_type)[0]


def key_ids(envelope: bytes) -> tuple[str, ...]:
    """Whose signatures it says to bear: hints, not believed. Raises Refused E-IDENTITY-010."""
    return tuple(signature.keyid for signature in _open(envelope)[0].signatures)


def signed_by(envelope: bytes, payload_type: str, public_keys: Iterable[bytes]) -> frozenset[bytes]:
    """Which of ``public_keys`` signed this envelope as ``payload_type``; raises Refused as ``peek`` does."""
    payload, signatures = _opened_as(envelope, payload_type)
    message = pae(payload_type, payload)
    return frozenset(
        public for public in public_keys if any(_holds(public, signature, message) for signature in signatures)
    )


def verify(envelope: bytes, payload_type: str, public_keys: Iterable[bytes]) -> bytes:
    """The payload, once one of ``public_keys`` (32 bytes each) signed it as ``payload_type``.

    Raises Refused E-IDENTITY-010 when the envelope is oversized or malformed, E-IDENTITY-011 when it is of another
    type, E-IDENTITY-012 when no signature holds.
    """
    payload, signatures = _opened_as(envelope, payload_type)
    message = pae(payload_type, payload)
    for public in public_keys:
        for signature in signatures:
            if _holds(public, signature, message):
                return payload
    raise Refused("E-IDENTITY-012", "No known key signed this envelope; it was altered or comes from somebody else.")


def verify_by(envelope: bytes, payload_type: str, holds: Callable[[bytes, bytes], bool]) -> bytes:
    """The payload, once ``holds(signature, message)`` says so of one signature: for proofs that are not Ed25519.

    Raises Refused as ``verify`` does.
    """
    payload, signatures = _opened_as(envelope, payload_type)
    message = pae(payload_type, payload)
    if any(holds(signature, message) for signature in signatures):
        return payload
    raise Refused("E-IDENTITY-012", "No known key signed this envelope; it was altered or comes from somebody else.")


def _opened_as(envelope: bytes, payload_type: str) -> tuple[bytes, list[bytes]]:
    opened, payload, signatures = _open(envelope)
    if opened.payload_type != payload_type:
        raise Refused("E-IDENTITY-011", "The signed envelope holds something other than {type}.", type=payload_type)
    return payload, signatures


def _open(envelope: bytes) -> tuple[_Envelope, bytes, list[bytes]]:
    try:
        if len(envelope) <= MAX_ENVELOPE_BYTES:
            opened = msgspec.json.decode(envelope, type=_Envelope)
            if len(opened.signatures) <= MAX_SIGNATURES:
                return opened, _decode(opened.payload), [_decode(signature.sig) for signature in opened.signatures]
    except (ValueError, *UNREADABLE):
        pass
    raise Refused("E-IDENTITY-010", "The signed envelope is malformed or too large; ask the sender again.")


def check_signature(public: bytes, signature: bytes, message: bytes) -> None:
    """Pass, or raise Refused E-IDENTITY-012 when ``signature`` is not by ``public`` over ``message``."""
    if not _holds(public, signature, message):
        raise Refused(
            "E-IDENTITY-012", "No known key signed this envelope; it was altered or comes from somebody else."
        )


def _holds(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        _opened_key(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=1_024)  # the same few nodes sign thousands of objects
def _opened_key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
