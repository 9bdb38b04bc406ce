"""Checkpoints that others cosigned, as dates: what stood under one existed when its witness signed."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec

from seawall import ledger as log
from seawall.flow.ledger_books import ledger_key_of
from seawall.flow.node import Node
from seawall.flow.peer_keys import known_keys
from seawall.identity import read_card
from seawall.ledger import VerifierKey
from seawall.ledger.signed_note import check_note
from seawall.model import Fault, Refused
from seawall.model.peer import PeerRecord, PeerState

WITNESSES = "overlap-witnesses"
"""Key of the note that lists the verifier keys of witnesses that are no peers and whose word counts here."""
MAX_WITNESSES = 100
_SECONDS = struct.Struct(">Q")


def keep_cosigned(node: Node) -> int:
    """Keep every cosigned checkpoint of ours one by one: the ledger's own folder holds only the last of each witness.

    How many are new.
    """
    new = 0
    held = {(key_id, size) for key_id, size, _, _ in node.store.commitments.cosigned(0)}
    for item in log.kept(node.folder / "ledger", node.keys.payload_box):
        seconds = _seconds(item.note, item.key_id)
        if seconds is not None and (item.key_id, item.size) not in held:
            node.store.commitments.keep_cosigned(item.key_id, item.size, seconds * 1_000_000, item.note)
            new += 1
    return new


def best_note(node: Node, least: int, peer: str | None) -> str | None:
    """The earliest checkpoint of ours over at least so many leaves: of this peer, else of anybody."""
    found = _notes(node, least, peer)
    return found[0] if found else None


def latest_note(node: Node, peer: str | None) -> str | None:
    """The newest checkpoint of ours: of this peer, else of anybody."""
    found = _notes(node, 1, peer)
    return found[-1] if found else None


def _notes(node: Node, least: int, peer: str | None) -> list[str]:
    found = node.store.commitments.cosigned(least)
    if peer is not None:
        name = f"seawall/{node.store.peers.get(peer).node_id}"
        theirs = [note for key_id, _, _, note in found if _signer(note, key_id) == name]
        if theirs:
            return theirs
    return [note for _, _, _, note in found]


def ledger_keys_of(node: Node, record: PeerRecord) -> list[VerifierKey]:
    """The keys that a peer's checkpoints may be signed with, the present one first."""
    present = ledger_key_of(record)
    former = (key.key for key in known_keys(node, read_card(record.card)))
    return [present, *(VerifierKey(present.name, log.ED25519, key) for key in former if key != present.public)]


def believed(node: Node, peer: str) -> list[VerifierKey]:
    """Whose cosignature dates a leaf of ``peer``: ours, other verified peers', and that of witnesses named here."""
    own = log.witness_key(node.keys)
    keys = [own, *(VerifierKey(own.name, log.COSIGNATURE, public) for public in node.keys.former_keys)]
    for other in node.store.peers.list():
        if other.code_name != peer and other.state is PeerState.VERIFIED:
            theirs = ledger_key_of(other)
            keys.append(VerifierKey(theirs.name, log.COSIGNATURE, theirs.public))
    return [*keys, *witnesses(node)]


def cosigned_at(note: str, keys: Sequence[VerifierKey]) -> int | None:
    """The earliest moment (microseconds UTC) at which one of these keys signed the note; None when none did."""
    signed = log.read_note(note.encode())
    stamps = []
    for key in keys:
        if signed.by(key) is not None:
            try:
                stamp = check_note(signed, key)
            except Refused:
                continue
            if stamp is not None:
                stamps.append(stamp * 1_000_000)
    return min(stamps, default=None)


def witnesses(node: Node) -> list[VerifierKey]:
    """Witnesses that are no peers and whose word counts here."""
    text = node.store.notes.get(WITNESSES)
    return [log.read_key(each) for each in msgspec.json.decode(text, type=list[str])] if text else []


def believe(node: Node, key: str) -> dict[str, object]:
    """Let the cosignatures of a witness date what peers commit to. Raises Fault E-LEDGER-021, E-FLOW-517, 518."""
    node.require("manage-peers")
    fresh = log.read_key(key)
    if fresh.kind != log.COSIGNATURE:
        raise Fault("E-FLOW-517", "This is the key of a ledger; the key of a witness is the one called witness_key.")
    held = witnesses(node)
    if fresh not in held:
        if len(held) >= MAX_WITNESSES:
            raise Fault("E-FLOW-518", "{most} witnesses are named already.", most=MAX_WITNESSES)
        held.append(fresh)
        node.store.notes.set(WITNESSES, msgspec.json.encode([str(each) for each in held]).decode())
    return {"witnesses": [str(each) for each in held]}


def _seconds(note: str, key_id: str) -> int | None:
    made = next((made for _, id, made in log.read_note(note.encode()).signatures if id.hex() == key_id), b"")
    return int(_SECONDS.unpack_from(made)[0]) if len(made) == _SECONDS.size + 64 else None


def _signer(note: str, key_id: str) -> str | None:
    return next((name for name, id, _ in log.read_note(note.encode()).signatures if id.hex() == key_id), None)
