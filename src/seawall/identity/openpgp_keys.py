"""OpenPGP keys: what one says of itself, and this node's own."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from seawall.identity.gnupg import GpgHome, gpg_home
from seawall.identity.vault_open import read_secret, seal_secret
from seawall.model import Fault, NotFound, Refused

SECRET, PUBLIC = "openpgp.key", "openpgp.asc"
LIFE = "2y"  # of our own key; 'mail key --renew' moves it on
MAX_KEY = 1 << 20  # bytes of a key file: keys with hundreds of certifications stay below
MAX_LISTING = 4 << 20
_DEAD = frozenset("erind")  # GnuPG's validity letters: expired, revoked, invalid, unknown algorithm, disabled
_LOST = {"e": "expired", "r": "revoked"}


class KeyFacts(msgspec.Struct, frozen=True):
    """What a public key says of itself at this moment; times in microseconds UTC."""

    fingerprint: str  # upper hex
    user_ids: tuple[str, ...]
    created: int
    expires: int | None
    state: str  # "usable", "expired", "revoked" or "invalid"
    encrypts: bool  # it has a key for encryption that is neither expired nor revoked
    signs: bool
    encryption_expires: int | None = None  # of the usable encryption key that lasts longest; None: never, or none
    lost_encryption: str | None = None  # why it cannot encrypt: "absent", "expired" or "revoked"


class OwnPgpKey:
    """This node's own OpenPGP key, below ``keys/``; readable by its owner only."""

    def __init__(self, folder: Path, password: bytes | None = None) -> None:
        self.folder = folder
        self.password = password

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return (self.folder / SECRET).exists()

    def public(self) -> bytes:
        """The armoured public key. Raises NotFound E-IDENTITY-062 before one was made."""
        self._require()
        return (self.folder / PUBLIC).read_bytes()

    def facts(self) -> KeyFacts:
        """What it says of itself."""
        return read_key(self.public())

    def create(self, name: str, address: str) -> KeyFacts:
        """Make a key (Ed25519, and Curve25519 for encryption) for this name and address.

        Raises Refused E-IDENTITY-063 when there is one already.
        """
        self._forbid()
        plain = "".join(letter for letter in name if letter not in "<>()" and letter.isprintable()).strip() or address
        with gpg_home(self.folder, self.password) as home:
            made = home.run(
                "--quick-generate-key", f"{plain} <{address}>", "ed25519", "cert,sign", LIFE, limit=1 << 16, secret=True
            )
            fingerprint = _only(made.words("KEY_CREATED"), 2)
            home.run("--quick-add-key", fingerprint, "cv25519", "encr", LIFE, limit=1 << 16, secret=True)
            return self._keep(home, fingerprint)

    def take_over(self, secret: bytes) -> KeyFacts:
        """Use a team's own secret key. Raises Fault E-IDENTITY-064 when it is none, Refused E-IDENTITY-063."""
        self._forbid()
        with gpg_home(self.folder, self.password) as home:
            said = home.take_in(secret, secret=True)
            fingerprints = {line[2] for line in said.words("IMPORT_OK") if int(line[1]) & 16}
            if len(fingerprints) != 1:
                raise Fault(
                    "E-IDENTITY-064",
                    "This file does not hold one OpenPGP secret key whose password is known; export one with "
                    "'gpg --export-secret-keys'.",
                )
            return self._keep(home, fingerprints.pop())

    def renew(self) -> KeyFacts:
        """Move the end of its life on; the public key must be sent to all peers again."""
        self._require()
        with gpg_home(self.folder, self.password) as home:
            self.enter(home)
            fingerprint = self.facts().fingerprint
            for which in ([], ["*"]):
                home.run("--quick-set-expire", fingerprint, LIFE, *which, limit=1 << 16, secret=True)
            return self._keep(home, fingerprint)

    def enter(self, home: GpgHome) -> None:
        """Put the secret key into a key ring."""
        self._require()
        home.take_in(read_secret(self.folder / SECRET), secret=True)

    def _keep(self, home: GpgHome, fingerprint: str) -> KeyFacts:
        secret = home.run("--armor", "--export-secret-keys", fingerprint, limit=MAX_KEY, secret=True).output
        public = home.run("--armor", "--export", fingerprint, limit=MAX_KEY).output
        if not secret or not public:
            raise Fault(
                "E-IDENTITY-065",
                "GnuPG could not make the key; see whether gpg-agent is installed and the disk has room.",
            )
        for name, data in ((SECRET, seal_secret(self.folder / SECRET, secret)), (PUBLIC, public)):
            beside = self.folder / f".{name}.new"
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.folder / name)
        return read_key(public)

    def _require(self) -> None:
        if not self.exists:
            raise NotFound(
                "E-IDENTITY-062", "This node has no OpenPGP key yet; make one with 'seawall mail key --create'."
            )

    def _forbid(self) -> None:
        if self.exists:
            raise Refused(
                "E-IDENTITY-063", "This node has an OpenPGP key already; peers know it, so it is not replaced."
            )


def read_key(data: bytes) -> KeyFacts:
    """The facts of the one public key in ``data``, armoured or not.

    Raises Fault E-IDENTITY-066 when that is not exactly one key, Refused E-IDENTITY-067 for a secret key.
    """
    if b"PRIVATE KEY BLOCK" in data[:MAX_KEY]:
        raise Refused("E-IDENTITY-067", "This is a secret key; delete it here, and ask for the public key.")
    with gpg_home() as home:
        said = home.take_in(data[:MAX_KEY])
        fingerprints = {line[2] for line in said.words("IMPORT_OK")}
        if len(fingerprints) != 1:
            raise Fault(
                "E-IDENTITY-066",
                "The file holds {count} OpenPGP public keys instead of one; export it with 'gpg --armor --export'.",
                count=len(fingerprints),
            )
        listing = home.run("--with-colons", "--list-keys", fingerprints.pop(), limit=MAX_LISTING)
    if listing.cut:
        raise Fault(
            "E-IDENTITY-074",
            "The OpenPGP key has more names and keys than are read; ask for it made small: "
            "'gpg --armor --export-options export-minimal --export'.",
        )
    return _facts(listing.output.decode("utf-8", "replace"))


def _only(lines: tuple[tuple[str, ...], ...], place: int) -> str:
    if len(lines) != 1 or len(lines[0]) <= place:
        raise Fault(
            "E-IDENTITY-065", "GnuPG could not make the key; see whether gpg-agent is installed and the disk has room."
        )
    return lines[0][place]


def _facts(listing: str) -> KeyFacts:
    """From GnuPG's colon listing (``doc/DETAILS``, field numbers there count from 1)."""
    rows = [line.split(":") for line in listing.splitlines()]
    pub = next(row for row in rows if row[0] == "pub")
    keys = [row for row in rows if row[0] in ("pub", "sub")]
    ciphers = [row for row in keys if "e" in row[11]]
    usable = [row for row in ciphers if row[1] not in _DEAD and pub[1] not in _DEAD]
    dead = next((_LOST[row[1]] for row in [pub, *ciphers] if row[1] in _LOST), "absent" if not ciphers else "unusable")
    ends = [_moment(row[6]) for row in usable]
    return KeyFacts(
        fingerprint=next(row[9] for row in rows if row[0] == "fpr"),
        user_ids=tuple(_text(row[9]) for row in rows if row[0] == "uid" and row[1] != "r")[:20],
        created=_moment(pub[5]) or 0,
        expires=_moment(pub[6]),
        state=_LOST.get(pub[1], "invalid" if pub[1] in _DEAD else "usable"),
        encrypts=bool(usable),
        signs="S" in pub[11],
        encryption_expires=max((end for end in ends if end is not None), default=None) if None not in ends else None,
        lost_encryption=None if usable else dead,
    )


def _moment(text: str) -> int | None:
    return int(text) * 1_000_000 if text.isdigit() else None


def _text(cell: str) -> str:
    """A user id as the listing escapes it: ``\\x3a`` for a colon."""
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), cell)
