"""What a leaf says, as canonical JSON (sorted keys, no spaces), and the other events that belong on the record."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

from seawall.identity.sealing import Box
from seawall.model import Release, Withheld


class EventKind(StrEnum):
    """Events beside releases and refusals. The spelling is stored and stable."""

    KEYS_CREATED = "keys-created"
    KEYS_RENEWED = "keys-renewed"
    KEYS_ROTATED = "keys-rotated"
    PEER_KEYS = "peer-keys"
    ORIGIN_TRUSTED = "origin-trusted"
    ORIGIN_DISTRUSTED = "origin-distrusted"
    PEER_ADDED = "peer-added"
    PEER_VERIFIED = "peer-verified"
    PEER_SUSPENDED = "peer-suspended"
    PEER_SEVERED = "peer-severed"
    PEER_THROTTLED = "peer-throttled"
    PEER_QUARANTINED = "peer-quarantined"
    PEER_RELEASED = "peer-released"
    OBJECT_CLEARED = "object-cleared"
    CIRCLE_TERMS = "circle-terms"
    CIRCLE_AGREED = "circle-agreed"
    STANDING_SUSPENDED = "standing-suspended"
    STANDING_RESUMED = "standing-resumed"
    APPROVAL = "approval"
    SYNC_RECEIPT = "sync-receipt"
    LAKE_COPIED = "lake-copied"
    INBOUND_DECLINED = "inbound-declined"
    RECALL = "recall"
    RECALL_OBEYED = "recall-obeyed"
    NOTICE_SENT = "notice-sent"
    MESSAGE_SENT = "message-sent"
    RELAY_SET = "relay-set"
    PEER_COMPROMISED = "peer-compromised"
    PEER_CLEARED = "peer-cleared"
    OVERLAP_RUN = "overlap-run"
    OVERLAP_COUNTED = "overlap-counted"
    OVERLAP_PERMITTED = "overlap-permitted"
    OVERLAP_TOLD = "overlap-told"
    OVERLAP_TAKEN = "overlap-taken"
    EVIDENCE_MISMATCH = "evidence-mismatch"
    QUESTION_ASKED = "question-asked"
    QUESTION_ANSWERED = "question-answered"
    HUNT_RECEIVED = "hunt-received"
    HUNT_REVIEWED = "hunt-reviewed"
    HUNT_RUN = "hunt-run"
    HUNT_SPENT = "hunt-spent"
    HUNT_TOLD = "hunt-told"
    OVERRIDE = "override"
    CANARY = "canary"
    ROLLED_BACK = "rolled-back"
    PAYLOAD_ERASED = "payload-erased"
    REPAIR = "repair"
    LEDGER_FORKED = "ledger-forked"
    BACKED_UP = "backed-up"
    RESTORED = "restored"
    RESTORE_ACCEPTED = "restore-accepted"
    UPGRADED = "upgraded"
    VAULT_ENCRYPTED = "vault-encrypted"
    VAULT_REWRAPPED = "vault-rewrapped"
    VAULT_DESTROYED = "vault-destroyed"
    AGGREGATE_AGREED = "aggregate-agreed"
    AGGREGATE_STARTED = "aggregate-started"
    AGGREGATE_JOINED = "aggregate-joined"
    AGGREGATE_CONTRIBUTED = "aggregate-contributed"
    AGGREGATE_FINISHED = "aggregate-finished"
    AGGREGATE_EXPORTED = "aggregate-exported"
    COMMITTED = "committed"
    BUDGET_SPENT = "budget-spent"
    BUDGET_REFILLED = "budget-refilled"
    DECOYS_DRAWN = "decoys-drawn"
    DECOY_HIT = "decoy-hit"
    ORDER_APPLIED = "order-applied"
    ORDERS_KILLED = "orders-killed"
    ORDERS_LIFTED = "orders-lifted"
    POINT_SAVED = "point-saved"
    POINT_REMOVED = "point-removed"
    PLANT_LEAVE = "plant-leave"
    OVERLAP_STOPPED = "overlap-stopped"
    OVERLAP_PAUSED = "overlap-paused"
    OVERLAP_RESUMED = "overlap-resumed"
    AGENT_INVITED = "agent-invited"
    AGENT_ENROLLED = "agent-enrolled"
    BOOK_RESUMED = "book-resumed"
    AGENT_TOLD = "agent-told"
    FEED_ADDED = "feed-added"
    FEED_ROTATED = "feed-rotated"
    FEED_REMOVED = "feed-removed"
    FEED_HANDED = "feed-handed"


class LedgerEvent(msgspec.Struct, frozen=True):
    """Something that happened around sharing: who did what to which subject, with a few plain details."""

    kind: EventKind
    at: int  # microseconds UTC
    actor: str  # local user, peer code name, or "node"
    subject: str  # which peer, circle, object ...
    details: dict[str, str | int | list[str]] = {}


def canonical_event(value: Release | Withheld | LedgerEvent) -> bytes:
    """The bytes a leaf commits to. A release lists [id, version, SHA-256 of the bytes that leave] of each object."""
    return msgspec.json.encode(_plain(value), order="sorted")


def refusal_key(withheld: Withheld, box: Box | None = None) -> bytes:
    """16 bytes naming what one refusal leaf stands for: recipient, circle, object version and policy version.

    With a ``box``, nobody without its key can try what they stand for.
    """
    parts = [
        withheld.recipient,
        withheld.circle,
        withheld.object_id,
        withheld.object_version,
        withheld.policy_version,
    ]
    key = b"" if box is None else box.mark_key
    return hashlib.blake2b(msgspec.json.encode(parts), key=key, digest_size=16).digest()


def _plain(value: Release | Withheld | LedgerEvent) -> dict[str, object]:
    if isinstance(value, LedgerEvent):
        return {
            "kind": value.kind.value,
            "at": value.at,
            "actor": value.actor,
            "subject": value.subject,
            "details": value.details,
        }
    shared: dict[str, object] = {
        "at": value.at,
        "recipient": value.recipient,
        "circle": value.circle,
        "rule": value.rule,
        "policy_version": value.policy_version,
    }
    if isinstance(value, Withheld):
        return shared | {
            "kind": "withheld",
            "object_id": value.object_id,
            "object_version": value.object_version,
            "reason": value.reason,
        }
    return shared | {
        "kind": "release",
        "purpose": value.purpose,
        "approved_by": list(value.approved_by),
        "objects": [[item.id, item.version, hashlib.sha256(item.body).hexdigest()] for item in value.objects],
    }
