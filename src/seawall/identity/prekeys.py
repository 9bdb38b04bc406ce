"""Prekeys: the short-lived keys that messages to a node are sealed for, signed by the node's signing key.

A prekey has three parts, each used for one thing only: an ML-KEM-768 and an X25519 key, which together are the hybrid
MLKEM768_X25519 of HPKE (draft-connolly-cfrg-xwing-kem-10; draft-ietf-hpke-pq), and one more X25519 key, which makes
the shared keys of ``between_us``. A node makes one each week; a thief of today's keys cannot open what was sealed for
those that were wiped.

    created ---- 7 days ---- ends ---- 23 days ---- last sealing ---- 7 days ---- wiped
            its own for new messages    for senders who heard of no newer one

The public half travels as a signed document (DSSE over canonical JSON). Reading one, in order: (1) its size, (2) the
signature by a signing key of that node, (3) its form and suite, (4) node, (5) its moments.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from functools import cached_property

import msgspec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

from seawall.identity import dsse
from seawall.model import Fault, Refused, rfc3339, to_microseconds
from seawall.model.canonical_json import canonical_json
from seawall.model.moments import parse_moment
from seawall.model.unreadable import UNREADABLE

PREKEY_FORMAT = "seawall-prekey-1"
PREKEY_TYPE = "application/vnd.seawall.prekey.v1+json"
SUITE = "MLKEM768_X25519, HKDF-SHA256, ChaCha20-Poly1305"
DAY = 86_400_000_000  # microseconds
IN_FORCE = 7 * DAY
KEPT_AFTER_END = 30 * DAY  # then the private half is wiped
USED_AFTER_END = 23 * DAY  # by a sender who heard of no newer one: what it seals can be opened for a week
CLOCK_SKEW = DAY  # a peer's clock may be a day off
MAX_DOCUMENT_BYTES = 4_096  # one takes about 2,700
MLKEM_PUBLIC, MLKEM_SEED, X25519_BYTES = 1_184, 64, 32  # bytes; FIPS 203 table 3, RFC 7748


class PublicPrekey(msgspec.Struct, frozen=True, dict=True):
    """What others need to seal for a node and to share a key with it. Moments in microseconds UTC."""

    node_id: str
    created: int
    ends: int  # the moment its node goes over to the next one
    ml_kem: bytes  # 1,184
    x25519: bytes  # 32
    shared: bytes  # 32, for ``between_us``

    @cached_property
    def key_id(self) -> bytes:
        """32 bytes that name this prekey: SHA-256 over its whole content."""
        return hashlib.sha256(b"seawall prekey 1\n" + _payload(self)).digest()

    @property
    def used_until(self) -> int:
        """Until when somebody may still seal for it."""
        return self.ends + USED_AFTER_END

    @property
    def opens_until(self) -> int:
        """When its private half is wiped."""
        return self.ends + KEPT_AFTER_END

    def sealing_key(self) -> MLKEM768X25519PublicKey:
        """The hybrid public key. Raises ValueError for bytes that are none."""
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self.ml_kem), X25519PublicKey.from_public_bytes(self.x25519)
        )


class Prekey(msgspec.Struct, frozen=True, dict=True):
    """A prekey with its secrets: never in a log, a fault or a backup."""

    node_id: str
    created: int
    ends: int
    ml_kem_seed: bytes  # 64, d || z of FIPS 203
    x25519_secret: bytes  # 32
    shared_secret: bytes  # 32

    def __repr__(self) -> str:
        return f"Prekey({self.public.key_id.hex()[:16]})"

    @classmethod
    def generate(cls, node_id: str, at: int) -> Prekey:
        """A new one, in force from ``at`` (microseconds UTC) for a week; randomness is OpenSSL's."""
        return cls(
            node_id,
            at,
            at + IN_FORCE,
            MLKEM768PrivateKey.generate().private_bytes_raw(),
            X25519PrivateKey.generate().private_bytes_raw(),
            X25519PrivateKey.generate().private_bytes_raw(),
        )

    @cached_property
    def public(self) -> PublicPrekey:
        """The half that others may know."""
        return PublicPrekey(
            self.node_id,
            self.created,
            self.ends,
            MLKEM768PrivateKey.from_seed_bytes(self.ml_kem_seed).public_key().public_bytes_raw(),
            X25519PrivateKey.from_private_bytes(self.x25519_secret).public_key().public_bytes_raw(),
            X25519PrivateKey.from_private_bytes(self.shared_secret).public_key().public_bytes_raw(),
        )

    @cached_property
    def opening_key(self) -> MLKEM768X25519PrivateKey:
        """The hybrid private key."""
        return MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(self.ml_kem_seed),
            X25519PrivateKey.from_private_bytes(self.x25519_secret),
        )


class OwnPrekeys(msgspec.Struct, frozen=True):
    """A node's own prekeys that are not wiped yet, newest first; at least one."""

    keys: tuple[Prekey, ...]

    @property
    def newest(self) -> Prekey:
        """The one in force."""
        return self.keys[0]


class SenderKeys(msgspec.Struct, frozen=True):
    """What a peer's messages are judged by."""

    node_id: str
    signing: tuple[bytes, ...]  # Ed25519 public keys, 32 bytes each, that still speak for it
    prekeys: tuple[PublicPrekey, ...] = ()  # those we heard of and still believe, newest first


def sign_prekey(public: PublicPrekey, signer: dsse.Signer) -> bytes:
    """The signed document that travels."""
    return dsse.sign(_payload(public), PREKEY_TYPE, signer)


def read_prekey(document: bytes, *, node_id: str, keys: Iterable[bytes], at: int) -> PublicPrekey:
    """The prekey in a document of the node ``node_id``, whose signing keys are ``keys``. ``at``: microseconds UTC.

    Raises Refused E-IDENTITY-100 (no prekey, altered or signed by another), E-IDENTITY-101 (another node's),
    E-IDENTITY-102 (from the future), E-IDENTITY-103 (long ended).
    """
    if len(document) > MAX_DOCUMENT_BYTES:
        raise _none("it is larger than one can be")
    try:
        payload = dsse.verify(document, PREKEY_TYPE, keys)
    except Refused:
        raise _none("no known key of that node signed it") from None
    public = _read(payload)
    if public.node_id != node_id:
        raise Refused("E-IDENTITY-101", "The prekey belongs to another node; the one held stays in force.")
    if public.created > at + CLOCK_SKEW:
        raise Refused(
            "E-IDENTITY-102",
            "The prekey is dated {day}, which is in the future; compare the clocks.",
            day=rfc3339(public.created)[:10],
        )
    if public.used_until < at:
        raise Refused(
            "E-IDENTITY-103",
            "The prekey ended on {day}; its node makes a new one with 'seawall run prekeys'.",
            day=rfc3339(public.ends)[:10],
        )
    return public


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    suite: str
    node_id: str
    created: str  # RFC 3339 UTC
    ends: str
    ml_kem: str  # base64
    x25519: str
    shared: str


def _payload(public: PublicPrekey) -> bytes:
    document = _Document(
        PREKEY_FORMAT,
        SUITE,
        public.node_id,
        rfc3339(public.created),
        rfc3339(public.ends),
        *(base64.b64encode(part).decode() for part in (public.ml_kem, public.x25519, public.shared)),
    )
    return canonical_json(msgspec.to_builtins(document))


def _read(payload: bytes) -> PublicPrekey:
    try:
        said = msgspec.json.decode(payload, type=_Document)
        parts = [base64.b64decode(part, validate=True) for part in (said.ml_kem, said.x25519, said.shared)]
        created, ends = (to_microseconds(parse_moment(moment)) for moment in (said.created, said.ends))
        public = PublicPrekey(said.node_id, created, ends, *parts)
        fits = [len(part) for part in parts] == [MLKEM_PUBLIC, X25519_BYTES, X25519_BYTES]
        if fits and _payload(public) == payload and said.format == PREKEY_FORMAT and said.suite == SUITE:
            public.sealing_key()  # FIPS 203 section 7.2: the encapsulation key is checked before it is used
            if 0 < ends - created <= IN_FORCE:
                return public
    except (binascii.Error, ValueError, OverflowError, Fault, *UNREADABLE):
        pass
    raise _none("a field of it is missing, cannot be, or is of another suite")


def _none(reason: str) -> Refused:
    return Refused(
        "E-IDENTITY-100", "This is not a usable prekey: {reason}; the one held stays in force.", reason=reason
    )
