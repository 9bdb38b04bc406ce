"""Between us: a proof that convinces its recipient and nobody else, because the recipient could have made it.

Both sides derive the same key from one's prekey and the other's (static-static X25519, as the Auth mode of RFC 9180
section 5.1.3 does, but outside the KEM, which has no such mode for ML-KEM), and the sender puts an HMAC where a
signature would stand:

    secret = X25519(own ``shared`` key, the other's ``shared`` key)
    key    = HKDF-SHA256(secret, info = "seawall between us 1" || sender || recipient || key ids of both)
    proof  = HMAC-SHA256(key, PAE(type, payload))

The direction is part of the key, so what one side says cannot be turned round. Whoever holds the recipient's secret
can make the same bytes for any payload: shown to a third party, they prove nothing. The price: a thief of our secret
can speak to *us* in every peer's name until it is wiped.

The DSSE envelope then has one field more: ``prekey`` is the sender's own prekey as it signed it, so that the recipient
can check the proof whatever it heard before.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from seawall.identity import dsse
from seawall.identity.prekeys import OwnPrekeys, Prekey, PublicPrekey, sign_prekey
from seawall.model import Refused
from seawall.model.unreadable import UNREADABLE

_CONTEXT = b"seawall between us 1\n"
_NAME = hashlib.sha256(b"seawall between us").digest()  # stands where a public key would: there is none
_HINT = dsse.key_id(_NAME)


class _Beside(msgspec.Struct, frozen=True):
    prekey: str = ""


class SharedKey:
    """The key of one direction between two nodes. Fits wherever a ``dsse.Signer`` is asked for."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def signing_public(self) -> bytes:
        """What stands for such keys in an envelope: the same for all of them, so it tells nothing of one."""
        return _NAME

    def sign(self, message: bytes) -> bytes:
        """The 32 bytes of the HMAC over ``message``; both sides can make it."""
        return hmac.digest(self._key, message, "sha256")

    def holds(self, proof: bytes, message: bytes) -> bool:
        """Whether ``proof`` is ours over ``message``; in constant time."""
        return hmac.compare_digest(proof, self.sign(message))


def key_to(own: Prekey, other: PublicPrekey) -> SharedKey:
    """The key under which we speak to the holder of ``other``. Raises Refused E-IDENTITY-104 for a key that is none."""
    return _derive(own, other, sender=own.public, recipient=other)


def key_from(own: Prekey, other: PublicPrekey) -> SharedKey:
    """The key under which the holder of ``other`` speaks to us. Raises Refused E-IDENTITY-104 for a key that is none.

    It is also all that is needed to forge such a message: that is the point.
    """
    return _derive(own, other, sender=other, recipient=own.public)


def is_between_us(envelope: bytes) -> bool:
    """Whether an envelope says that its proof is such a one. Raises Refused E-IDENTITY-010 for what is no envelope."""
    return _HINT in dsse.key_ids(envelope)


def prove(payload: bytes, payload_type: str, own: Prekey, other: PublicPrekey | None, signer: dsse.Signer) -> bytes:
    """The envelope over ``payload`` for the holder of ``other``, with our prekey as ``signer`` signs it.

    Without ``other`` nobody can check it, and it has to be made again once there is one.
    """
    key = key_to(own, other) if other is not None else SharedKey(secrets.token_bytes(32))
    envelope = msgspec.json.decode(dsse.sign(payload, payload_type, key), type=dict[str, object])
    return msgspec.json.encode(envelope | {"prekey": sign_prekey(own.public, signer).decode()})


def prekey_beside(envelope: bytes) -> bytes:
    """The sender's prekey document beside a proof, not yet believed; empty when there is none."""
    try:
        return msgspec.json.decode(envelope, type=_Beside).prekey.encode()
    except UNREADABLE:
        return b""


def check_proof(envelope: bytes, payload_type: str, own: OwnPrekeys, other: PublicPrekey) -> bytes:
    """The payload, once it is proven that the holder of ``other`` (or we) made it for one of ``own``.

    Raises Refused as ``dsse.verify`` does.
    """
    keys = [key_from(key, other) for key in own.keys]
    return dsse.verify_by(envelope, payload_type, lambda proof, message: any(key.holds(proof, message) for key in keys))


def _derive(own: Prekey, other: PublicPrekey, *, sender: PublicPrekey, recipient: PublicPrekey) -> SharedKey:
    private = X25519PrivateKey.from_private_bytes(own.shared_secret)
    try:
        secret = private.exchange(X25519PublicKey.from_public_bytes(other.shared))  # all zero raises: RFC 7748 6.1
    except ValueError:
        raise Refused("E-IDENTITY-104", "The other side's prekey holds a point that no honest node makes.") from None
    context = b"".join(
        (_CONTEXT, sender.node_id.encode(), b"\n", recipient.node_id.encode(), b"\n", sender.key_id, recipient.key_id)
    )
    return SharedKey(HKDF(SHA256(), 32, salt=None, info=context).derive(secret))
