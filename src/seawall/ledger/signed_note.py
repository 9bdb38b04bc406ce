"""Signed notes with several signatures (c2sp.org/signed-note), and what witnesses add (c2sp.org/tlog-cosignature).

— <key name> <base64(key id || signature)>\\n                   key id = SHA-256(name || "\\n" || type || key)[:4]
type 0x01  Ed25519 over the text                                  signature: 64 bytes
type 0x04  Ed25519 over "cosignature/v1\\ntime <s>\\n" || text     signature: 8 bytes of seconds, then 64

A verifier key, as people pass it on: <key name>+<key id, 8 hex digits>+<base64(type || key)>
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

import msgspec

from seawall.identity.dsse import check_signature
from seawall.model import Fault, Refused

ED25519 = b"\x01"
COSIGNATURE = b"\x04"
MAX_NOTE_BYTES = 16 * 1024
MAX_SIGNATURES = 32  # lines; a ledger has one signer, its peers and a few witnesses
_STAMP = struct.Struct(">Q")


class VerifierKey(msgspec.Struct, frozen=True):
    """Whose signature is believed, and of which type."""

    name: str
    kind: bytes
    public: bytes  # 32 bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before a signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.public).decode()}"


class SignedNote(msgspec.Struct, frozen=True):
    """The text up to and with its last newline, and the signature lines (name, key id, signature)."""

    text: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def by(self, key: VerifierKey) -> bytes | None:
        """The signature of that key, not yet checked."""
        return next((made for name, key_id, made in self.signatures if (name, key_id) == (key.name, key.key_id)), None)

    def only(self, *keys: VerifierKey) -> str:
        """The note with the signatures of these keys alone, in their order."""
        lines = (f"\u2014 {key.name} {base64.b64encode(key.key_id + (self.by(key) or b'')).decode()}\n" for key in keys)
        return f"{self.text.decode()}\n{''.join(lines)}"


def read_key(text: str) -> VerifierKey:
    """A verifier key as people pass it on. Raises Fault E-LEDGER-021."""
    try:
        name, key_id, encoded = text.strip().split("+", 2)  # base64 may hold more of them
        raw = base64.b64decode(encoded, validate=True)
        key = VerifierKey(name, raw[:1], raw[1:])
        if raw[:1] in (ED25519, COSIGNATURE) and len(raw) == 33 and key.key_id.hex() == key_id and _is_name(name):
            return key
    except (ValueError, binascii.Error):
        pass
    raise Fault(
        "E-LEDGER-021",
        "{given} is no verifier key; it looks like NAME+8 HEX DIGITS+BASE64, as 'seawall ledger key' prints it.",
        given=ascii(text[:60]),
    )


def read_note(data: bytes) -> SignedNote:
    """A note with its signature lines. Raises Fault E-LEDGER-022 when it is none."""
    try:
        if len(data) > MAX_NOTE_BYTES:
            raise ValueError("too long")  # noqa: TRY301 - one sentence for every way in which bytes can be wrong
        text, between, lines = data.decode().rpartition("\n\n")
        rows = lines.rstrip("\n").split("\n")
        if not between or len(rows) > MAX_SIGNATURES:
            raise ValueError("no signature")  # noqa: TRY301
        return SignedNote(text.encode() + b"\n", tuple(_line(row) for row in rows))
    except (ValueError, binascii.Error):
        raise Fault(
            "E-LEDGER-022", "This is no signed checkpoint (c2sp.org/tlog-checkpoint); ask for it again."
        ) from None


def check_note(note: SignedNote, key: VerifierKey) -> int | None:
    """Pass when ``key`` signed the note; the seconds of a cosignature. Raises Refused E-LEDGER-023."""
    made = note.by(key)
    message, stamp = note.text, None
    if made is not None and key.kind == COSIGNATURE and len(made) == _STAMP.size + 64:
        stamp = int(_STAMP.unpack_from(made)[0])
        made, message = made[_STAMP.size :], cosigned_message(note.text, stamp)
    try:
        check_signature(key.public, made or b"", message)
    except Refused:
        raise Refused(
            "E-LEDGER-023",
            "{name} did not sign this checkpoint; it was altered, or comes from somebody else.",
            name=key.name,
        ) from None
    return stamp


def cosigned_message(text: bytes, seconds: int) -> bytes:
    """What a witness signs."""
    return b"cosignature/v1\ntime %d\n%b" % (seconds, text)


def cosignature_line(key: VerifierKey, signature: bytes, seconds: int) -> str:
    """The line that a witness adds, with its newline."""
    return f"\u2014 {key.name} {base64.b64encode(key.key_id + _STAMP.pack(seconds) + signature).decode()}\n"


def _line(row: str) -> tuple[str, bytes, bytes]:
    dash, name, value = row.split(" ")
    raw = base64.b64decode(value, validate=True)
    if dash != "\u2014" or len(raw) < 5 or not _is_name(name):
        raise ValueError("not a signature line")
    return name, raw[:4], raw[4:]


def _is_name(name: str) -> bool:
    return bool(name) and name.isprintable() and not any(letter.isspace() or letter == "+" for letter in name)
