"""Between us: a proof that convinces its recipient and nobody else, because the recipient could have made it.

Both sides derive the same key from one's prekey and the other's (static-static X25519, as the A-mode of RFC 9180
section 5.1.3 does, but outside the KEM, which has no such mode for ML-KEM), and the sender puts an HMAC where a
signature would stand:

    secret = X25519(own ``shared`` key, the other's ``shared`` key)
    key    = HKDF-SHA256(secret, info = "seawall between us 1" || sender || recipient || key ids of both)
    proof  = HMAC-SHA256(key, PAE(type, payload))

The direction is part of the key, so what one side says cannot be turned round. Whoever holds the recipient's secret
can make the same bytes for any payload: shown to a third party, they prove nothing. The price: a thief of our secret
can speak to *us* in every peer's name until it is wiped.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from seawall.identity.prekeys import Prekey, PublicPrekey
from seawall.model import Refused

_CONTEXT = b"seawall between us 1\n"


class SharedKey:
    """The key of one direction between two nodes. Fits wherever a ``dsse.Signer`` is asked for."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def signing_public(self) -> bytes:
        """What names this key in an envelope: 32 bytes that tell nothing of it."""
        return hashlib.sha256(b"seawall shared key\n" + self._key).digest()

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
