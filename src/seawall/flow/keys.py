"""This node's own keys: the set in force, its history, and the next one, which two named people ask for.

Rotation, in order: (1) two people, (2) the next set is made and signed by the old keys and its own, (3) the old key
tells every peer by a notice, and puts it on the ledger, (4) the new set is put in force. Until a peer has taken its
notice it is called with, and answered by, the former certificate, for at most ``keys.overlap_hours``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seawall.flow.node import Node
from seawall.flow.notices import send_before, sign_waiting_anew
from seawall.flow.peer_keys import WAITING, known_keys, overlapping
from seawall.flow.prekeys import describe_prekeys, tell_anew
from seawall.identity import OfflineKey, Reason, read_card
from seawall.identity.rotation import activate, forget_former, prepare, short_id
from seawall.ledger import EventKind
from seawall.model import Fault, Refused, rfc3339, system_clock
from seawall.model.notice import NoticeKind
from seawall.model.peer import PeerState

DAY = 86_400_000_000  # microseconds
MAX_PASSWORD_FILE = 4_096  # bytes
NOBODY_FOLLOWS = "no peer follows to these keys by itself: hand out 'peers card' and read the fingerprint aloud"
TOLD = frozenset({PeerState.VERIFIED, PeerState.SUSPENDED, PeerState.QUARANTINED})


def show_keys(node: Node) -> dict[str, object]:
    """The key set in force."""
    node.require("read")
    keys = node.keys.key_set
    return {
        "node_id": keys.node_id,
        "version": keys.version,
        "created": keys.created,
        "expires": keys.expires,
        "expired": keys.expires_at < system_clock(),
        "reason": keys.reason.value if keys.version > 1 else None,
        "signing_key": short_id(keys.signing_public),
        "root_keys": [short_id(key) for key in keys.root_publics],
        "offline_roots": sum(key != keys.signing_public for key in keys.root_publics),
        "threshold": keys.threshold,
        "certificate_sha256": keys.certificate_sha256,
        "fingerprint": node.keys.fingerprint,
        "former_certificate_shown": overlapping(node),
        "waiting_for": [
            peer.code_name
            for peer in node.store.peers.list()
            if node.store.notes.get(WAITING.format(peer=peer.code_name)) is not None
        ],
        **describe_prekeys(node),
    }


def list_keys(node: Node, peer: str | None) -> list[dict[str, object]]:
    """Every signing key of ours, or that we know of a peer, with its time; the one in force is last."""
    node.require("read")
    card = read_card(node.keys.card() if peer is None else node.store.peers.get(peer).card)
    return [
        {
            "version": key.version,
            "signing_key": short_id(key.key),
            "begins": rfc3339(key.begins),
            "ends": None if key.ends is None else rfc3339(key.ends),
            "state": "in force" if key.ends is None else Reason.STOLEN.value if key.stolen else "former",
            "learned": None if key.learned is None else rfc3339(key.learned),
        }
        for key in known_keys(node, card)
    ]


def make_root(path: Path, password_file: Path | None) -> dict[str, object]:
    """Make an offline root key in a new file; it becomes one with ``keys rotate --with``."""
    key = OfflineKey.create(path, _password(password_file))
    return {"file": str(path), "root_key": short_id(key.signing_public), "encrypted": password_file is not None}


def rotate_keys(
    node: Node,
    *,
    files: Sequence[Path] = (),
    password_file: Path | None = None,
    threshold: int | None = None,
    drop: Sequence[str] = (),
    reason: Reason = Reason.ROTATED,
) -> dict[str, object]:
    """Replace all keys of this node. Raises Refused E-FLOW-420 without a second person, and what ``prepare`` raises."""
    first, second = node.require("manage-peers"), node.approver
    if second is None:
        raise Refused("E-FLOW-420", "Two named people rotate the keys; give the second token with --approver-token.")
    offline = [OfflineKey.load(path, _password(password_file)) for path in files]
    now = system_clock()  # as certificates, key sets are judged by the machines' own clocks
    keys = node.settings.keys
    prepared = prepare(
        node.keys,
        at=now,
        expires=now + keys.life_days * DAY,
        overlap_until=now + round(keys.overlap_hours * 3_600_000_000),
        reason=reason,
        offline=offline,
        threshold=threshold,
        drop=drop,
    )
    version = prepared.keys.version
    node.store.approvals.both("keys", f"{node.keys.node_id} {version}", first.name, second.name, node.clock())
    anew = prepared.keys.reason is Reason.ANEW
    told = [] if anew else [peer.code_name for peer in node.store.peers.list() if peer.state in TOLD]
    body = {"version": version, "card": prepared.card.decode()}

    def put_in_force() -> None:
        for peer in told:
            key = WAITING.format(peer=peer)
            if node.store.notes.get(key) is None:  # an earlier rotation waits for it too: it holds an older set
                node.store.notes.set(key, str(version - 1))
        people = [first.name, second.name]
        reasoned = prepared.keys.reason.value
        node.event(EventKind.KEYS_ROTATED, node.keys.node_id, version=version, reason=reasoned, approved_by=people)
        activate(node.keys, prepared)

    send_before(node, NoticeKind.KEYS, dict.fromkeys(told, body), put_in_force)
    if anew:
        sign_waiting_anew(node)
    tell_anew(node, wipe=prepared.keys.reason is not Reason.ROTATED)
    return {
        "version": version,
        "reason": prepared.keys.reason.value,
        "expires": prepared.keys.expires,
        "fingerprint": node.keys.fingerprint,
        "told": told,
        "resumed": prepared.resumed,
        "approved_by": [first.name, second.name],
        "problems": [NOBODY_FOLLOWS] if anew else [],
    }


def tend_keys(node: Node) -> bool:
    """Destroy the former TLS key once nobody may see it any more; for the job that renews certificates."""
    return not overlapping(node) and forget_former(node.keys)


def _password(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return file.read(MAX_PASSWORD_FILE).rstrip(b"\r\n")
    except OSError as error:
        raise Fault(
            "E-FLOW-425",
            "Cannot read the file with the root key's password {path}: {reason}.",
            path=path,
            reason=error.strerror or error,
        ) from None
