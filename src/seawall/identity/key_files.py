"""The files of a node's keys: read whole, written so that a kill leaves the one set or the other.

node.json     who we are (node id, name, economy, created)     signing.key   Ed25519, PKCS #8 PEM
ca.key        P-256, our own authority                         ca.crt        its certificate
leaf.key      P-256, the key that peers pin                    server.crt, client.crt   30-day leaves over it

After a rotation the same files stand in ``keys/2/``, ``keys/3/`` ... beside ``sets.json`` (every key set since the
first); ``keys/current`` names the folder in force and is replaced in one step, so a kill leaves the one set or the
other. Open nodes notice it by themselves: every use looks at ``current``. Private keys are sealed when the folder has
a vault (``vault_open``).
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

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
from seawall.identity.certificates import CLIENT, SERVER, new_authority, new_key, new_leaf, spki_sha256
from seawall.identity.keyset import KeyPeriod, KeySet, first_set, moment, periods, read_key_set
from seawall.identity.vault_open import read_secret, seal_secret
from seawall.model import Fault, rfc3339, to_microseconds
from seawall.model.unreadable import UNREADABLE

CURRENT = "current"
SETS = "sets.json"
SECRETS = ("signing.key", "ca.key", "leaf.key")
LEAVES = {"server.crt": SERVER, "client.crt": CLIENT}


class NodeRecord(msgspec.Struct, frozen=True):
    """``node.json``: what stays through every rotation."""

    node_id: str
    name: str
    economy: str
    created: int  # microseconds UTC


class KeySets(msgspec.Struct, frozen=True):
    """``sets.json``: what peers need to follow us."""

    first_key: str  # base64
    sets: tuple[str, ...]  # envelopes


class KeyState:
    """One key set of the node, as its files say it. Raises Fault E-IDENTITY-002 and 003 when they cannot be used."""

    def __init__(self, folder: Path, stamp: tuple[int, int], version: int) -> None:
        self.stamp = stamp
        self.version = version
        self.folder = folder if self.version == 1 else folder / str(self.version)
        for secret in SECRETS:
            refuse_if_shared(self.folder / secret)
        try:
            self.record = msgspec.json.decode((folder / "node.json").read_bytes(), type=NodeRecord)
            signing = load_pem_private_key(read_secret(self.folder / "signing.key"), None)
            self.authority = x509.load_pem_x509_certificate((self.folder / "ca.crt").read_bytes())
            leaf = x509.load_pem_x509_certificate((self.folder / "client.crt").read_bytes())
            later = KeySets("", ())
            if self.version > 1:
                later = msgspec.json.decode((self.folder / SETS).read_bytes(), type=KeySets)
        except (OSError, ValueError, *UNREADABLE) as error:
            raise unreadable(folder, error) from None
        if not isinstance(signing, Ed25519PrivateKey):
            raise unreadable(folder, TypeError("signing.key is not an Ed25519 key"))
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


def signed_card(unsigned: Card, fingerprint: str, signing: Ed25519PrivateKey) -> bytes:
    """The card's JSON as it is handed out."""
    named = msgspec.structs.replace(unsigned, fingerprint=fingerprint)
    signature = base64.b64encode(signing.sign(signed_message(named))).decode()
    signed = msgspec.to_builtins(msgspec.structs.replace(named, signature=signature))
    if named.format == CARD_FORMAT:
        del signed["first_key"], signed["key_sets"]
    return msgspec.json.format(msgspec.json.encode(signed), indent=2) + b"\n"


def furnish_node(folder: Path, name: str, economy: str, at: int) -> None:
    """Write who the node is, and its first key set. ``at``: microseconds UTC."""
    signing = Ed25519PrivateKey.generate()
    node_id = node_id_of(signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    write_secret(folder / "node.json", msgspec.json.encode(NodeRecord(node_id, name, economy, at)) + b"\n")
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
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_secret(folder / file, seal_secret(folder / file, plain))
    pem = authority.public_bytes(Encoding.PEM)
    write_secret(folder / "ca.crt", pem)
    pin = ""
    for file, purpose in LEAVES.items():
        leaf = new_leaf(authority, authority_key, leaf_key.public_key(), node_id, purpose, at)
        write_secret(folder / file, leaf.public_bytes(Encoding.PEM))
        pin = spki_sha256(leaf)
    return pem.decode(), pin


def current_version(folder: Path) -> int:
    """Which key set is in force; 1 for a node that never rotated. Raises Fault E-IDENTITY-002."""
    try:
        return int((folder / CURRENT).read_text("ascii"))
    except FileNotFoundError:
        return 1
    except (OSError, ValueError) as error:
        raise unreadable(folder, error) from None


def stamp_of(folder: Path) -> tuple[int, int]:
    """Changes whenever another key set is put in force."""
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


def refuse_if_shared(path: Path) -> None:
    """Pass when nobody but its owner may read a file; raises Fault E-IDENTITY-002 or 003."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise unreadable(path.parent, error) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Fault("E-IDENTITY-003", "Others on this machine may read {path}; run 'chmod 600' on it.", path=path)


def load_p256(path: Path) -> ec.EllipticCurvePrivateKey:
    """A private key on P-256. Raises OSError and ValueError."""
    key = load_pem_private_key(read_secret(path), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path.name} is not a P-256 key")  # noqa: TRY004 - a damaged file, not a programming error
    return key


def occupied(folder: Path) -> Fault:
    """The fault for a folder that holds keys already."""
    return Fault("E-IDENTITY-001", "{folder} already holds keys; new ones would orphan every peer.", folder=folder)


def unreadable(folder: Path, error: Exception) -> Fault:
    """The fault for keys that are missing or damaged."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Fault("E-IDENTITY-002", "Cannot use the keys in {folder}: {reason}.", folder=folder, reason=reason)
