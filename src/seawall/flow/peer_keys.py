"""Following the keys of other nodes: what each signed with and when, and the next key set once the old one vouches.

A card leads from a node's first key to the one in force; whoever holds an earlier card of it follows when the set held
is one of those in the new card. ``Known`` keeps what no card says: when *we* learned that a key was put away, which for
a stolen key divides what is provable from what a thief may have made.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from collections.abc import Sequence

import msgspec

from seawall.flow.node import Node
from seawall.identity import Card, KeyPeriod, KeySet, Reason, check_current, client_context, read_card
from seawall.identity.keyset import digest_of
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Refused, rfc3339, system_clock
from seawall.model.notice import Notice
from seawall.model.peer import PeerRecord, PeerState

KNOWN = "keys:{node_id}"
FORMER_PIN = "former-pin:{pin}"
FORMER_PINS = "former-pins:{peer}"
WAITING = "keys-waiting:{peer}"
HELD_PREKEYS = "prekeys:{peer}"
MAX_FORMER = 200  # keys remembered for one node: three new starts of the longest run of rotations


class KnownKey(msgspec.Struct, frozen=True):
    """A signing key of another node. Times in microseconds UTC."""

    version: int
    public: str  # base64
    begins: int
    ends: int | None = None
    stolen: bool = False
    learned: int | None = None  # when we heard that it was put away; None: before we knew the node, or in force

    @property
    def key(self) -> bytes:
        """The 32 bytes."""
        return binascii.a2b_base64(self.public)


class _FormerPin(msgspec.Struct, frozen=True):
    peer: str
    until: int


def known_keys(node: Node, card: Card) -> tuple[KnownKey, ...]:
    """Every signing key we know of the node behind ``card``, former ones first."""
    text = node.store.notes.get(KNOWN.format(node_id=card.node_id))
    kept = msgspec.json.decode(text, type=tuple[KnownKey, ...]) if text else ()
    return _joined(kept, card.periods(), None)


def follow(node: Node, record: PeerRecord, data: bytes) -> PeerRecord:
    """Put the key set in the card ``data`` in force for this peer, because the one held vouches for it.

    The same set again changes nothing. Raises Refused: E-FLOW-421 for another node's card, E-FLOW-422 for a second set
    of a version that is held, E-FLOW-423 when nothing leads from the set held to this one, E-IDENTITY-03x and 08x; then
    the one held stays in force.
    """
    fresh, held = read_card(data), read_card(record.card)
    if successor(held, fresh, record.code_name).version == held.sets()[-1].version:
        return record
    check_current(fresh.sets()[-1], system_clock())
    return put_in_force(node, record, data)


def successor(held: Card, fresh: Card, name: str) -> KeySet:
    """The set in force of ``fresh`` when the one of ``held`` leads there; the latter itself when it is the same.

    Raises Refused as ``follow`` does.
    """
    if fresh.node_id != held.node_id:
        raise Refused("E-FLOW-421", "The card is of another node than {peer}; its keys stay.", peer=name)
    ours, theirs = held.sets()[-1], fresh.sets()
    if theirs[-1].version < ours.version:
        raise Refused(
            "E-IDENTITY-082",
            "The key set is version {given} and version {held} is in force: nothing goes back to an older one.",
            given=theirs[-1].version,
            held=ours.version,
        )
    same = next((keys for keys in theirs if keys.version == ours.version), None)
    if same is None:
        raise Refused(
            "E-FLOW-423",
            "Nothing leads from the keys held of {peer} to these: it started anew. Add its card with 'peers add "
            "--replace' and compare the fingerprint, two people on each side.",
            peer=name,
        )
    if not _equal(same, ours):
        raise Refused(
            "E-FLOW-422",
            "There are two different key sets of version {version} of {peer}; the first one stays. Call them.",
            version=ours.version,
            peer=name,
        )
    return ours if theirs[-1].version == ours.version else theirs[-1]


def put_in_force(node: Node, record: PeerRecord, data: bytes, *, state: PeerState | None = None) -> PeerRecord:
    """Take over a card that is vouched for, and remember what the former one was good for."""
    fresh, now = read_card(data), system_clock()
    held = known_keys(node, read_card(record.card)) if fresh.node_id == record.node_id else ()
    known = _joined(held, fresh.periods(), now)
    if fresh.anew:  # a node starts anew because its keys are lost or stolen
        first = fresh.periods()[0]
        known = tuple(
            msgspec.structs.replace(key, ends=first.begins, stolen=True, learned=now) if key.ends is None
            and key.version < first.version else key
            for key in known
        )  # fmt: skip
    node.store.notes.set(KNOWN.format(node_id=fresh.node_id), msgspec.json.encode(known[-MAX_FORMER:]).decode())
    replaced = msgspec.structs.replace(
        record,
        node_id=fresh.node_id,
        name=fresh.name,
        certificate_sha256=fresh.certificate_sha256,
        signing_key=fresh.signing_key,
        fingerprint=fresh.fingerprint,
        card=data,
        state=state or record.state,
    )
    last = fresh.sets()[-1]
    before = read_card(record.card).sets()[-1].version
    since = [keys for keys in fresh.sets() if keys.version > before]
    rotated = state is None and all(keys.reason is Reason.ROTATED for keys in since)
    if not rotated:  # whoever stole the keys may have told prekeys too
        node.store.notes.delete(HELD_PREKEYS.format(peer=record.code_name))
    _keep_former_pin(node, record, min(since[0].overlaps_until, now + _overlap(node)) if rotated else None)
    node.store.peers.replace(replaced)
    details: dict[str, str | int | list[str]] = {
        "version": last.version,
        "reason": last.reason.value,
        "fingerprint": fresh.fingerprint,
    }
    node.ledger.record_event(LedgerEvent(EventKind.PEER_KEYS, node.clock(), "node", record.code_name, details))
    return replaced


def _keep_former_pin(node: Node, record: PeerRecord, until: int | None) -> None:
    """The certificate pinned until now is this peer's until then; with None it ends at once, and all before it."""
    key = FORMER_PINS.format(peer=record.code_name)
    text = node.store.notes.get(key)
    pins: list[str] = msgspec.json.decode(text, type=list[str]) if text else []
    if until is None:
        for pin in pins:
            node.store.notes.delete(FORMER_PIN.format(pin=pin))
        node.store.notes.delete(key)
        return
    former = _FormerPin(record.code_name, until)
    pin = record.certificate_sha256
    node.store.notes.set(FORMER_PIN.format(pin=pin), msgspec.json.encode(former).decode())
    node.store.notes.set(key, msgspec.json.encode([*pins, pin]).decode())


def hear_keys(node: Node, notice: Notice) -> None:
    """Handler of notices of kind ``keys``: the old key brought them, so the new one follows without a call."""
    card = notice.body.get("card")
    if not isinstance(card, str):
        raise Fault("E-FLOW-424", "The notice of new keys holds no card; nothing was changed.")
    follow(node, node.store.peers.get(notice.peer), card.encode())


def keys_taken(node: Node, notice: Notice) -> None:
    """A peer has our new keys: from now on it is called with the new certificate."""
    version = notice.body.get("version")
    key = WAITING.format(peer=notice.peer)
    if version == node.keys.version:
        node.store.notes.delete(key)
    elif isinstance(version, int) and node.store.notes.get(key) is not None:
        node.store.notes.set(key, str(version))


def drop_keys(node: Node, record: PeerRecord) -> tuple[bytes, ...]:
    """The keys a peer's drop may be signed with: one written before a rotation may arrive after it, unless stolen."""
    return tuple(key.key for key in reversed(known_keys(node, read_card(record.card))) if not key.stolen)


def describe_keys_of(node: Node, record: PeerRecord) -> dict[str, object]:
    """For ``peers list``: which key set of a peer is in force, until when, and why the one before it was put away."""
    card = read_card(record.card)
    keys = card.sets()[-1]
    former = [key for key in known_keys(node, card) if key.ends is not None]
    learned = former[-1].learned if former else None
    return {
        "version": keys.version,
        "expires": keys.expires,
        "state": "expired" if keys.expires_at < system_clock() else "in force",
        "former": None if not former else Reason.STOLEN.value if former[-1].stolen else Reason.ROTATED.value,
        "changed": None if learned is None else rfc3339(learned),
    }


def peer_of_pin(node: Node, pin: str) -> PeerRecord | None:
    """The peer that shows this certificate: the pinned one, or during the overlap the one pinned before."""
    record = node.store.peers.by_certificate(pin)
    if record is not None:
        return record
    text = node.store.notes.get(FORMER_PIN.format(pin=pin))
    if text is None:
        return None
    former = msgspec.json.decode(text, type=_FormerPin)
    return node.store.peers.get(former.peer) if system_clock() < former.until else None


def calling_context(node: Node, peer: PeerRecord) -> ssl.SSLContext:
    """The TLS context for calling this peer, with the certificate that it can know."""
    return client_context(node.keys, read_card(peer.card).ca_certificate, version=held_by(node, peer.code_name))


def held_by(node: Node, peer: str) -> int | None:
    """Which former key set of ours this peer still holds, while the overlap lasts; None: the one in force."""
    waiting = node.store.notes.get(WAITING.format(peer=peer))
    return int(waiting) if waiting is not None and overlapping(node) else None


def overlapping(node: Node) -> bool:
    """Whether our former TLS certificate is still shown to those who have not heard of the new one."""
    if not node.keys.former_secrets:
        return False
    return system_clock() < node.keys.key_set.created_at + _overlap(node)


def _overlap(node: Node) -> int:
    return round(node.settings.keys.overlap_hours * 3_600_000_000)


def _equal(one: KeySet, other: KeySet) -> bool:
    """Of version 1 a later card keeps the signing key alone."""
    if one.version == 1:
        return one.signing_key == other.signing_key
    return digest_of(one) == digest_of(other)


def _joined(kept: Sequence[KnownKey], said: Sequence[KeyPeriod], now: int | None) -> tuple[KnownKey, ...]:
    """What we kept, brought up to what a card says; ``now``: when a key that ends here was learned to have ended."""
    known = {key.public: key for key in kept}
    for period in said:
        public = base64.b64encode(period.public).decode()
        before = known.get(public)
        learned = before.learned if before is not None else None
        if now is not None and before is not None and before.ends is None and period.ends is not None:
            learned = now
        known[public] = KnownKey(period.version, public, period.begins, period.ends, period.stolen, learned)
    return tuple(sorted(known.values(), key=lambda key: (key.version, key.begins)))
