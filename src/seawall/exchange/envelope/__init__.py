"""Sealed messages: what one node says to another so that whoever carries it can read nothing.

Comes in: a body, keys, moments. Goes out: bytes in a size class, or a message whose proof, recipient and moment held.
Never here: sockets, the store, files, the order of messages (``sequence`` and ``digest`` are the caller's to compare).

A message is signed by its sender (DSSE, Ed25519) or, in a circle whose proof stays between its members, authenticated
by a key that both share; then sealed for the recipient's prekey (HPKE with MLKEM768_X25519, HKDF-SHA256 and
ChaCha20-Poly1305), bound to its header, and padded (Padme). ``docs/decisions/0015-sealed-messages.md`` says why.

>>> from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
>>> from seawall.identity import OfflineKey
>>> from seawall.identity.prekeys import OwnPrekeys, Prekey, SenderKeys
>>> from seawall.model.message import MessageKind
>>> signer, now = OfflineKey(Ed25519PrivateKey.generate()), 1_795_000_000_000_000
>>> ours = OwnPrekeys((Prekey.generate("node-b", now),))
>>> sealed = seal(signer, ours.newest.public, sender="node-a", to="node-b", sequence=1, kind=MessageKind.ASK, at=now,
...               expires=now + 86_400_000_000, body=b"is it known to you?")
>>> open_envelope(sealed, ours, SenderKeys("node-a", (signer.signing_public,)), to="node-b", at=now).body
b'is it known to you?'
"""

from seawall.exchange.envelope.bounds import MAX_BODY_BYTES, MAX_ENVELOPE_BYTES, MAX_LIFE, MIN_ENVELOPE_BYTES
from seawall.exchange.envelope.faults import BadEnvelope
from seawall.exchange.envelope.opening import Opened, open_envelope
from seawall.exchange.envelope.sealing import seal
from seawall.identity.prekeys import OwnPrekeys, SenderKeys
from seawall.identity.prekeys import PublicPrekey as RecipientKeys

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_ENVELOPE_BYTES",
    "MAX_LIFE",
    "MIN_ENVELOPE_BYTES",
    "BadEnvelope",
    "Opened",
    "OwnPrekeys",
    "RecipientKeys",
    "SenderKeys",
    "open_envelope",
    "seal",
]
