"""A file under a passphrase, written and read as a stream: memory is one chunk, whatever the size.

    {"format":"seawall-backup/1","kdf":"scrypt","n":...,"r":8,"p":1,"salt":...,"check":...}\\n
    chunk 0 | chunk 1 | ... | last chunk        each CHUNK bytes (the last: 0 to CHUNK) and a tag of 16

scrypt(passphrase, salt) gives 32 bytes of key and 32 whose SHA-256 is ``check``, so a wrong passphrase is told apart
from an altered file. Chunks are ChaCha20-Poly1305 (RFC 8439) with the nonce counter (11 bytes) | last (1 byte), as in
STREAM (Hoang, Reyhanitabar, Rogaway, Vizar 2015): chunks cannot be taken out, swapped or cut off unnoticed. The
additional data is the SHA-256 of the first line.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from seawall.model import Fault, Refused
from seawall.model.unreadable import UNREADABLE

FORMAT = "seawall-backup/1"
CHUNK = 1 << 20
TAG = 16
LOG_N = 17  # scrypt's n = 2**17 with r = 8: 128 MiB and about half a second a guess (OWASP's first choice, 2023)
MAX_LOG_N = 20  # a file may ask for 1 GiB at most
MAX_HEADER = 1_000
LEAST_PASSPHRASE = 12  # characters


class _Header(msgspec.Struct, frozen=True):
    format: str
    kdf: str
    log_n: int
    r: int
    p: int
    salt: str
    check: str


class SealedWriter:
    """Takes bytes by ``write``; nothing is whole before ``finish``."""

    def __init__(self, file: BinaryIO, passphrase: str, random: Callable[[int], bytes], log_n: int = LOG_N) -> None:
        if len(passphrase) < LEAST_PASSPHRASE:
            raise Fault(
                "E-FLOW-380",
                "The passphrase is too short; use at least {least} characters, such as six random words.",
                least=LEAST_PASSPHRASE,
            )
        salt = random(16)
        key, check = _keys(passphrase, salt, log_n)
        header = _Header(FORMAT, "scrypt", log_n, 8, 1, base64.b64encode(salt).decode(), check)
        line = msgspec.json.encode(header) + b"\n"
        self._file = file
        self._cipher = ChaCha20Poly1305(key)
        self._bound = hashlib.sha256(line).digest()
        self._held = bytearray()
        self._number = 0
        self.written = 0  # plain bytes
        file.write(line)

    def write(self, data: bytes) -> int:
        """Seal ``data``, a chunk at a time."""
        self._held += data
        self.written += len(data)
        while len(self._held) > CHUNK:  # a full chunk waits: it may be the last
            self._seal(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, self._bound))
        self._number += 1


class SealedReader:
    """Gives bytes by ``read``, each chunk only after its tag held. Raises Refused E-FLOW-381, Fault E-FLOW-382/383."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        line = file.readline(MAX_HEADER)
        header = _header(line)
        key, check = _keys(passphrase, base64.b64decode(header.salt), header.log_n)
        if not hmac.compare_digest(check, header.check):
            raise Refused("E-FLOW-381", "The passphrase is wrong for this backup.")
        self._file = file
        self._cipher = ChaCha20Poly1305(key)
        self._bound = hashlib.sha256(line).digest()
        self._ahead = file.read(CHUNK + TAG)
        self._held = b""
        self._at = 0
        self._number = 0
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, fewer at the end only."""
        parts: list[bytes] = []
        wanted = size if size >= 0 else 1 << 62
        while wanted > 0 and (self._at < len(self._held) or not self._ended):
            if self._at == len(self._held):
                self._open()
            part = self._held[self._at : self._at + wanted]
            self._at += len(part)
            wanted -= len(part)
            parts.append(part)
        return b"".join(parts)

    def drain(self) -> None:
        """Read to the end, so that a file that was cut or has something behind its end is noticed."""
        while not self._ended:
            self._open()

    def _open(self) -> None:
        chunk, self._ahead = self._ahead, self._file.read(CHUNK + TAG)
        last = not self._ahead
        try:
            self._held = self._cipher.decrypt(_nonce(self._number, last=last), chunk, self._bound)
        except InvalidTag:
            raise Fault(
                "E-FLOW-382", "The backup was cut short or altered; nothing was restored. Use another copy."
            ) from None
        self._at, self._number, self._ended = 0, self._number + 1, last


def _header(line: bytes) -> _Header:
    try:
        header = msgspec.json.decode(line, type=_Header)
        base64.b64decode(header.salt, validate=True)
        known = (header.format, header.kdf, header.r, header.p) == (FORMAT, "scrypt", 8, 1)
        if known and 1 <= header.log_n <= MAX_LOG_N and line.endswith(b"\n"):
            return header
    except (ValueError, *UNREADABLE):
        pass
    raise Fault("E-FLOW-383", "This is no backup of Seawall, or one of a newer version.")


def _keys(passphrase: str, salt: bytes, log_n: int) -> tuple[bytes, str]:
    derived = Scrypt(salt=salt, length=64, n=1 << log_n, r=8, p=1).derive(passphrase.encode("utf-8", "surrogatepass"))
    return derived[:32], hashlib.sha256(derived[32:]).hexdigest()


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
