"""Others' implementations read what we seal and sign: HPKE by pyhpke, DSSE by securesystemslib."""

from __future__ import annotations

import hashlib
import struct
from enum import Enum

import msgspec
import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from pyhpke import AEADId, CipherSuite, KDFId, KEMId
from pyhpke.aead import AEAD
from pyhpke.kdf import KDF
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from exchange.envelope.scenes import AT, BOX, SEOUL, TAIPEI, sealed
from seawall.exchange.envelope.bounds import HEADER_BYTES, KEM_BYTES
from seawall.exchange.envelope.sealing import SUITE, context
from seawall.exchange.envelope.statement import STATEMENT_TYPE, unpack
from seawall.identity.prekeys import Prekey

LABEL = b"\\.//^\\"  # draft-connolly-cfrg-xwing-kem section 5.3


class HybridId(Enum):
    """The KEM that pyhpke has not: X-Wing, by its number in the registry of HPKE."""

    MLKEM768_X25519 = 0x647A


class Hybrid:
    """X-Wing's decapsulation, from the draft: ML-KEM and X25519 joined by one SHA3-256."""

    id = HybridId.MLKEM768_X25519

    def decap(self, enc: bytes, skr: Prekey, pks: None = None) -> bytes:
        """The shared secret."""
        del pks
        lattice, share = enc[:1_088], enc[1_088:]
        curve = X25519PrivateKey.from_private_bytes(skr.x25519_secret)
        first = MLKEM768PrivateKey.from_seed_bytes(skr.ml_kem_seed).decapsulate(lattice)
        second = curve.exchange(X25519PublicKey.from_public_bytes(share))
        own = curve.public_key().public_bytes_raw()
        return hashlib.sha3_256(first + second + share + own + LABEL).digest()


def judge() -> CipherSuite:
    """pyhpke's key schedule and AEAD over that KEM."""
    suite_id = b"HPKE" + struct.pack(">HHH", HybridId.MLKEM768_X25519.value, 1, 3)
    return CipherSuite(Hybrid(), KDF(KDFId.HKDF_SHA256, suite_id), AEAD(AEADId.CHACHA20_POLY1305))  # type: ignore[arg-type]


@pytest.mark.parametrize("mailbox", ["", BOX])
def test_another_implementation_opens_what_we_seal(mailbox: str) -> None:
    """pyhpke, given the prekey file and RFC 9180, finds the same statement and body in a sealed message."""
    data = sealed(b"the same bytes", mailbox=mailbox)
    header, enc, ciphertext = data[:HEADER_BYTES], data[HEADER_BYTES:][:KEM_BYTES], data[HEADER_BYTES + KEM_BYTES :]
    reader = judge().create_recipient_context(enc, SEOUL.own.newest, info=context(header))  # type: ignore[arg-type]
    plain = reader.open(ciphertext)
    assert plain == SUITE.decrypt(data[HEADER_BYTES:], SEOUL.own.newest.opening_key, context(header))
    assert unpack(plain)[1].rstrip(b"\0") == b"the same bytes"


def test_the_library_agrees_with_another_on_a_published_suite() -> None:
    """On DHKEM(X25519), which both have, what pyhpke seals our library opens."""
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305)
    private = X25519PrivateKey.generate()
    public = suite.kem.deserialize_public_key(private.public_key().public_bytes_raw())
    enc, sender = suite.create_sender_context(public, info=b"info")
    ours = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
    assert ours.decrypt(enc + sender.seal(b"said"), private, b"info") == b"said"


def test_another_implementation_accepts_our_signature() -> None:
    """securesystemslib verifies the statement of a sealed message as a DSSE envelope by Ed25519."""
    data = sealed()
    plain = SUITE.decrypt(data[HEADER_BYTES:], SEOUL.own.newest.opening_key, context(data[:HEADER_BYTES]))
    envelope = Envelope.from_dict(msgspec.json.decode(unpack(plain)[0]))
    public = Ed25519PublicKey.from_public_bytes(TAIPEI.signer.signing_public)
    (keyid,) = envelope.signatures
    key = SSlibKey.from_crypto(public, keyid)
    assert set(envelope.verify([key], 1)) == {keyid}
    assert envelope.payload_type == STATEMENT_TYPE
    assert str(AT).encode() in envelope.payload
