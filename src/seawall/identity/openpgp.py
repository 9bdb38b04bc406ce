"""OpenPGP for mail: sign and encrypt to one key, decrypt and verify against one. By GnuPG, see decision 0010.

Every use has a fresh key ring that holds our own key and, where a peer is concerned, the one key that two people
checked: nothing else can have signed, and nothing is looked up anywhere.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.identity.gnupg import Said, gpg_home
from seawall.identity.openpgp_keys import KeyFacts, OwnPgpKey, read_key
from seawall.model import Fault, Refused

__all__ = [
    "KeyFacts",
    "OpenedMail",
    "OwnPgpKey",
    "Trust",
    "read_key",
    "require_encrypting",
    "seal",
    "unseal",
    "verify_detached",
]


class Trust(StrEnum):
    """What the signature of a decrypted mail is worth. Only ``GOOD`` is."""

    GOOD = "good"
    UNSIGNED = "unsigned"
    OTHER_KEY = "other-key"  # by a key that is not the pinned one
    BAD = "bad"  # does not fit the text
    EXPIRED_KEY = "expired-key"
    REVOKED_KEY = "revoked-key"
    EXPIRED = "expired-signature"


class OpenedMail(msgspec.Struct, frozen=True):
    """What stood inside an encrypted message, and who vouches for it."""

    content: bytes
    trust: Trust
    signed_at: int | None = None  # microseconds UTC


def seal(content: bytes, own: OwnPgpKey, key: bytes, *, limit: int) -> bytes:
    """``content`` signed by us and encrypted to the owner of ``key``, armoured (RFC 3156 section 6.2).

    Raises Refused E-IDENTITY-068 when the recipient's key cannot encrypt, E-IDENTITY-069 when ours cannot sign.
    """
    theirs, ours = require_encrypting(read_key(key)), own.facts()
    if not ours.signs:
        raise Refused(
            "E-IDENTITY-069", "Our own OpenPGP key is {state}; run 'seawall mail key --renew'.", state=ours.state
        )
    with gpg_home(own.folder, own.password) as home:
        own.enter(home)
        home.take_in(key)
        said = home.run(
            "--armor", "--sign", "--encrypt", "--local-user", ours.fingerprint, "--recipient", theirs.fingerprint,
            data=content, limit=limit, secret=True,
        )  # fmt: skip
    if said.ended or said.cut or not said.has("END_ENCRYPTION") or not said.has("SIG_CREATED"):
        raise Fault("E-IDENTITY-070", "GnuPG could not sign and encrypt the mail; nothing was sent.")
    return said.output


def require_encrypting(facts: KeyFacts) -> KeyFacts:
    """The same facts of a key that mail can be encrypted to now; raises Refused E-IDENTITY-068 otherwise."""
    if not facts.encrypts:
        raise Refused(
            "E-IDENTITY-068",
            "Nothing can be encrypted to the key {fingerprint}: its encryption key is {state}; ask for a new one.",
            fingerprint=facts.fingerprint,
            state=facts.lost_encryption or facts.state,
        )
    return facts


def unseal(data: bytes, own: OwnPgpKey, key: bytes | None, *, limit: int) -> OpenedMail:
    """Decrypt and verify; ``key`` is the one pinned for the sender (None: whoever signed is not believed).

    Raises Refused E-IDENTITY-071 when it is not encrypted to us, E-IDENTITY-072 when it was changed on its way or is
    no OpenPGP message, E-IDENTITY-073 when more than ``limit`` bytes come out.
    """
    with gpg_home(own.folder, own.password) as home:
        own.enter(home)
        if key is not None:
            home.take_in(key)
        said = home.run("--decrypt", data=data, limit=limit, secret=True)
        pinned = read_key(key).fingerprint if key is not None else ""
    if said.cut:
        raise Refused("E-IDENTITY-073", "More than {limit} bytes come out of the encrypted mail.", limit=limit)
    if said.has("ENC_TO") and not said.has("DECRYPTION_INFO"):  # no session key was found
        raise Refused("E-IDENTITY-071", "The mail is not encrypted to this node's OpenPGP key.")
    if not said.has("DECRYPTION_OKAY") or len(said.words("PLAINTEXT")) > 1:
        raise Refused("E-IDENTITY-072", "The mail was changed on its way, or is no encrypted OpenPGP message.")
    return OpenedMail(said.output, _trust(said, pinned), _signed_at(said))


def verify_detached(content: bytes, signature: bytes, key: bytes) -> OpenedMail:
    """Judge a detached signature (RFC 3156 section 5) by the pinned key."""
    with gpg_home() as home:
        home.take_in(key)
        said = home.run("--verify", home.beside(signature), "-", data=content, limit=1 << 16)
    return OpenedMail(content, _trust(said, read_key(key).fingerprint), _signed_at(said))


def _trust(said: Said, pinned: str) -> Trust:
    if not said.has("NEWSIG", "ERRSIG", "GOODSIG", "BADSIG"):
        return Trust.UNSIGNED
    for keyword, verdict in (
        ("BADSIG", Trust.BAD),
        ("REVKEYSIG", Trust.REVOKED_KEY),
        ("EXPKEYSIG", Trust.EXPIRED_KEY),
        ("EXPSIG", Trust.EXPIRED),
        ("ERRSIG", Trust.OTHER_KEY),
    ):
        if said.has(keyword):
            return verdict
    # VALIDSIG ends with the fingerprint of the primary key (doc/DETAILS)
    signers = {line[-1] for line in said.words("VALIDSIG")}
    return Trust.GOOD if said.has("GOODSIG") and signers == {pinned} else Trust.OTHER_KEY


def _signed_at(said: Said) -> int | None:
    moments = [line[3] for line in said.words("VALIDSIG") if len(line) > 3 and line[3].isdigit()]
    return int(moments[0]) * 1_000_000 if moments else None
