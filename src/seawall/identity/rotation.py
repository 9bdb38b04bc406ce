"""Replacing a node's keys: the next set is prepared whole, told to peers by the old key, and only then put in force.

Steps: (1) ``prepare`` makes the new keys and a set that a threshold of the old and of the new root keys signed, in a
folder of its own; (2) the caller lets the old key tell the peers; (3) ``activate`` points ``keys/current`` at it and
destroys the old signing and authority keys. A kill between the steps leaves a prepared set, and the next ``prepare``
goes on with exactly that one: peers may have heard of it already.
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from seawall.identity.card import read_card
from seawall.identity.dsse import key_id
from seawall.identity.key_files import CURRENT, SETS, furnish_set, write_secret
from seawall.identity.key_folder import destroy, sync_folder
from seawall.identity.keys import NodeKeys
from seawall.identity.keyset import (
    KEYSET_FORMAT,
    MAX_ROOT_KEYS,
    MAX_SETS,
    KeySet,
    Reason,
    check_own,
    moment,
    sign_key_set,
    succeed,
)
from seawall.model import Fault, Refused

MAX_KEY_FILE = 16 * 1024  # bytes; an encrypted Ed25519 key takes about 400
SHOWN_DIGITS = 16  # of a key id, for people to name a root key by


class OfflineKey:
    """A root key out of a file that is kept away from this machine."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private
        self.signing_public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature over ``message``."""
        return self.private.sign(message)

    @classmethod
    def create(cls, path: Path, password: bytes | None = None) -> OfflineKey:
        """Make a key in a new file. Raises Fault E-IDENTITY-090 when the file is there already or cannot be made."""
        private = Ed25519PrivateKey.generate()
        hidden: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
        try:
            write_secret(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden))
        except OSError as error:
            raise Fault(
                "E-IDENTITY-090",
                "Cannot make the key file {path}: {reason}.",
                path=path,
                reason=error.strerror or error,
            ) from None
        return cls(private)

    @classmethod
    def load(cls, path: Path, password: bytes | None = None) -> OfflineKey:
        """Read a key file. Raises Fault E-IDENTITY-091 when it holds no Ed25519 key or the password is wrong."""
        try:
            with path.open("rb") as stream:
                private = load_pem_private_key(stream.read(MAX_KEY_FILE), password)
        except (OSError, ValueError, TypeError) as error:
            reason = getattr(error, "strerror", None) or "it is no key, or its password is missing or wrong"
            raise Fault(
                "E-IDENTITY-091", "Cannot use the key file {path}: {reason}.", path=path, reason=reason
            ) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise Fault(
                "E-IDENTITY-091", "Cannot use the key file {path}: {reason}.", path=path, reason="it is no Ed25519 key"
            )
        return cls(private)


class Prepared(msgspec.Struct, frozen=True):
    """The next set, ready in its folder."""

    keys: KeySet
    card: bytes  # what peers need to follow
    resumed: bool  # an earlier rotation had prepared it


def prepare(
    keys: NodeKeys,
    *,
    at: int,
    expires: int,
    overlap_until: int,
    reason: Reason,
    offline: Sequence[OfflineKey] = (),
    threshold: int | None = None,
    drop: Sequence[str] = (),
) -> Prepared:
    """Make the next key set. Moments in microseconds UTC; ``drop``: root keys to leave, by how their ids begin.

    Offline keys given become root keys, beside those that were; without any the new signing key is the root key.
    Raises Refused E-IDENTITY-092 when the old set needs offline keys that were not given, Fault E-IDENTITY-093 for
    root keys that cannot be, E-IDENTITY-094 when a card would carry more than ``MAX_SETS`` sets.
    """
    version = keys.version + 1
    folder = keys.folder / str(version)
    if (folder / SETS).exists():
        return _prepared(keys, version, resumed=True)
    old = keys.key_set
    anew = reason is Reason.ANEW
    roots = _next_roots(keys, offline, drop)
    needed = threshold if threshold is not None else min(old.threshold, max(len(roots), 1))
    signing = OfflineKey(Ed25519PrivateKey.generate())
    publics = roots or (signing.signing_public,)
    if not (1 <= needed <= len(publics) <= MAX_ROOT_KEYS):
        raise Fault(
            "E-IDENTITY-093",
            "A key set has 1 to {most} root keys and a threshold not above their number; {roots} and {threshold} are "
            "given.",
            most=MAX_ROOT_KEYS,
            roots=len(publics),
            threshold=needed,
        )
    earlier = () if anew else _sets_of(keys)
    if len(earlier) >= MAX_SETS:
        raise Fault(
            "E-IDENTITY-094",
            "The keys were rotated {count} times, the most that a card carries; start anew with --anew.",
            count=len(earlier),
        )
    signers = _signers(keys, offline, signing, publics, anew=anew)
    building = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=keys.folder))
    try:
        pem, pin = furnish_set(building, keys.node_id, signing.private, at)
        fresh = KeySet(
            format=KEYSET_FORMAT,
            node_id=keys.node_id,
            version=version,
            created=moment(max(at, old.created_at)),
            expires=moment(expires),
            signing_key=_text(signing.signing_public),
            root_keys=tuple(_text(public) for public in publics),
            threshold=needed,
            ca_certificate=pem,
            certificate_sha256=pin,
            reason=reason,
            overlap_until=moment(at if reason is not Reason.ROTATED else overlap_until),
        )
        envelope = sign_key_set(fresh, signers)
        _check(keys, fresh, envelope, anew=anew)
        first = read_card(keys.card()).first_key or _text(keys.signing_public)
        write_secret(building / SETS, msgspec.json.encode({"first_key": first, "sets": [*earlier, envelope.decode()]}))
        sync_folder(building)
        building.rename(folder)
        sync_folder(keys.folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return _prepared(keys, version, resumed=False)


def activate(keys: NodeKeys, prepared: Prepared) -> None:
    """Put the prepared set in force, in one step, and destroy the signing and authority keys it replaces.

    The former TLS leaf stays for peers that have not heard yet; ``forget_former`` takes it away.
    """
    former = keys.secrets
    beside = keys.folder / f".{CURRENT}.{os.getpid()}"
    beside.unlink(missing_ok=True)
    write_secret(beside, f"{prepared.keys.version}\n".encode())
    beside.replace(keys.folder / CURRENT)
    sync_folder(keys.folder)
    for secret in ("signing.key", "ca.key"):
        destroy(former / secret)


def forget_former(keys: NodeKeys) -> bool:
    """Destroy the former TLS leaf keys, when there are any; peers that still pin one can no longer connect."""
    former = keys.former_secrets
    for folder in former.values():
        destroy(folder / "leaf.key")
    return bool(former)


def short_id(public: bytes) -> str:
    """How people name a public key."""
    return key_id(public)[:SHOWN_DIGITS]


def _prepared(keys: NodeKeys, version: int, *, resumed: bool) -> Prepared:
    found, card = keys.prepared(version)
    return Prepared(found, card, resumed)


def _next_roots(keys: NodeKeys, offline: Sequence[OfflineKey], drop: Sequence[str]) -> tuple[bytes, ...]:
    kept = [key for key in keys.key_set.root_publics if key != keys.signing_public]
    gone = [key for key in kept if any(key_id(key).startswith(named) for named in drop)]
    if len(gone) != len(drop):
        raise Fault("E-IDENTITY-095", "No root key, or more than one, begins with an id that is to be dropped.")
    roots = [key for key in kept if key not in gone]
    return tuple(dict.fromkeys([*roots, *(key.signing_public for key in offline)]))


def _signers(
    keys: NodeKeys, offline: Sequence[OfflineKey], signing: OfflineKey, roots: Sequence[bytes], *, anew: bool
) -> list[OfflineKey | NodeKeys]:
    """Whoever must stand behind the next set: root keys at hand, old and new, and its signing key."""
    old = keys.key_set
    wanted = set(roots) if anew else {*roots, *old.root_publics}
    at_hand: list[OfflineKey | NodeKeys] = [key for key in offline if key.signing_public in wanted]
    if keys.signing_public in wanted and not anew:
        at_hand.append(keys)
    held = sum(key.signing_public in old.root_publics for key in at_hand)
    if held < old.threshold and not anew:
        raise Refused(
            "E-IDENTITY-092",
            "The next key set needs {needed} of the root keys {roots}; give their files with --with.",
            needed=old.threshold,
            roots=", ".join(short_id(key) for key in old.root_publics),
        )
    return [*at_hand, signing]


def _sets_of(keys: NodeKeys) -> tuple[str, ...]:
    return read_card(keys.card()).key_sets


def _check(keys: NodeKeys, fresh: KeySet, envelope: bytes, *, anew: bool) -> None:
    """What every peer will check, before anything is kept."""
    if anew:
        check_own(fresh, envelope)
    else:
        succeed(keys.key_set, envelope, former=keys.periods)


def _text(public: bytes) -> str:
    return base64.b64encode(public).decode()
