"""Each other's ledgers cosigned within the greeting of a run: both can show that what enters was committed to before.

Without this, evidence would have to wait for the daily round of checkpoints.
"""

from __future__ import annotations

import base64

import msgspec

from seawall import ledger as log
from seawall.flow.cosigned import keep_cosigned, ledger_keys_of
from seawall.flow.ledger_books import ledger_key_of, tell, told_of
from seawall.flow.node import Node
from seawall.flow.witnessing import cosign_request, note_of
from seawall.ledger import Verdict, VerifierKey
from seawall.model import Fault


class Signed(msgspec.Struct, frozen=True):
    """What came of a wish for a cosignature: the cosigned note, or the last one that was signed before."""

    cosigned: str = ""
    elsewhere: str = ""


def wish(node: Node, peer: str) -> bytes:
    """Our newest checkpoint, with the proof that it continues what this peer signed last."""
    old = told_of(node, peer).size
    head = node.ledger.head()
    old = old if old <= head.size else 0
    proof = node.ledger.prove_continues(old, head) if old else []
    lines = "".join(base64.b64encode(item).decode() + "\n" for item in proof)
    return f"old {old}\n{lines}\n{note_of(node, head)}".encode()


def grant(node: Node, peer: str, data: bytes) -> Signed:
    """Cosign what a peer wishes, when it continues what was signed before. Evidence against it is kept."""
    record = node.store.peers.get(peer)
    try:
        verdict, held, note = cosign_request(node, data, ledger_key_of(record))
    except Fault:
        return Signed()  # the run goes on; its values cannot be vouched for by this
    if verdict is Verdict.CONSISTENT:
        return Signed(note or held.note)
    return Signed(elsewhere=held.note if verdict is Verdict.ELSEWHERE else "")


def keep(node: Node, peer: str, signed: Signed) -> None:
    """Keep what the peer signed of ours; anything that does not hold is left aside."""
    theirs = ledger_key_of(node.store.peers.get(peer))
    try:
        if signed.cosigned:
            witness = VerifierKey(theirs.name, log.COSIGNATURE, theirs.public)
            kept = log.keep(node.folder / "ledger", signed.cosigned, node.keys, witness)
            keep_cosigned(node)
            told = told_of(node, peer)
            tell(node, peer, msgspec.structs.replace(told, size=max(kept.size, told.size)))
        elif signed.elsewhere:
            said = log.checkpoint_in(signed.elsewhere, log.own_key(node.keys), *log.former_keys(node.keys))
            if node.ledger.root_at(said.size) == said.root:
                tell(node, peer, msgspec.structs.replace(told_of(node, peer), size=said.size))
    except Fault:
        return


def covered(node: Node, peer: str, at: int) -> int:
    """The moment up to which our commitments stand under a checkpoint that this peer cosigned by ``at``; 0: none.

    Both in microseconds UTC.
    """
    keep_cosigned(node)
    names = {key.name for key in ledger_keys_of(node, node.store.peers.get(peer))}
    sizes = [
        size
        for key_id, size, moment, note in node.store.commitments.cosigned(0)
        if moment <= at and _signed_by(note, key_id, names)
    ]
    newest = node.store.commitments.newest_recorded(max(sizes)) if sizes else None
    return newest.at if newest is not None else 0


def _signed_by(note: str, key_id: str, names: set[str]) -> bool:
    return any(name in names and id.hex() == key_id for name, id, _ in log.read_note(note.encode()).signatures)
