"""Signed heads as C2SP tlog-checkpoint text in a signed note (c2sp.org/tlog-checkpoint, c2sp.org/signed-note).

seawall/<node id>\\n
<size>\\n
<base64 root>\\n
\\n
— seawall/<node id> <base64(key id || Ed25519 signature over the three lines)>\\n
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Protocol

import msgspec

from seawall.identity.dsse import check_signature
from seawall.model import Refused

UNSIGNED_ORIGIN = "seawall/unsigned"
ED25519_BYTES = 64
_ED25519 = b"\x01"  # signature type of signed-note


class LedgerKey(Protocol):
    """Who signs heads: ``identity.NodeKeys`` fits."""

    @property
    def node_id(self) -> str:
        """The node's id, part of the origin line."""

    @property
    def signing_public(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""

    @property
    def former_keys(self) -> tuple[bytes, ...]:
        """Public keys that were replaced; heads that they signed stay good."""

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature over ``message``."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A head: this many leaves under this root, perhaps signed."""

    origin: str
    size: int
    root: bytes
    signature: bytes | None = None

    @property
    def signed_text(self) -> bytes:
        """The bytes a signature covers."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()


def origin_of(key: LedgerKey | None) -> str:
    """The origin line, which is also the key's name."""
    return UNSIGNED_ORIGIN if key is None else f"seawall/{key.node_id}"


def head(key: LedgerKey | None, size: int, root: bytes) -> Checkpoint:
    """The head over ``size`` leaves, signed when there is a key."""
    unsigned = Checkpoint(origin_of(key), size, root)
    return unsigned if key is None else msgspec.structs.replace(unsigned, signature=key.sign(unsigned.signed_text))


def signer_of(key: LedgerKey, checkpoint: Checkpoint) -> bytes | None:
    """Which key of the node signed it, the present one first; None when none did."""
    for public in (key.signing_public, *reversed(key.former_keys)):
        try:
            check_signature(public, checkpoint.signature or b"", checkpoint.signed_text)
        except Refused:
            continue
        return public
    return None


def note_over(key: LedgerKey, checkpoint: Checkpoint) -> str:
    """The head's text under the present key, also when a former one signed it at its time."""
    return encode(head(key, checkpoint.size, checkpoint.root), key.signing_public).decode()


def encode(checkpoint: Checkpoint, public: bytes | None) -> bytes:
    """The checkpoint file's bytes; ``public`` is needed when the checkpoint is signed."""
    if checkpoint.signature is None or public is None:
        return checkpoint.signed_text + b"\n"
    signature = base64.b64encode(_key_id(checkpoint.origin, public) + checkpoint.signature).decode()
    return checkpoint.signed_text + f"\n\u2014 {checkpoint.origin} {signature}\n".encode()


def decode(data: bytes) -> Checkpoint:
    """Read a checkpoint file. Raises ValueError when it is none."""
    try:
        text, _, signatures = data.decode().rstrip("\n").partition("\n\n")
        origin, size, root = text.split("\n")
        signature = None
        for line in signatures.splitlines():
            dash, name, value = line.split(" ")
            made = base64.b64decode(value, validate=True)[4:]
            if dash == "\u2014" and name == origin and len(made) == ED25519_BYTES:  # others are cosignatures
                signature = made
        return Checkpoint(origin, int(size), base64.b64decode(root, validate=True), signature)
    except (UnicodeDecodeError, binascii.Error) as error:
        raise ValueError(str(error)) from None


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]
