"""The vault: one data key, and the ways to it. Everything of a node that is sealed is sealed under that key.

``keys/vault.json`` holds the data key wrapped once for each way: (a) a passphrase, by scrypt; (b) a PKCS#11 token, by a
key that never leaves it; (c) a key file beside it, which protects nothing while the file is there. Another passphrase
wraps the same key again, so nothing else is written anew. Destroying every wrap destroys all that was sealed.

A wrap is ChaCha20-Poly1305 under the key that the way gives, bound to the vault's id and the way's name. Keys for each
purpose are HKDF-SHA256 (RFC 5869) of the data key. A vault is *encrypting* until all of the node is sealed.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from seawall.identity.key_folder import sync_folder
from seawall.identity.sealing import Box
from seawall.model import Fault, Refused
from seawall.model.unreadable import UNREADABLE

FILE = "vault.json"
KEY_FILE = "vault.key"
FORMAT = "seawall-vault/1"
LOG_N = 17  # scrypt's n = 2**17 with r = 8: 128 MiB and about half a second a guess (OWASP's first choice, 2023)
MAX_LOG_N = 20  # a file may ask for 1 GiB at most
LEAST_PASSPHRASE = 12  # characters
MAX_FILE = 64 * 1024  # bytes of vault.json


class State(StrEnum):
    """What a vault is. The spelling is stored."""

    ENCRYPTING = "encrypting"  # some of the node is not sealed yet
    ON = "on"
    DESTROYED = "destroyed"


class Way(StrEnum):
    """How the data key is reached. The spelling is stored."""

    PASSPHRASE = "passphrase"  # noqa: S105 - the kind of a way
    TOKEN = "token"  # noqa: S105 - the kind of a way
    FILE = "file"


class Wrap(msgspec.Struct, frozen=True):
    """The data key under one way. Fields that a way does not need are empty; bytes are base64."""

    way: Way
    sealed: str
    salt: str = ""  # passphrase
    log_n: int = 0
    module: str = ""  # token: the PKCS#11 library
    label: str = ""  # of the token
    key_label: str = ""  # of the key on the token
    secret: str = ""  # encrypted by that key: what the wrap's key is made of
    nonce: str = ""


class Record(msgspec.Struct, frozen=True):
    """``vault.json``."""

    format: str
    id: str  # 32 hex digits
    state: State
    created: int  # microseconds UTC
    wraps: tuple[Wrap, ...]
    verifier_keys: tuple[str, ...] = ()  # of the ledger, public: its tree can be verified once the keys are gone
    names_only: bool = False  # the store as a whole stayed plain
    destroyed: int | None = None  # microseconds UTC

    def way(self, way: Way) -> Wrap | None:
        """The wrap of this way."""
        return next((wrap for wrap in self.wraps if wrap.way is way), None)


class Vault:
    """An open vault: boxes and keys for each purpose. The data key stays inside."""

    def __init__(self, id: str, data_key: bytes, *, names_only: bool = False) -> None:
        self.id = id
        self.names_only = names_only
        self._data_key = data_key

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose, always the same."""
        derive = HKDF(SHA256(), 32, salt=self.id.encode(), info=f"seawall vault {purpose}".encode())
        return derive.derive(self._data_key)

    def box(self, purpose: str) -> Box:
        """Seals and opens for one purpose."""
        return Box(self.key(purpose))

    def wrap(self, way: Way, key: bytes, **facts: object) -> Wrap:
        """The data key under ``key`` (32 bytes)."""
        nonce = secrets.token_bytes(12)
        sealed = nonce + ChaCha20Poly1305(key).encrypt(nonce, self._data_key, _bound(self.id, way))
        return msgspec.convert({"way": way, "sealed": _text(sealed), **facts}, Wrap)

    def wrap_passphrase(self, passphrase: str, log_n: int = LOG_N) -> Wrap:
        """The data key under a passphrase. Raises Fault E-IDENTITY-124 for a short one."""
        if len(passphrase) < LEAST_PASSPHRASE:
            raise Fault(
                "E-IDENTITY-124",
                "The passphrase of a vault needs at least {least} characters, such as six random words.",
                least=LEAST_PASSPHRASE,
            )
        salt = secrets.token_bytes(16)
        return self.wrap(Way.PASSPHRASE, _stretched(passphrase, salt, log_n), salt=_text(salt), log_n=log_n)

    def wrap_file(self, folder: Path) -> Wrap:
        """The data key under the key file in ``folder``, a new one where there is none: the record that names the old
        one is written later, and has to open until then."""
        try:
            key = _bytes((folder / KEY_FILE).read_text("ascii").strip())
        except (OSError, ValueError):
            key = b""
        if len(key) != 32:
            key = secrets.token_bytes(32)
            write_over(folder / KEY_FILE, _text(key).encode() + b"\n")
        return self.wrap(Way.FILE, key)


def new_vault(*, names_only: bool = False) -> Vault:
    """A vault with a fresh data key, wrapped nowhere yet."""
    return Vault(secrets.token_hex(16), secrets.token_bytes(32), names_only=names_only)


def unwrap(record: Record, wrap: Wrap, key: bytes) -> Vault | None:
    """The open vault; None when the way's key is not the right one."""
    sealed = _bytes(wrap.sealed)
    try:
        data_key = ChaCha20Poly1305(key).decrypt(sealed[:12], sealed[12:], _bound(record.id, wrap.way))
    except InvalidTag:
        return None
    return Vault(record.id, data_key, names_only=record.names_only)


def by_passphrase(record: Record, wrap: Wrap, passphrase: str) -> Vault:
    """The open vault. Raises Refused E-IDENTITY-121 for a wrong passphrase."""
    opened = unwrap(record, wrap, _stretched(passphrase, _bytes(wrap.salt), wrap.log_n))
    if opened is None:
        raise Refused("E-IDENTITY-121", "This passphrase does not open the vault of this node.")
    return opened


def by_file(record: Record, wrap: Wrap, folder: Path) -> Vault:
    """The open vault. Raises Fault E-IDENTITY-125 when the key file is gone or another one's."""
    try:
        key = _bytes((folder / KEY_FILE).read_text("ascii").strip())
    except (OSError, ValueError):
        key = b""
    opened = unwrap(record, wrap, key) if len(key) == 32 else None
    if opened is None:
        raise Fault(
            "E-IDENTITY-125",
            "The key file {path} of this node's vault is missing or damaged; put it back from a backup.",
            path=folder / KEY_FILE,
        )
    return opened


def read_record(folder: Path) -> Record | None:
    """What ``folder`` says of the vault; None when there is none. Raises Fault E-IDENTITY-126 for a damaged file."""
    try:
        with (folder / FILE).open("rb") as file:
            record = msgspec.json.decode(file.read(MAX_FILE), type=Record)
        usable = record.format == FORMAT and all(1 <= wrap.log_n <= MAX_LOG_N for wrap in record.wraps if wrap.salt)
        for wrap in record.wraps:
            _ = [_bytes(text) for text in (wrap.sealed, wrap.salt, wrap.secret, wrap.nonce)]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, *UNREADABLE):
        usable = False
    if not usable:
        raise Fault(
            "E-IDENTITY-126",
            "The file {path} of this node's vault is damaged or of a newer Seawall; put it back from a backup.",
            path=folder / FILE,
        )
    return record


def write_record(folder: Path, record: Record) -> None:
    """Put the record in place in one step, on disk when this returns."""
    write_over(folder / FILE, encode_record(record))


def encode_record(record: Record) -> bytes:
    """The bytes of ``vault.json``."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def write_over(path: Path, data: bytes) -> None:
    """Replace a file that only its owner may read, in one step; on disk when this returns."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def _stretched(passphrase: str, salt: bytes, log_n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=1 << log_n, r=8, p=1).derive(passphrase.encode("utf-8", "surrogatepass"))


def _bound(id: str, way: Way) -> bytes:
    return f"seawall vault wrap 1\0{id}\0{way.value}".encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
