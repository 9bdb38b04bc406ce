"""The card: one small signed JSON that a node hands to another, and the fingerprint two people read to each other.

Reading a card, in order: (1) size and shape, (2) signature by the signing key inside, (3) node id belongs to that key,
(4) authority certificate is a P-256 authority, (5) fingerprint recomputed. A card proves nothing about *who* holds the
key: the caller owes the sixth step, two people comparing the fingerprint over another channel.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import uuid

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from seawall.identity.dsse import check_signature, pae
from seawall.model import Fault, Refused

CARD_FORMAT = "seawall-card-1"
CARD_TYPE = "application/vnd.seawall.card.v1+json"
MAX_CARD_BYTES = 16 * 1024  # a card with a P-256 authority takes about 1.5 KiB
MAX_NAME_LENGTH = 120
FINGERPRINT_DIGITS = (
    60  # 199 bits; twelve groups of five, as messengers print them: digits are said alike in en, zh, ko
)
NODE_NAMESPACE = uuid.UUID("5b0c1d0e-6d0a-5f0e-9c3a-1f7c2d5f8a41")
_HEX64 = re.compile(r"[0-9a-f]{64}")


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one node tells another about itself; all of it is covered by ``signature``."""

    format: str
    node_id: str  # UUIDv5 of the signing key: nobody can claim another node's
    name: str
    economy: str  # ISO 3166-1 alpha-2
    created: str  # RFC 3339 UTC
    signing_key: str  # Ed25519 public key, base64
    ca_certificate: str  # PEM
    certificate_sha256: str  # the pin of the TLS leaves, see certificate_sha256()
    fingerprint: str
    signature: str  # Ed25519 over the DSSE PAE of the other fields' canonical JSON, base64

    @property
    def signing_public(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""
        return base64.b64decode(self.signing_key)

    @property
    def identity_id(self) -> str:
        """The STIX identity under which this node signs its objects."""
        return f"identity--{self.node_id}"


def node_id_of(signing_public: bytes) -> str:
    """The node id that belongs to an Ed25519 public key: a UUIDv5 in a namespace of our own."""
    return str(uuid.uuid5(NODE_NAMESPACE, signing_public.hex()))


def fingerprint_of(signing_public: bytes, ca_der: bytes, pin: str) -> str:
    """Twelve groups of five digits over signing key, authority certificate and pin, for reading aloud."""
    digest = hashlib.sha512(b"seawall fingerprint 1\n")
    for part in (signing_public, ca_der, bytes.fromhex(pin)):
        digest.update(len(part).to_bytes(4, "big") + part)
    digits = str(int.from_bytes(digest.digest(), "big") % 10**FINGERPRINT_DIGITS).zfill(FINGERPRINT_DIGITS)
    return " ".join(digits[start : start + 5] for start in range(0, FINGERPRINT_DIGITS, 5))


def signed_message(card: Card) -> bytes:
    """What a card's signature covers: the canonical JSON (sorted keys) of everything but the signature."""
    fields = msgspec.to_builtins(card)
    del fields["signature"]
    return pae(CARD_TYPE, msgspec.json.encode(fields, order="sorted"))


def read_card(data: bytes) -> Card:
    """The card in ``data``, once all five checks held.

    Raises Fault E-IDENTITY-030 (not a card, truncated or oversized) or Refused E-IDENTITY-031 (forged or altered).
    """
    if len(data) > MAX_CARD_BYTES:
        raise _not_a_card("it is larger than a card can be")
    try:
        card = msgspec.json.decode(data, type=Card)
        public = base64.b64decode(card.signing_key, validate=True)
        signature = base64.b64decode(card.signature, validate=True)
        authority = x509.load_pem_x509_certificate(card.ca_certificate.encode())
    except msgspec.DecodeError:
        raise _not_a_card("it is cut short or has other fields") from None
    except (binascii.Error, ValueError):
        raise _not_a_card("a key or certificate in it cannot be read") from None
    _check_shape(card, public)
    check = (
        card.node_id == node_id_of(public)
        and _is_authority(authority)
        and card.fingerprint == fingerprint_of(public, authority.public_bytes(Encoding.DER), card.certificate_sha256)
    )
    try:
        check_signature(public, signature, signed_message(card))
    except Refused:
        check = False
    if not check:
        raise Refused("E-IDENTITY-031", "The card was altered or forged; get a fresh one from its owner.")
    return card


def check_fingerprint(card: Card, spoken: str) -> None:
    """Pass when ``spoken`` (digits, with any spacing) is the card's fingerprint; else raise Refused E-IDENTITY-032."""
    digits = "".join(character for character in spoken if character in "0123456789")
    if not hmac.compare_digest(digits, card.fingerprint.replace(" ", "")):
        raise Refused(
            "E-IDENTITY-032",
            "The fingerprint does not belong to {name}; do not use this card: call them on a number you already know.",
            name=card.name,
        )


def _check_shape(card: Card, public: bytes) -> None:
    if card.format != CARD_FORMAT:
        raise _not_a_card("it is of another version")
    if len(public) != 32 or not _HEX64.fullmatch(card.certificate_sha256):
        raise _not_a_card("a key or certificate in it cannot be read")
    if not (0 < len(card.name) <= MAX_NAME_LENGTH and card.name.isprintable()):
        raise _not_a_card("its name is empty, too long or has control characters")
    if not (len(card.economy) == 2 and card.economy.isascii() and card.economy.isalpha()):
        raise _not_a_card("its economy is not two letters")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(certificate)
    except Exception:  # whatever a hostile certificate makes the parser raise means "no"
        return False
    key = certificate.public_key()
    return constraints.ca and isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


def _not_a_card(reason: str) -> Fault:
    return Fault("E-IDENTITY-030", "This is not a usable card: {reason}.", reason=reason)
