"""The card: one small signed JSON that a node hands to another, and the fingerprint two people read to each other.

Reading a card, in order: (1) size and shape, (2) signature by the signing key inside, (3) node id belongs to the node's
first key, (4) authority certificate is a P-256 authority, (5) key sets follow each other from that first key by the
rule of ``keyset``, and the last one says what the card says, (6) fingerprint recomputed. A card proves nothing about
*who* holds the key: the caller owes the last step, two people comparing the fingerprint over another channel.

Format 1 is the card of a node that never changed its keys; format 2 carries every key set since, so that whoever holds
an older card of the same node can follow. A node that lost all its keys starts anew: its first set in the card is
vouched for by nothing but the fingerprint (``Card.anew``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import uuid
from functools import lru_cache

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from seawall.identity.dsse import check_signature, pae
from seawall.identity.keyset import (
    MAX_SETS,
    KeyPeriod,
    KeySet,
    Reason,
    check_own,
    digest_of,
    first_set,
    moment,
    periods,
    read_key_set,
    succeed,
)
from seawall.model import Fault, Refused, to_microseconds
from seawall.model.moments import parse_moment
from seawall.model.unreadable import UNREADABLE

CARD_FORMAT = "seawall-card-1"
ROTATED_FORMAT = "seawall-card-2"
CARD_TYPE = "application/vnd.seawall.card.v1+json"
MAX_CARD_BYTES = 240 * 1024  # about 1.5 KiB, and 2.5 KiB for each rotation; fits into one notice
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
    first_key: str = ""  # format 2: the signing key that the node id belongs to, base64
    key_sets: tuple[str, ...] = ()  # format 2: envelopes of version 2 (or of a new start) to the one in force

    @property
    def signing_public(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""
        return base64.b64decode(self.signing_key)

    @property
    def identity_id(self) -> str:
        """The STIX identity under which this node signs its objects."""
        return f"identity--{self.node_id}"

    @property
    def anew(self) -> bool:
        """Whether the node lost its keys and nothing but the fingerprint vouches for these."""
        return bool(self.key_sets) and read_key_set(self.key_sets[0].encode()).reason is Reason.ANEW

    def sets(self) -> tuple[KeySet, ...]:
        """The key sets from version 1 (or a new start) to the one in force, which is last."""
        later = tuple(read_key_set(envelope.encode()) for envelope in self.key_sets)
        return later if self.anew else (_first_of(self), *later)

    def periods(self) -> tuple[KeyPeriod, ...]:
        """The signing keys the card knows of, each with its time."""
        return periods(self.sets())


def node_id_of(signing_public: bytes) -> str:
    """The node id that belongs to an Ed25519 public key: a UUIDv5 in a namespace of our own."""
    return str(uuid.uuid5(NODE_NAMESPACE, signing_public.hex()))


def fingerprint_of(signing_public: bytes, ca_der: bytes, pin: str) -> str:
    """Twelve groups of five digits over signing key, authority certificate and pin, for reading aloud."""
    digest = hashlib.sha512(b"seawall fingerprint 1\n")
    for part in (signing_public, ca_der, bytes.fromhex(pin)):
        digest.update(len(part).to_bytes(4, "big") + part)
    return _spoken(digest.digest())


def _spoken(digest: bytes) -> str:
    digits = str(int.from_bytes(digest, "big") % 10**FINGERPRINT_DIGITS).zfill(FINGERPRINT_DIGITS)
    return " ".join(digits[start : start + 5] for start in range(0, FINGERPRINT_DIGITS, 5))


def set_fingerprint_of(keys: KeySet) -> str:
    """The same for a node that changed its keys: over the whole key set in force, node id and version included."""
    return _spoken(hashlib.sha512(b"seawall fingerprint 2\n" + digest_of(keys)).digest())


def signed_message(card: Card) -> bytes:
    """What a card's signature covers: the canonical JSON (sorted keys) of everything but the signature."""
    fields = msgspec.to_builtins(card)
    del fields["signature"]
    if card.format == CARD_FORMAT:
        del fields["first_key"], fields["key_sets"]
    return pae(CARD_TYPE, msgspec.json.encode(fields, order="sorted"))


@lru_cache(maxsize=256)  # peers' cards are asked for at every turn
def read_card(data: bytes) -> Card:
    """The card in ``data``, once all six checks held. Whether its key set has expired is the caller's to ask.

    Raises Fault E-IDENTITY-030 (not a card, truncated or oversized), Refused E-IDENTITY-031 (forged or altered), and
    E-IDENTITY-080 to 087 for key sets that do not follow each other.
    """
    if len(data) > MAX_CARD_BYTES:
        raise _not_a_card("it is larger than a card can be")
    try:
        card = msgspec.json.decode(data, type=Card)
        public = base64.b64decode(card.signing_key, validate=True)
        signature = base64.b64decode(card.signature, validate=True)
        base64.b64decode(card.first_key, validate=True)
        parse_moment(card.created)
        authority = x509.load_pem_x509_certificate(card.ca_certificate.encode())
    except UNREADABLE:
        raise _not_a_card("it is cut short or has other fields") from None
    except (binascii.Error, ValueError, Fault):
        raise _not_a_card("a key or certificate in it cannot be read") from None
    _check_shape(card, public)
    try:
        check_signature(public, signature, signed_message(card))
    except Refused:
        raise _forged() from None
    first = public if card.format == CARD_FORMAT else base64.b64decode(card.first_key)
    if not (card.node_id == node_id_of(first) and _is_authority(authority)):
        raise _forged()
    if card.format == CARD_FORMAT:
        expected = fingerprint_of(public, authority.public_bytes(Encoding.DER), card.certificate_sha256)
    else:
        expected = set_fingerprint_of(_followed(card))
    if card.fingerprint != expected:
        raise _forged()
    return card


def _followed(card: Card) -> KeySet:
    """Check (5): the set in force, when every set follows the one before and the last one is the card's."""
    envelopes = [envelope.encode() for envelope in card.key_sets]
    if card.anew:
        sets = [read_key_set(envelopes[0])]
        check_own(sets[0], envelopes[0])
        envelopes = envelopes[1:]
    else:
        sets = [_first_of(card)]
    for envelope in envelopes:
        sets.append(succeed(sets[-1], envelope, former=periods(sets)))
    last = sets[-1]
    said = (last.node_id, last.signing_key, last.ca_certificate, last.certificate_sha256)
    if said != (card.node_id, card.signing_key, card.ca_certificate, card.certificate_sha256):
        raise _forged()
    return last


def _first_of(card: Card) -> KeySet:
    """Version 1. Of a node that changed its keys only the signing key is left, which is all that the next set needs."""
    unrotated = card.format == CARD_FORMAT
    authority = x509.load_pem_x509_certificate(card.ca_certificate.encode())
    return first_set(
        card.node_id,
        card.created,
        card.signing_key if unrotated else card.first_key,
        ca_certificate=card.ca_certificate if unrotated else "",
        pin=card.certificate_sha256 if unrotated else "",
        expires=moment(to_microseconds(authority.not_valid_after_utc)),
    )


def _forged() -> Refused:
    return Refused("E-IDENTITY-031", "The card was altered or forged; get a fresh one from its owner.")


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
    if card.format not in (CARD_FORMAT, ROTATED_FORMAT):
        raise _not_a_card("it is of another version")
    rotated = card.format == ROTATED_FORMAT
    if not (len(card.key_sets) <= MAX_SETS and bool(card.key_sets) is rotated and bool(card.first_key) is rotated):
        raise _not_a_card("it has too many key sets, or lacks them")
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
