"""Prekeys of this node and of its peers: made weekly, told to every peer by a notice, wiped in time.

A peer is told whenever notices are about to go to it and it has not heard of the key in force, so that one
synchronisation, drop or delivery is enough for both sides. What we hold of a peer is what its newest notices said:
nothing is held of a node whose keys were stolen, or who started anew, until it tells again.
"""

from __future__ import annotations

import msgspec

from seawall.flow.alone import alone
from seawall.flow.node import Node
from seawall.flow.peer_keys import HELD_PREKEYS, known_keys
from seawall.identity import read_card
from seawall.identity.prekey_files import load_prekeys, make_prekey, wipe_prekeys
from seawall.identity.prekeys import (
    CLOCK_SKEW,
    KEPT_AFTER_END,
    OwnPrekeys,
    Prekey,
    PublicPrekey,
    SenderKeys,
    read_prekey,
    sign_prekey,
)
from seawall.model import Fault, Refused, Unavailable, rfc3339, system_clock
from seawall.model.notice import Notice, NoticeKind
from seawall.model.peer import PeerRecord, PeerState

TOLD = "prekey-told:{peer}"
READS = "notices-read:{peer}"
"""Which further kinds of notices a peer said that it reads, by commas."""
MAX_HELD = 16  # of one peer: nine weeks' may still stand behind a message on its way
SECOND = 1_000_000
LOCK, LOCK_SECONDS = "prekeys.lock", 30.0


class _Told(msgspec.Struct, frozen=True):
    """Which of our prekeys a peer was told of last, and when that one ends (microseconds UTC)."""

    key: str
    ends: int
    by: int = 1  # version of our key set that signed it


def recipient_keys(node: Node, peer: str) -> PublicPrekey:
    """What a message to this peer is sealed for. Raises Unavailable E-FLOW-466 before it told a key of its own."""
    held = held_prekeys(node, node.store.peers.get(peer))
    if not held:
        raise Unavailable(
            "E-FLOW-466",
            "{peer} has not told the key that messages to it are sealed for; run 'seawall sync {peer}' once.",
            peer=peer,
        )
    return held[0]


def sender_keys(node: Node, peer: str) -> SenderKeys:
    """What messages from this peer are judged by: a key that was rotated (not stolen) still signed what is on its way.

    Raises NotFound for nobody.
    """
    record = node.store.peers.get(peer)
    since = system_clock() - KEPT_AFTER_END  # key sets are dated by the machines' own clocks
    signing = tuple(
        key.key
        for key in reversed(known_keys(node, read_card(record.card)))
        if key.ends is None or (not key.stolen and key.ends > since)
    )
    return SenderKeys(record.node_id, signing, held_prekeys(node, record))


def own_prekeys(node: Node) -> OwnPrekeys:
    """Ours, newest first; the first one is made when there is none, the next one when a week is over."""
    now = node.clock()
    own = load_prekeys(node.keys.folder, now)
    if own is not None and _in_force(own.newest, now):
        return own
    with alone(node.folder / LOCK, _busy(), seconds=LOCK_SECONDS):
        own = load_prekeys(node.keys.folder, now)
        if own is None or not _in_force(own.newest, now):
            made = make_prekey(node.keys.folder, node.keys.node_id, now)
            own = OwnPrekeys((made, *(own.keys if own is not None else ())))
    return own


def tend_prekeys(node: Node) -> str:
    """The job: make the next one, tell every peer that has not heard of it, wipe what ended 30 days ago."""
    own = own_prekeys(node)
    peers = [record for record in node.store.peers.list() if record.carried or reads_prekeys(node, record.code_name)]
    told = sum(tell_prekey(node, record.code_name) for record in peers)
    with alone(node.folder / LOCK, _busy(), seconds=LOCK_SECONDS):
        wiped = wipe_prekeys(node.keys.folder, node.clock())
    return f"in force since {rfc3339(own.newest.created)}, {told} told, {wiped} wiped"


def reads_prekeys(node: Node, peer: str) -> bool:
    """Whether the peer said on the line that it knows such notices; an older version would stumble over them."""
    return NoticeKind.PREKEYS.value in (node.store.notes.get(READS.format(peer=peer)) or "").split(",")


def tell_prekey(node: Node, peer: str) -> bool:
    """Queue a notice of our prekey in force for a peer that has not heard of it; whether there was need to."""
    from seawall.flow.notices import send_notice

    text = node.store.notes.get(TOLD.format(peer=peer))
    told = msgspec.json.decode(text, type=_Told) if text is not None else None
    if told is not None and node.clock() < told.ends and told.by == node.keys.version:
        return False
    if node.store.peers.get(peer).state is not PeerState.VERIFIED:
        return False
    newest = own_prekeys(node).newest.public
    document = sign_prekey(newest, node.keys).decode()
    try:
        send_notice(node, peer, NoticeKind.PREKEYS, {"prekey": document})
    except Refused:  # too much waits for it already
        return False
    fresh = _Told(newest.key_id.hex(), newest.ends, node.keys.version)
    node.store.notes.set(TOLD.format(peer=peer), msgspec.json.encode(fresh).decode())
    return True


def tell_anew(node: Node, *, wipe: bool) -> None:
    """After new keys or a restore: another prekey, told to every peer. ``wipe``: the former ones are in wrong hands."""
    with alone(node.folder / LOCK, _busy(), seconds=LOCK_SECONDS):
        if wipe:
            wipe_prekeys(node.keys.folder, None)
        make_prekey(node.keys.folder, node.keys.node_id, node.clock())
    for record in node.store.peers.list():
        node.store.notes.delete(TOLD.format(peer=record.code_name))
        if record.carried or reads_prekeys(node, record.code_name):
            tell_prekey(node, record.code_name)


def hear_prekey(node: Node, notice: Notice) -> None:
    """Handler of notices of kind ``prekeys``. Raises Refused E-IDENTITY-100 to 103; then the one held stays."""
    record = node.store.peers.get(notice.peer)
    document = notice.body.get("prekey")
    if not isinstance(document, str):
        raise Fault("E-FLOW-468", "The notice of a prekey holds none; nothing was changed.")
    signing = [read_card(record.card).signing_public]
    public = read_prekey(document.encode(), node_id=record.node_id, keys=signing, at=node.clock())
    keep_prekey(node, record, public, newest=True)


def keep_prekey(node: Node, record: PeerRecord, public: PublicPrekey, *, newest: bool) -> None:
    """Keep one that this peer told; ``newest``: even where it is dated before another, as after a restore."""
    held = held_prekeys(node, record)
    if held and held[0].key_id == public.key_id:
        return
    others = [key for key in held if key.key_id != public.key_id]
    first = newest or not others or public.created > others[0].created
    kept = [public, *others] if first else [others[0], public, *others[1:]]
    key = HELD_PREKEYS.format(peer=record.code_name)
    node.store.notes.set(key, msgspec.json.encode(kept[:MAX_HELD]).decode())


def held_prekeys(node: Node, record: PeerRecord) -> tuple[PublicPrekey, ...]:
    """What this peer told of and may still be used to judge what it said, as last told first."""
    text = node.store.notes.get(HELD_PREKEYS.format(peer=record.code_name))
    held = msgspec.json.decode(text, type=tuple[PublicPrekey, ...]) if text is not None else ()
    now = node.clock()
    return tuple(key for key in held if key.node_id == record.node_id and key.opens_until > now)


def describe_prekeys(node: Node) -> dict[str, object]:
    """For ``keys show``: the one in force and its age; all null before the first one was made."""
    now = node.clock()
    own = load_prekeys(node.keys.folder, now)
    newest = own.newest if own is not None else None
    return {
        "prekey": newest.public.key_id.hex()[:16] if newest is not None else None,
        "prekey_created": rfc3339(newest.created) if newest is not None else None,
        "prekey_ends": rfc3339(newest.ends) if newest is not None else None,
        "prekey_age_seconds": max(0, now - newest.created) // SECOND if newest is not None else None,
        "prekeys_kept": len(own.keys) if own is not None else 0,
    }


def _in_force(prekey: Prekey, now: int) -> bool:
    return now < prekey.ends and prekey.created <= now + CLOCK_SKEW


def _busy() -> Unavailable:
    return Unavailable("E-FLOW-467", "Another process makes or wipes prekeys; try again in a moment.")
