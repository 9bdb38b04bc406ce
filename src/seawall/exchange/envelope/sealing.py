"""Seal a message for one peer.

Steps: (1) the bounds, (2) the statement, (3) its proof, (4) the size class, (5) the header, (6) HPKE over all of it,
bound to the header.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from seawall.exchange.envelope.bounds import (
    HEADER_BYTES,
    MAX_BODY_BYTES,
    MAX_LIFE,
    MIN_ENVELOPE_BYTES,
    OVERHEAD_BYTES,
    VERSION,
)
from seawall.exchange.envelope.header import Outside, key_name, mailbox_bytes
from seawall.exchange.envelope.statement import STATEMENT_TYPE, Statement, encode_statement, pack
from seawall.exchange.sizes import padme
from seawall.identity import dsse
from seawall.identity.between_us import prove
from seawall.identity.prekeys import OwnPrekeys, Prekey, PublicPrekey
from seawall.model import Fault, Unavailable, rfc3339
from seawall.model.circle import Proof
from seawall.model.message import MessageKind

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_CONTEXT = b"seawall sealed message\n"


def seal(
    keys: dsse.Signer,
    recipient: PublicPrekey,
    *,
    sender: str,
    to: str,
    sequence: int,
    kind: MessageKind,
    at: int,
    expires: int,
    body: bytes,
    mailbox: str = "",
    proof: Proof = Proof.TRANSFERABLE,
    own: OwnPrekeys | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> bytes:
    """The sealed message, in its size class. ``sender`` and ``to``: node ids; ``at`` and ``expires``: microseconds UTC.

    ``mailbox``: 32 lower hex digits, or ``""`` for the direct line. ``own`` is needed for ``Proof.BETWEEN_US``. A
    message expires no later than the key that opens it is wiped. Raises Fault E-EXCHANGE-740 for a body above 8 MiB,
    E-EXCHANGE-754 for a mailbox that is none, E-EXCHANGE-756 for moments or a recipient that cannot be, Unavailable
    E-EXCHANGE-755 for a recipient's key that ended too long ago, Refused E-IDENTITY-104.
    """
    if len(body) > MAX_BODY_BYTES:
        raise Fault(
            "E-EXCHANGE-740", "A message holds at most {most} bytes; it has to be cut into parts.", most=MAX_BODY_BYTES
        )
    if recipient.used_until < at:
        raise Unavailable(
            "E-EXCHANGE-755",
            "The newest key that is held of the other side ended on {day}; run 'seawall sync' with it once.",
            day=rfc3339(recipient.ends)[:10],
        )
    lives_until = min(expires, recipient.opens_until, at + MAX_LIFE)
    box = mailbox_bytes(mailbox)
    if recipient.node_id != to or sequence < 1 or lives_until <= at or (proof is Proof.BETWEEN_US and own is None):
        raise Fault("E-EXCHANGE-756", "This message cannot be sealed: its recipient, number or end cannot be.")
    between = own.newest if proof is Proof.BETWEEN_US and own is not None else None
    statement = Statement(
        sender=sender,
        to=to,
        to_key=recipient.key_id.hex(),
        from_key=between.public.key_id.hex() if between is not None else "",
        proof=proof,
        id=random(16).hex(),
        sequence=sequence,
        kind=kind,
        created=at,
        expires=lives_until,
        body_bytes=len(body),
        body_sha256=hashlib.sha256(body).hexdigest(),
    )
    envelope = _proven(encode_statement(statement), keys, recipient, between)
    size = padme(OVERHEAD_BYTES + len(envelope) + len(body), least=MIN_ENVELOPE_BYTES)
    header = Outside(VERSION, key_name(recipient.key_id, box), box, size - HEADER_BYTES).encode()
    inside = pack(envelope, body, size - OVERHEAD_BYTES + 4)
    return header + SUITE.encrypt(inside, recipient.sealing_key(), context(header))


def _proven(payload: bytes, keys: dsse.Signer, recipient: PublicPrekey, between: Prekey | None) -> bytes:
    """Signed; or by the key that ``between`` and the recipient's prekey share, which goes along so that it is known."""
    if between is None:
        return dsse.sign(payload, STATEMENT_TYPE, keys)
    return prove(payload, STATEMENT_TYPE, between, recipient, keys)


def context(header: bytes) -> bytes:
    """The ``info`` of HPKE (RFC 9180 section 5.1): version, recipient's key, mailbox and size stand or fall with it."""
    return _CONTEXT + header
