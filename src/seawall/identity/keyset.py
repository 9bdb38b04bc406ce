"""Key sets: which keys speak for a node, and how one set follows another (the root rule of TUF, section 5.3).

A set is a signed document (DSSE). Version N+1 is accepted, in this order, when (1) its envelope opens, (2) it is of the
same node, (3) it is exactly version N+1, (4) a threshold of version N's root keys signed it, (5) a threshold of its own
root keys and its own signing key signed it, (6) no key returns that was put away, (7) it was made neither before
version N nor in the future, and (8), for the set that is to be in force, it has not expired. Otherwise version N stays.

Root keys vouch for the next set; the signing key signs everything else. A node without offline root keys has one key
for both. Version 1 is the card itself: its signing key is its only root key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from seawall.identity import dsse
from seawall.model import Fault, Refused, rfc3339, to_microseconds
from seawall.model.canonical_json import canonical_json
from seawall.model.moments import parse_moment
from seawall.model.unreadable import UNREADABLE

KEYSET_FORMAT = "seawall-keys-1"
KEYSET_TYPE = "application/vnd.seawall.keys.v1+json"
MAX_ROOT_KEYS = 3  # old and new root keys and the new signing key stay within dsse.MAX_SIGNATURES
MAX_SETS = 64  # rotations a card carries; one a month for five years
MAX_SET_BYTES = 6_000  # an envelope with three root keys takes about 2,500
CLOCK_SKEW = 86_400_000_000  # microseconds; as for certificates, a peer's clock may be a day off


class Reason(StrEnum):
    """Why a set replaced the one before."""

    ROTATED = "rotated"  # in the course of things: what the old key signed until then stays good
    STOLEN = "stolen"  # the old key is in wrong hands: only what others held before then stays provable
    ANEW = "anew"  # all keys are lost or stolen: nothing vouches for this set but two people and its fingerprint


class KeySet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of one node at one time. Moments are RFC 3339 UTC, public keys 32 bytes in base64."""

    format: str
    node_id: str
    version: int
    created: str
    expires: str
    signing_key: str
    root_keys: tuple[str, ...]
    threshold: int  # signatures of root keys that the next set needs
    ca_certificate: str  # PEM
    certificate_sha256: str  # pin of the TLS leaves
    reason: Reason
    overlap_until: str  # until then the former TLS certificate is still this node's; never later than needed

    @property
    def signing_public(self) -> bytes:
        """The 32 bytes of the signing key."""
        return base64.b64decode(self.signing_key)

    @property
    def root_publics(self) -> tuple[bytes, ...]:
        """The root keys, 32 bytes each."""
        return tuple(base64.b64decode(key) for key in self.root_keys)

    @property
    def created_at(self) -> int:
        """Microseconds UTC."""
        return to_microseconds(parse_moment(self.created))

    @property
    def expires_at(self) -> int:
        """Microseconds UTC."""
        return to_microseconds(parse_moment(self.expires))

    @property
    def overlaps_until(self) -> int:
        """Microseconds UTC; for a stolen key the moment of the rotation itself."""
        return to_microseconds(parse_moment(self.overlap_until))


class KeyPeriod(msgspec.Struct, frozen=True):
    """One signing key and its time. Times in microseconds UTC."""

    version: int
    public: bytes
    begins: int
    ends: int | None = None  # None: in force
    stolen: bool = False


def key_set_bytes(keys: KeySet) -> bytes:
    """The canonical JSON of a set: what its signatures cover."""
    return canonical_json(msgspec.to_builtins(keys))


def sign_key_set(keys: KeySet, signers: Sequence[dsse.Signer]) -> bytes:
    """The envelope over a set with one signature of each signer."""
    return dsse.sign_all(key_set_bytes(keys), KEYSET_TYPE, signers)


def read_key_set(envelope: bytes) -> KeySet:
    """The set inside, not yet believed. Raises Refused E-IDENTITY-080 when it is none."""
    try:
        if len(envelope) > MAX_SET_BYTES:
            raise _none("it is larger than a key set can be")
        return _read(dsse.peek(envelope, KEYSET_TYPE))
    except Refused as refused:
        if refused.code == "E-IDENTITY-080":
            raise
        raise _none("its envelope is malformed or of another type") from None


def succeed(old: KeySet, envelope: bytes, *, former: Sequence[KeyPeriod] = ()) -> KeySet:
    """The set in ``envelope`` when it may follow ``old``; tests (1) to (7) except the clock.

    ``former``: the node's earlier signing keys. Raises Refused E-IDENTITY-080 to 087; ``old`` then stays in force.
    """
    fresh = read_key_set(envelope)
    if fresh.node_id != old.node_id:
        raise Refused("E-IDENTITY-081", "The key set belongs to another node; the one held stays in force.")
    if fresh.version <= old.version:
        raise Refused(
            "E-IDENTITY-082",
            "The key set is version {given} and version {held} is in force: nothing goes back to an older one.",
            given=fresh.version,
            held=old.version,
        )
    if fresh.version != old.version + 1:
        raise Refused(
            "E-IDENTITY-083",
            "The key set is version {given} and version {held} is in force: none may be skipped; ask for all of them.",
            given=fresh.version,
            held=old.version,
        )
    _require(envelope, old.root_publics, old.threshold, fresh.version, "old")
    check_own(fresh, envelope)
    known = {old.signing_public, *(period.public for period in former)}
    if fresh.signing_public in known:
        raise Refused("E-IDENTITY-086", "The key set brings back a signing key that was put away; make a new one.")
    if fresh.created_at < old.created_at - CLOCK_SKEW:
        raise Refused(
            "E-IDENTITY-087",
            "Version {given} of the key set claims to be older than version {held}; its node's clock may be wrong.",
            given=fresh.version,
            held=old.version,
        )
    return fresh


def check_own(keys: KeySet, envelope: bytes) -> None:
    """Test (5): the set's own root keys and its signing key stand behind it. Raises Refused E-IDENTITY-085."""
    _require(envelope, keys.root_publics, keys.threshold, keys.version, "new")
    _require(envelope, (keys.signing_public,), 1, keys.version, "new")


def check_current(keys: KeySet, at: int) -> KeySet:
    """Tests (7) and (8) at the moment ``at``, with a day for wrong clocks; the same set.

    Raises Refused E-IDENTITY-088 (expired) or E-IDENTITY-089 (made in the future).
    """
    if keys.expires_at + CLOCK_SKEW < at:
        raise Refused(
            "E-IDENTITY-088",
            "Version {given} of the key set expired on {day}; ask its owner for the current one.",
            given=keys.version,
            day=keys.expires[:10],
        )
    if keys.created_at - CLOCK_SKEW > at:
        raise Refused(
            "E-IDENTITY-089",
            "Version {given} of the key set is dated {day}, which is in the future; compare the clocks.",
            given=keys.version,
            day=keys.created[:10],
        )
    return keys


def periods(sets: Sequence[KeySet]) -> tuple[KeyPeriod, ...]:
    """The signing keys of consecutive sets, each until the next one was made."""
    found = []
    for place, keys in enumerate(sets):
        following = sets[place + 1] if place + 1 < len(sets) else None
        ends = None if following is None else following.created_at
        stolen = following is not None and following.reason is not Reason.ROTATED
        found.append(KeyPeriod(keys.version, keys.signing_public, keys.created_at, ends, stolen))
    return tuple(found)


def first_set(node_id: str, created: str, signing_key: str, *, ca_certificate: str, pin: str, expires: str) -> KeySet:
    """Version 1, which is never sent: its fields stand in the card."""
    return KeySet(
        format=KEYSET_FORMAT,
        node_id=node_id,
        version=1,
        created=created,
        expires=expires,
        signing_key=signing_key,
        root_keys=(signing_key,),
        threshold=1,
        ca_certificate=ca_certificate,
        certificate_sha256=pin,
        reason=Reason.ROTATED,
        overlap_until=created,
    )


def moment(at: int) -> str:
    """Microseconds UTC as a set writes them."""
    return rfc3339(at)


def digest_of(keys: KeySet) -> bytes:
    """SHA-256 over the canonical set."""
    return hashlib.sha256(key_set_bytes(keys)).digest()


def _require(envelope: bytes, publics: Sequence[bytes], threshold: int, version: int, which: str) -> None:
    signed = len(dsse.signed_by(envelope, KEYSET_TYPE, publics))
    if signed >= threshold:
        return
    if which == "old":
        raise Refused(
            "E-IDENTITY-084",
            "Version {given} of the key set is signed by {signed} of the former root keys where {needed} are needed.",
            given=version,
            signed=signed,
            needed=threshold,
        )
    raise Refused(
        "E-IDENTITY-085",
        "Version {given} of the key set is signed by {signed} of its own keys where {needed} are needed.",
        given=version,
        signed=signed,
        needed=threshold,
    )


def _read(payload: bytes) -> KeySet:
    try:
        keys = msgspec.json.decode(payload, type=KeySet)
        publics = [base64.b64decode(key, validate=True) for key in (keys.signing_key, *keys.root_keys)]
        moments = keys.created_at, keys.expires_at, keys.overlaps_until
    except (binascii.Error, ValueError, OverflowError, Fault, *UNREADABLE):
        raise _none("a field of it is missing or cannot be read") from None
    if keys.format != KEYSET_FORMAT or payload != key_set_bytes(keys):
        raise _none("it is of another version or not in canonical form")
    if any(len(public) != 32 for public in publics) or len(keys.certificate_sha256) != 64:
        raise _none("a key of it is not of the right length")
    if not 1 <= len(set(publics[1:])) == len(publics[1:]) <= MAX_ROOT_KEYS:
        raise _none("it has no root key, too many, or one twice")
    if not (1 <= keys.threshold <= len(keys.root_keys) and keys.version >= 1 and moments[0] < moments[1]):
        raise _none("its threshold, version or expiry cannot be")
    return keys


def _none(reason: str) -> Refused:
    return Refused(
        "E-IDENTITY-080", "This is not a usable key set: {reason}; the one held stays in force.", reason=reason
    )
