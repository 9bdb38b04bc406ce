"""Small sealed things: files, columns, leaves. A box is a key for one purpose; what it sealed opens whole or never.

    MAGIC (9) | nonce (24) | ChaCha20-Poly1305 of the plain bytes, 16 longer

Each sealing has a key of its own: BLAKE2b keyed with the box's key over the nonce (as XChaCha20 derives one with
HChaCha20, draft-irtf-cfrg-xchacha-03 section 2.2), so random nonces never collide, however many are made. ``about`` is
bound to it: what stands in one place cannot be moved to another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from seawall.model import Fault

MAGIC = b"\x93SEALED1\n"  # no text and no PEM begins with 0x93
NONCE, TAG, KEY = 24, 16, 32  # bytes
OVERHEAD = len(MAGIC) + NONCE + TAG
_ONCE = bytes(12)  # the key is used once, so its nonce may be constant


class Box:
    """Seals and opens under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, plain: bytes, about: bytes = b"") -> bytes:
        """``plain`` sealed; OVERHEAD bytes longer."""
        nonce = secrets.token_bytes(NONCE)
        return MAGIC + nonce + self._cipher(nonce).encrypt(_ONCE, plain, about)

    def open(self, sealed: bytes, about: bytes = b"") -> bytes:
        """What was sealed. Raises Fault E-IDENTITY-123 when it was altered, moved, or sealed under another key."""
        begin, end = len(MAGIC), len(MAGIC) + NONCE
        nonce, body = sealed[begin:end], sealed[end:]
        try:
            return self._cipher(nonce).decrypt(_ONCE, body, about)
        except InvalidTag:  # also when there is too little for a tag
            raise Fault(
                "E-IDENTITY-123", "Something sealed with this node's vault was altered; restore it from a backup."
            ) from None

    def open_or_plain(self, data: bytes, about: bytes = b"") -> bytes:
        """What was sealed, or ``data`` itself when it was written before the vault."""
        return self.open(data, about) if is_sealed(data) else data

    def blind(self, text: str) -> str:
        """64 hex digits that stand for ``text``: equal for equal text, and nobody without the key can try texts."""
        return hmac.digest(self._key, b"mark\0" + text.encode("utf-8", "surrogatepass"), "sha256").hex()

    @property
    def mark_key(self) -> bytes:
        """32 bytes for keyed hashes of other forms."""
        return hmac.digest(self._key, b"mark key", "sha256")

    def _cipher(self, nonce: bytes) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(hashlib.blake2b(nonce, key=self._key, digest_size=KEY, person=b"seawall box").digest())


def is_sealed(data: bytes) -> bool:
    """Whether the bytes begin as sealed ones do."""
    return data.startswith(MAGIC)
