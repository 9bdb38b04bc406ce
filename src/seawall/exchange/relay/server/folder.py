"""The folder of a relay: what it is called, which roles it has, its keys. Nothing here says who uses it.

relay.json     name, roles, quotas                  keys/tls.key, keys/tls.crt   P-256, pinned by its users
books.sqlite   what the roles hold                  keys/witness.key             Ed25519, signs checkpoints
serve.lock     held by the one process that serves
"""

from __future__ import annotations

import fcntl
import os
import secrets
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from seawall.exchange.relay.bounds import DEFAULT_BOUNDS, RelayBounds
from seawall.identity.certificates import new_key, spki_sha256
from seawall.identity.key_files import refuse_if_shared, write_secret
from seawall.identity.key_folder import sync_folder
from seawall.ledger import VerifierKey, witness_key
from seawall.model import Fault, Unavailable, from_microseconds
from seawall.model.unreadable import UNREADABLE

FORMAT = 1
SETTINGS = "relay.json"
KEYS = "keys"
LOCK = "serve.lock"
MAX_NAME = 100  # characters
MOST_BYTES = 2**40  # of one mailbox
MOST_MESSAGES = 10**7
MOST_COUNTS = 50  # in an epoch; beyond, the noise protects nothing
CERTIFICATE_LIFE = timedelta(days=3650)  # users pin the key, so only the key's life counts
CERTIFICATE_SKEW = timedelta(days=1)


class RelayRole(StrEnum):
    """What a relay may be asked for."""

    MAILBOX = "mailbox"
    WITNESS = "witness"
    COUNTER = "counter"


class RelaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``relay.json``; an operator may edit it while the relay stands still."""

    name: str
    relay_id: str  # random, 32 hex digits; part of the witness's key name
    created: int  # microseconds UTC
    roles: tuple[RelayRole, ...]
    mailbox_bytes: int
    mailbox_messages: int
    message_bytes: int
    counts_per_epoch: int
    format: int = FORMAT

    def bounds(self) -> RelayBounds:
        """The bounds with this relay's quotas."""
        return msgspec.structs.replace(
            DEFAULT_BOUNDS,
            mailbox_bytes=self.mailbox_bytes,
            mailbox_messages=self.mailbox_messages,
            message_bytes=self.message_bytes,
            counts_per_epoch=self.counts_per_epoch,
        )


class WitnessKey(msgspec.Struct, frozen=True):
    """The key that cosigns; it is a ``ledger.LedgerKey``."""

    node_id: str
    private: Ed25519PrivateKey

    @property
    def signing_public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self.private.public_key().public_bytes_raw()

    @property
    def former_keys(self) -> tuple[bytes, ...]:
        """None: a relay does not rotate; its users would have to be told a new key."""
        return ()

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``."""
        return self.private.sign(message)


class RelayFolder:
    """An open folder; reads settings and keys once."""

    def __init__(self, folder: Path) -> None:
        """Raises Fault E-EXCHANGE-790 when there is no relay, E-IDENTITY-003 when others may read its keys."""
        self.folder = folder
        try:
            self.settings = msgspec.json.decode((folder / SETTINGS).read_bytes(), type=RelaySettings)
            self._certificate = x509.load_pem_x509_certificate((folder / KEYS / "tls.crt").read_bytes())
            for secret in ("tls.key", "witness.key"):
                refuse_if_shared(folder / KEYS / secret)
            signing = load_pem_private_key((folder / KEYS / "witness.key").read_bytes(), None)
            if not isinstance(signing, Ed25519PrivateKey) or not _can_be(self.settings):
                raise ValueError("another format")  # noqa: TRY301 - one sentence for every way to be none
        except (OSError, ValueError, *UNREADABLE):
            raise _no_relay(folder) from None
        self.witness_key = WitnessKey(self.settings.relay_id, signing)
        self.pin = spki_sha256(self._certificate)

    @property
    def verifier_key(self) -> VerifierKey:
        """Under which key cosignatures are checked."""
        return witness_key(self.witness_key)

    @property
    def expires(self) -> int:
        """When the certificate ends, in seconds."""
        return int(self._certificate.not_valid_after_utc.timestamp())

    def tls(self) -> ssl.SSLContext:
        """TLS 1.3 with the relay's own certificate; nobody is asked for one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0  # a resumed session would tell that the same caller is back
        context.load_cert_chain(self.folder / KEYS / "tls.crt", self.folder / KEYS / "tls.key")
        return context

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder as its one serving process; raises Unavailable E-EXCHANGE-792."""
        descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Unavailable(
                    "E-EXCHANGE-792", "Another process already serves the relay in {folder}.", folder=self.folder
                ) from None
            yield
        finally:
            os.close(descriptor)


def make_relay(
    folder: Path, name: str, roles: Sequence[RelayRole], at: int, bounds: RelayBounds = DEFAULT_BOUNDS
) -> RelayFolder:
    """Furnish a new relay; ``at``: microseconds UTC. Its settings are written last, so a kill leaves none.

    Raises Fault E-EXCHANGE-789 when there is one, 791 for a name or quotas that cannot be.
    """
    if (folder / SETTINGS).exists() or (folder / KEYS).exists():
        raise Fault("E-EXCHANGE-789", "There is already a relay in {folder}.", folder=folder)
    settings = RelaySettings(
        name=name,
        relay_id=secrets.token_hex(16),
        created=at,
        roles=tuple(sorted(set(roles))),
        mailbox_bytes=bounds.mailbox_bytes,
        mailbox_messages=bounds.mailbox_messages,
        message_bytes=bounds.message_bytes,
        counts_per_epoch=bounds.counts_per_epoch,
    )
    if not _can_be(settings):
        raise Fault(
            "E-EXCHANGE-791",
            "A relay needs a name of 1 to {most} characters, a role, messages of 1 KiB to 16 MiB, mailboxes that hold "
            "at least one of them, and 1 to 50 counts an epoch.",
            most=MAX_NAME,
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = folder / KEYS
    keys.mkdir(mode=0o700)
    _write_keys(keys, at)
    write_secret(folder / SETTINGS, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")
    sync_folder(folder)
    return RelayFolder(folder)


def _can_be(given: RelaySettings) -> bool:
    """Whether a name and quotas are ones that a relay can keep to, also after somebody edited them."""
    return (
        given.format == FORMAT
        and 0 < len(given.name) <= MAX_NAME
        and given.name.isprintable()
        and bool(given.roles)
        and 1_024 <= given.message_bytes <= DEFAULT_BOUNDS.message_bytes
        and given.message_bytes <= given.mailbox_bytes <= MOST_BYTES
        and 1 <= given.mailbox_messages <= MOST_MESSAGES
        and 1 <= given.counts_per_epoch <= MOST_COUNTS
    )


def _write_keys(keys: Path, at: int) -> None:
    tls = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Seawall relay")])
    begin = from_microseconds(at).replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(tls.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - CERTIFICATE_SKEW)
        .not_valid_after(begin + CERTIFICATE_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(tls, hashes.SHA256())
    )
    for file, key in (("tls.key", tls), ("witness.key", Ed25519PrivateKey.generate())):
        write_secret(keys / file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_secret(keys / "tls.crt", certificate.public_bytes(Encoding.PEM))
    sync_folder(keys)


def _no_relay(folder: Path) -> Fault:
    return Fault(
        "E-EXCHANGE-790",
        "There is no usable relay in {folder}; make one with 'seawall relay init', or restore its files.",
        folder=folder,
    )
