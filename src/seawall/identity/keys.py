"""A node's own keys in its ``keys/`` folder: made whole or not at all, readable by their owner only.

node.json     who we are (node id, name, economy, created)     signing.key   Ed25519, PKCS #8 PEM
ca.key        P-256, our own authority                         ca.crt        its certificate
leaf.key      P-256, the key that peers pin                    server.crt, client.crt   30-day leaves over it
"""

from __future__ import annotations

import base64
import errno
import os
import shutil
import stat
import tempfile
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

from seawall.identity.card import CARD_FORMAT, Card, fingerprint_of, node_id_of, signed_message
from seawall.identity.certificates import CLIENT, RENEW_BEFORE, SERVER, new_authority, new_key, new_leaf, spki_sha256
from seawall.model import Fault, from_microseconds, rfc3339

SECRETS = ("signing.key", "ca.key", "leaf.key")
LEAVES = {"server.crt": SERVER, "client.crt": CLIENT}


class _NodeRecord(msgspec.Struct, frozen=True):
    node_id: str
    name: str
    economy: str
    created: int  # microseconds UTC


class NodeKeys:
    """This node's identity. Secrets stay inside: ``sign`` and the TLS contexts use them, nothing returns them."""

    def __init__(
        self, folder: Path, record: _NodeRecord, signing: Ed25519PrivateKey, authority: x509.Certificate, pin: str
    ) -> None:
        self.folder = folder
        self.node_id = record.node_id
        self.name = record.name
        self.economy = record.economy
        self.created = record.created
        self.certificate_sha256 = pin
        self.ca_pem = authority.public_bytes(Encoding.PEM).decode()
        self.signing_public = signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.fingerprint = fingerprint_of(self.signing_public, authority.public_bytes(Encoding.DER), pin)
        self._signing = signing

    @property
    def identity_id(self) -> str:
        """The STIX identity under which this node signs its objects."""
        return f"identity--{self.node_id}"

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
            _sync_folder(building)
            building.rename(folder)  # replaces an empty folder in one step (rename(2))
        except BaseException as error:
            shutil.rmtree(building, ignore_errors=True)
            if isinstance(error, OSError) and error.errno == errno.ENOTEMPTY:
                raise _occupied(folder) from None
            raise
        _sync_folder(folder.parent)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the keys in ``folder``.

        Raises Fault E-IDENTITY-002 when they are missing or unreadable, E-IDENTITY-003 when others may read a secret.
        """
        for secret in SECRETS:
            _refuse_if_shared(folder / secret)
        try:
            record = msgspec.json.decode((folder / "node.json").read_bytes(), type=_NodeRecord)
            signing = load_pem_private_key((folder / "signing.key").read_bytes(), None)
            authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
            leaf = x509.load_pem_x509_certificate((folder / "client.crt").read_bytes())
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise _unreadable(folder, error) from None
        if not isinstance(signing, Ed25519PrivateKey):
            raise _unreadable(folder, TypeError("signing.key is not an Ed25519 key"))
        return cls(folder, record, signing, authority, spki_sha256(leaf))

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of our Ed25519 signature over ``message``."""
        return self._signing.sign(message)

    def card(self) -> bytes:
        """The JSON that the other side adds with ``peers add``; ends with a newline."""
        unsigned = Card(
            format=CARD_FORMAT,
            node_id=self.node_id,
            name=self.name,
            economy=self.economy,
            created=rfc3339(self.created),
            signing_key=base64.b64encode(self.signing_public).decode(),
            ca_certificate=self.ca_pem,
            certificate_sha256=self.certificate_sha256,
            fingerprint=self.fingerprint,
            signature="",
        )
        signature = base64.b64encode(self.sign(signed_message(unsigned))).decode()
        signed = msgspec.structs.replace(unsigned, signature=signature)
        return msgspec.json.format(msgspec.json.encode(signed), indent=2) + b"\n"

    def renew(self, at: int, *, force: bool = False) -> bool:
        """Issue new server and client certificates over the same leaf key when they end within ten days of ``at``.

        True when new ones were written. Peers notice nothing: the pinned key stays. Open contexts need
        ``load_cert_chain`` again, so ``serve`` makes new contexts afterwards.
        """
        try:
            leaves = [x509.load_pem_x509_certificate((self.folder / name).read_bytes()) for name in LEAVES]
            due = min(leaf.not_valid_after_utc for leaf in leaves) - RENEW_BEFORE <= from_microseconds(at)
            if not (force or due):
                return False
            authority = x509.load_pem_x509_certificate((self.folder / "ca.crt").read_bytes())
            authority_key = _load_p256(self.folder / "ca.key")
            leaf_key = _load_p256(self.folder / "leaf.key")
        except (OSError, ValueError) as error:
            raise _unreadable(self.folder, error) from None
        for name, purpose in LEAVES.items():
            leaf = new_leaf(authority, authority_key, leaf_key.public_key(), self.node_id, purpose, at)
            fresh = self.folder / f".{name}.{os.getpid()}"
            fresh.unlink(missing_ok=True)
            _write(fresh, leaf.public_bytes(Encoding.PEM))
            fresh.replace(self.folder / name)
        _sync_folder(self.folder)
        return True


def _furnish(folder: Path, name: str, economy: str, at: int) -> None:
    signing = Ed25519PrivateKey.generate()
    node_id = node_id_of(signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    authority_key, leaf_key = new_key(), new_key()
    authority = new_authority(authority_key, node_id, at)
    _write(folder / "node.json", msgspec.json.encode(_NodeRecord(node_id, name, economy, at)) + b"\n")
    for file, key in (("signing.key", signing), ("ca.key", authority_key), ("leaf.key", leaf_key)):
        _write(folder / file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(folder / "ca.crt", authority.public_bytes(Encoding.PEM))
    for file, purpose in LEAVES.items():
        leaf = new_leaf(authority, authority_key, leaf_key.public_key(), node_id, purpose, at)
        _write(folder / file, leaf.public_bytes(Encoding.PEM))


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
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
