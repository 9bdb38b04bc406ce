"""A node's own keys in its ``keys/`` folder: made whole or not at all, readable by their owner only (``key_files``)."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
)

from seawall.identity.certificates import RENEW_BEFORE, new_leaf
from seawall.identity.key_files import (
    LEAVES,
    KeyState,
    current_version,
    furnish_node,
    load_p256,
    occupied,
    signed_card,
    stamp_of,
    unreadable,
    write_secret,
)
from seawall.identity.key_folder import sync_folder
from seawall.identity.keyset import KeyPeriod, KeySet
from seawall.identity.sealing import Box
from seawall.identity.vault_open import vault_of
from seawall.model import from_microseconds


class KeptSigner:
    """A signing key held for one batch: it does not ask, for each signature, whether the keys were rotated."""

    def __init__(self, public: bytes, signing: Ed25519PrivateKey) -> None:
        self.signing_public = public
        self._signing = signing

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature over ``message``."""
        return self._signing.sign(message)


class NodeKeys:
    """This node's identity. Secrets stay inside: ``sign`` and the TLS contexts use them, nothing returns them."""

    def __init__(self, folder: Path, state: KeyState) -> None:
        self.folder = folder
        self.node_id = state.record.node_id
        self.name = state.record.name
        self.economy = state.record.economy
        self.created = state.record.created
        self._loaded = state
        vault = vault_of(folder)
        self.payload_box: Box | None = None if vault is None else vault.box("ledger")

    @property
    def _state(self) -> KeyState:
        stamp = stamp_of(self.folder)
        if stamp != self._loaded.stamp:  # another process rotated the keys
            self._loaded = KeyState(self.folder, stamp, current_version(self.folder))
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
            raise occupied(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder.parent))  # mkdtemp gives mode 0700
        try:
            furnish_node(building, name, economy, at)
            sync_folder(building)
            building.rename(folder)  # replaces an empty folder in one step (rename(2))
        except BaseException as error:
            shutil.rmtree(building, ignore_errors=True)
            if isinstance(error, OSError) and error.errno == errno.ENOTEMPTY:
                raise occupied(folder) from None
            raise
        sync_folder(folder.parent)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the keys in ``folder``.

        Raises Fault E-IDENTITY-002 when they are missing or unreadable, E-IDENTITY-003 when others may read a secret.
        """
        return cls(folder, KeyState(folder, stamp_of(folder), current_version(folder)))

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of our Ed25519 signature over ``message``."""
        return self._state.signing.sign(message)

    def signer(self) -> KeptSigner:
        """The key in force at this moment, for one batch of signatures."""
        state = self._state
        return KeptSigner(state.public, state.signing)

    def card(self) -> bytes:
        """The JSON that the other side adds with ``peers add``; ends with a newline."""
        return signed_card(self._state.card, self._state.fingerprint, self._state.signing)

    def prepared(self, version: int) -> tuple[KeySet, bytes]:
        """A set that is not in force yet, and the card that will go with it."""
        state = KeyState(self.folder, (0, 0), version)
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
            authority_key = load_p256(folder / "ca.key")
            leaf_key = load_p256(folder / "leaf.key")
        except (OSError, ValueError) as error:
            raise unreadable(self.folder, error) from None
        for name, purpose in LEAVES.items():
            leaf = new_leaf(authority, authority_key, leaf_key.public_key(), self.node_id, purpose, at)
            fresh = folder / f".{name}.{os.getpid()}"
            fresh.unlink(missing_ok=True)
            write_secret(fresh, leaf.public_bytes(Encoding.PEM))
            fresh.replace(folder / name)
        sync_folder(folder)
        return True
