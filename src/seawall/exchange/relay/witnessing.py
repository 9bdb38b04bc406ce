"""Being witnessed: under which name and key a witness knows a ledger, what is sent, and how the answer is read.

A ledger shows each witness a random name and a key of its own, so that two witnesses who compare notes cannot tell that
they sign the same ledger, and none can tell whose it is. Only the node knows which ``Pseudonym`` it shows to whom.
"""

from __future__ import annotations

import secrets

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from seawall.ledger import COSIGNATURE, VerifierKey, own_key, read_note
from seawall.ledger.signed_note import check_note
from seawall.ledger.witness import read_request
from seawall.model import Fault, Refused

NAME_BYTES = 16
SEED_BYTES = 32


class Pseudonym(msgspec.Struct, frozen=True):
    """What one ledger is called by one witness; it is a ``ledger.LedgerKey``. Both fields are kept secret together."""

    node_id: str  # random, 32 hex digits; the origin line is ``seawall/<node_id>``
    seed: bytes  # of the Ed25519 key

    @classmethod
    def new(cls) -> Pseudonym:
        """A fresh name and key; keep them before they are first shown."""
        return cls(secrets.token_hex(NAME_BYTES), secrets.token_bytes(SEED_BYTES))

    @property
    def signing_public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._private().public_key().public_bytes_raw()

    @property
    def former_keys(self) -> tuple[bytes, ...]:
        """None: a new key is a new name."""
        return ()

    @property
    def verifier_key(self) -> str:
        """What the witness's operator registers: ``seawall relay witness add FOLDER KEY``."""
        return str(own_key(self))

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``."""
        return self._private().sign(message)

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def request_bytes(checkpoint: str) -> bytes:
    """The body of add-checkpoint. Raises Fault E-LEDGER-022 or 024 for what is none."""
    data = checkpoint.encode()
    return read_request(data).encode()


def read_cosigned(request: bytes, line: bytes, witness: VerifierKey | None) -> str:
    """The note of ``request`` with the witness's line under it; with its key, only once it is checked.

    Raises Fault E-LEDGER-022 when ``line`` is none, Refused E-LEDGER-023 when the signature is not the witness's.
    """
    note = read_request(request).note
    try:
        cosigned = note + line.decode()
    except UnicodeDecodeError:
        cosigned = note + "?"
    found = read_note(cosigned.encode())
    before = read_note(note.encode())
    if found.text != before.text or len(found.signatures) <= len(before.signatures):
        raise Fault("E-LEDGER-022", "This is no signed checkpoint (c2sp.org/tlog-checkpoint); ask for it again.")
    if witness is not None:
        if witness.kind != COSIGNATURE:
            raise Refused(
                "E-LEDGER-023",
                "{name} did not sign this checkpoint; it was altered, or comes from somebody else.",
                name=witness.name,
            )
        check_note(found, witness)
    return cosigned
