"""A node's own keys in its ``keys/`` folder: made whole or not at all, readable by their owner only.

node.json     who we are (node id, name, economy, created)     signing.key   Ed25519, PKCS #8 PEM
ca.key        P-256, our own authority                         ca.crt        its certificate
leaf.key      P-256, the key that peers pin                    server.crt, client.crt   30-day leaves over it

After a rotation the same files stand in ``keys/2/``, ``keys/3/`` ... beside ``sets.json`` (every key set since the
first); ``keys/current`` names the folder in force and is replaced in one step, so a kill leaves the one set or the
other. Open nodes notice it by themselves: every use looks at ``current``.
"""

from __future__ import annotations

import base64
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from seawall.identity.card import (
    CARD_FORMAT,
    ROTATED_FORMAT,
    Card,
    fingerprint_of,
    node_id_of,
    set_fingerprint_of,
    signed_message,
)
from seawall.identity.certificates import CLIENT, RENEW_BEFORE, SERVER, new_authority, new_key, new_leaf, spki_sha256
from seawall.identity.keyset import KeyPeriod, KeySet, first_set, moment, periods, read_key_set
from seawall.model import Fault, from_microseconds, rfc3339, to_microseconds

CURRENT = "current"
SETS = "sets.json"
SECRETS = ("signing.key", "ca.key", "leaf.key")
LEAVES = {"server.crt": SERVER, "client.crt": CLIENT}


class _NodeRecord(msgspec.Struct, frozen=True):
    node_id: str
    name: str
    economy: str
    created: int  # microseconds UTC


class _Sets(msgspec.Struct, frozen=True):
    """``sets.json``: what peers need to follow us."""

    first_key: str  # base64
    sets: tuple[str, ...]  # envelopes


class _State:
    """The key set in force, as its files say it."""

    def __init__(self, folder: Path, stamp: tuple[int, int], version: int) -> None:
        self.stamp = stamp
        self.version = version
        self.folder = folder if self.version == 1 else folder / str(self.version)
        for secret in SECRETS:
            _refuse_if_shared(self.folder / secret)
        try:
            self.record = msgspec.json.decode((folder / "node.json").read_bytes(), type=_NodeRecord)
            signing = load_pem_private_key((self.folder / "signing.key").read_bytes(), None)
            self.authority = x509.load_pem_x509_certificate((self.folder / "ca.crt").read_bytes())
            leaf = x509.load_pem_x509_certificate((self.folder / "client.crt").read_bytes())
            later = _Sets("", ())
            if self.version > 1:
                later = msgspec.json.decode((self.folder / SETS).read_bytes(), type=_Sets)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise _unreadable(folder, error) from None
        if not isinstance(signing, Ed25519PrivateKey):
            raise _unreadable(folder, TypeError("signing.key is not an Ed25519 key"))
        self.signing = signing
        self.pin = spki_sha256(leaf)
        self.ca_pem = self.authority.public_bytes(Encoding.PEM).decode()
        self.public = signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.later = later

    @cached_property
    def card(self) -> Card:
        """The card without its fingerprint and signature."""
        return Card(
            format=CARD_FORMAT if self.version == 1 else ROTATED_FORMAT,
            node_id=self.record.node_id,
            name=self.record.name,
            economy=self.record.economy,
            created=rfc3339(self.record.created),
            signing_key=base64.b64encode(self.public).decode(),
            ca_certificate=self.ca_pem,
            certificate_sha256=self.pin,
            fingerprint="",
            signature="",
            first_key=self.later.first_key,
            key_sets=self.later.sets,
        )

    @cached_property
    def key_set(self) -> KeySet:
        if self.version > 1:
            return read_key_set(self.later.sets[-1].encode())
        return first_set(
            self.record.node_id,
            rfc3339(self.record.created),
            base64.b64encode(self.public).decode(),
            ca_certificate=self.ca_pem,
            pin=self.pin,
            expires=moment(to_microseconds(self.authority.not_valid_after_utc)),
        )

    @cached_property
    def fingerprint(self) -> str:
        if self.version == 1:
            return fingerprint_of(self.public, self.authority.public_bytes(Encoding.DER), self.pin)
        return set_fingerprint_of(self.key_set)

    @cached_property
    def periods(self) -> tuple[KeyPeriod, ...]:
        return periods(self.card.sets())


class NodeKeys:
    """This node's identity. Secrets stay inside: ``sign`` and the TLS contexts use them, nothing returns them."""

    def __init__(self, folder: Path, state: _State) -> None:
        self.folder = folder
        self.node_id = state.record.node_id
        self.name = state.record.name
        self.economy = state.record.economy
        self.created = state.record.created
        self._loaded = state

    @property
    def _state(self) -> _State:
        stamp = _stamp(self.folder)
        if stamp != self._loaded.stamp:  # another process rotated the keys
            self._loaded = _State(self.folder, stamp, _current(self.folder))
        return self._loaded

    @property
    def identity_id(self) -> str:
        """The STIX identity under which this node signs its objects."""
        return f"identity--{self.node_id}"

    @property
    def version(self) -> int:
        """The version of the key set in force."""
        return self._state.version

    @property
    def key_set(self) -> KeySet:
        """The key set in force."""
        return self._state.key_set

    @property
    def periods(self) -> tuple[KeyPeriod, ...]:
        """Our signing keys, former ones first, each with its time."""
        return self._state.periods

    @property
    def former_keys(self) -> tuple[bytes, ...]:
        """Signing keys of ours that were put away, 32 bytes each: what they signed before is still ours."""
        return tuple(period.public for period in self._state.periods[:-1])

    @property
    def secrets(self) -> Path:
        """The folder of the private keys and certificates in force."""
        return self._state.folder

    @property
    def former_secrets(self) -> dict[int, Path]:
        """Version -> folder of the sets before whose TLS leaf is still there, for peers that have not heard yet."""
        folders = {version: self._folder_of(version) for version in range(1, self._state.version)}
        return {version: folder for version, folder in folders.items() if (folder / "leaf.key").exists()}

    def _folder_of(self, version: int) -> Path:
        return self.folder if version == 1 else self.folder / str(version)

    @property
    def certificate_sha256(self) -> str:
        """The pin of our TLS leaves."""
        return self._state.pin

    @property
    def ca_pem(self) -> str:
        """Our authority's certificate."""
        return self._state.ca_pem

    @property
    def signing_public(self) -> bytes:
        """The 32 bytes of the Ed25519 public key in force."""
        return self._state.public

    @property
    def fingerprint(self) -> str:
        """What two people read aloud."""
        return self._state.fingerprint

    @classmethod
    def create(cls, folder: Path, *, name: str, economy: str, at: int) -> Self:
        """Make new keys in ``folder`` (absent or empty), in one rename. ``at``: microseconds UTC.

        Raises Fault E-IDENTITY-001 when the folder already holds something.
        """
        if folder.exists() and any(folder.iterdir()):
            raise _occupied(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder.parent))  # mkdtemp gives mode 0700
        try:
            _furnish(building, name, economy, at)
            sync_folder(building)
            building.rename(folder)  # replaces an empty folder in one step (rename(2))
        except BaseException as error:
            shutil.rmtree(building, ignore_errors=True)
            if isinstance(error, OSError) and error.errno == errno.ENOTEMPTY:
                raise _occupied(folder) from None
            raise
        sync_folder(folder.parent)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the keys in ``folder``.

        Raises Fault E-IDENTITY-002 when they are missing or unreadable, E-IDENTITY-003 when others may read a secret.
        """
        return cls(folder, _State(folder, _stamp(folder), _current(folder)))

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of our Ed25519 signature over ``message``."""
        return self._state.signing.sign(message)

    def card(self) -> bytes:
        """The JSON that the other side adds with ``peers add``; ends with a newline."""
        return signed_card(self._state.card, self._state.fingerprint, self._state.signing)

    def prepared(self, version: int) -> tuple[KeySet, bytes]:
        """A set that is not in force yet, and the card that will go with it."""
        state = _State(self.folder, (0, 0), version)
        return state.key_set, signed_card(state.card, state.fingerprint, state.signing)

    def renew(self, at: int, *, force: bool = False) -> bool:
        """Issue new server and client certificates over the same leaf key when they end within ten days of ``at``.

        True when new ones were written. Peers notice nothing: the pinned key stays. Open contexts need
        ``load_cert_chain`` again, so ``serve`` makes new contexts afterwards.
        """
        folder = self._state.folder
        try:
            leaves = [x509.load_pem_x509_certificate((folder / name).read_bytes()) for name in LEAVES]
            due = min(leaf.not_valid_after_utc for leaf in leaves) - RENEW_BEFORE <= from_microseconds(at)
            if not (force or due):
                return False
            authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
            authority_key = _load_p256(folder / "ca.key")
            leaf_key = _load_p256(folder / "leaf.key")
        except (OSError, ValueError) as error:
            raise _unreadable(self.folder, error) from None
        for name, purpose in LEAVES.items():
            leaf = new_leaf(authority, authority_key, leaf_key.public_key(), self.node_id, purpose, at)
            fresh = folder / f".{name}.{os.getpid()}"
            fresh.unlink(missing_ok=True)
            write_secret(fresh, leaf.public_bytes(Encoding.PEM))
            fresh.replace(folder / name)
        sync_folder(folder)
        return True


def signed_card(unsigned: Card, fingerprint: str, signing: Ed25519PrivateKey) -> bytes:
    """The card's JSON as it is handed out."""
    named = msgspec.structs.replace(unsigned, fingerprint=fingerprint)
    signature = base64.b64encode(signing.sign(signed_message(named))).decode()
    signed = msgspec.to_builtins(msgspec.structs.replace(named, signature=signature))
    if named.format == CARD_FORMAT:
        del signed["first_key"], signed["key_sets"]
    return msgspec.json.format(msgspec.json.encode(signed), indent=2) + b"\n"


def _furnish(folder: Path, name: str, economy: str, at: int) -> None:
    signing = Ed25519PrivateKey.generate()
    node_id = node_id_of(signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    write_secret(folder / "node.json", msgspec.json.encode(_NodeRecord(node_id, name, economy, at)) + b"\n")
    furnish_set(folder, node_id, signing, at)


def furnish_set(folder: Path, node_id: str, signing: Ed25519PrivateKey, at: int) -> tuple[str, str]:
    """Write the files of one key set: this signing key, and a fresh authority and leaf; (authority PEM, pin)."""
    authority_key, leaf_key = new_key(), new_key()
    authority = new_authority(authority_key, node_id, at)
    keys: Sequence[tuple[str, Ed25519PrivateKey | ec.EllipticCurvePrivateKey]] = (
        ("signing.key", signing),
        ("ca.key", authority_key),
        ("leaf.key", leaf_key),
    )
    for file, key in keys:
        write_secret(folder / file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem = authority.public_bytes(Encoding.PEM)
    write_secret(folder / "ca.crt", pem)
    pin = ""
    for file, purpose in LEAVES.items():
        leaf = new_leaf(authority, authority_key, leaf_key.public_key(), node_id, purpose, at)
        write_secret(folder / file, leaf.public_bytes(Encoding.PEM))
        pin = spki_sha256(leaf)
    return pem.decode(), pin


def _current(folder: Path) -> int:
    try:
        return int((folder / CURRENT).read_text("ascii"))
    except FileNotFoundError:
        return 1
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from None


def _stamp(folder: Path) -> tuple[int, int]:
    try:
        found = (folder / CURRENT).stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read, and flush it to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_if_shared(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unreadable(path.parent, error) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Fault("E-IDENTITY-003", "Others on this machine may read {path}; run 'chmod 600' on it.", path=path)


def _load_p256(path: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path.name} is not a P-256 key")  # noqa: TRY004 - a damaged file, not a programming error
    return key


def _occupied(folder: Path) -> Fault:
    return Fault("E-IDENTITY-001", "{folder} already holds keys; new ones would orphan every peer.", folder=folder)


def _unreadable(folder: Path, error: Exception) -> Fault:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Fault("E-IDENTITY-002", "Cannot use the keys in {folder}: {reason}.", folder=folder, reason=reason)
