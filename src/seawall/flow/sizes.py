"""How many values a peer has committed to: the size from which its guess budget follows, by its own ledger.

Each batch's leaf names the totals of all batches up to it, so one leaf under a cosigned checkpoint tells them. Whoever
claims N values needs at least N / 4,096 leaves for it, and the claim stands on its ledger for good.
"""

from __future__ import annotations

import msgspec

from seawall import ledger as log
from seawall.exchange import Misdeed
from seawall.flow.cosigned import keep_cosigned, latest_note
from seawall.flow.node import Node
from seawall.flow.openings import BatchLeaf, check_leaf, refuse
from seawall.ledger.proofs import MAX_PROOF
from seawall.model import ObservableType, Refused
from seawall.model.books import MAX_OPENING_BYTES, SizeProof
from seawall.store.commitments import BATCH

SIZE = "committed-size:{peer}"
CLOCKS_APART = 300 * 1_000_000  # microseconds that the clock of a witness may be ahead of ours


class Size(msgspec.Struct, frozen=True):
    """What a peer proved last. Times in microseconds UTC."""

    leaf: int = -1
    at: int = 0  # of the leaf, by its owner
    heard_at: int = 0
    totals: dict[str, int] = {}


def size_proof(node: Node, peer: str) -> SizeProof | None:
    """Our newest batch under the newest checkpoint that ``peer`` (or anybody) cosigned; None before the first."""
    keep_cosigned(node)
    note = latest_note(node, peer)
    if note is None:
        return None
    checkpoint = log.checkpoint_in(note, log.own_key(node.keys), *log.former_keys(node.keys))
    batch = node.store.commitments.newest_recorded(checkpoint.size)
    if batch is None or batch.leaf is None:
        return None
    proved = node.ledger.prove(batch.leaf, checkpoint)
    return SizeProof(proved.index, proved.salt or "", proved.event or "", proved.path, note)


def hear_size(node: Node, peer: str, proof: SizeProof) -> Size:
    """Check and keep what a peer proves; an older leaf than the one known changes nothing.

    Raises Refused E-FLOW-507 to 511 as ``check_opening``, 519 when the leaf claims more than its ledger can hold or
    less than an earlier one.
    """
    bytes_told = sum(map(len, (proof.leaf_salt, proof.event, proof.checkpoint)))
    if bytes_told > MAX_OPENING_BYTES or len(proof.ledger_path) > MAX_PROOF:
        unreadable = Refused("E-FLOW-507", "The evidence shown cannot be read; it is not what Seawall writes.")
        refuse(node, peer, Misdeed.OVERSIZE, unreadable)
    batch = check_leaf(
        node, peer, leaf=proof.leaf, salt=proof.leaf_salt, event=proof.event, path=proof.ledger_path,
        note=proof.checkpoint, before=node.clock() + CLOCKS_APART,
    )  # fmt: skip
    return keep_size(node, peer, batch)


def keep_size(node: Node, peer: str, batch: BatchLeaf) -> Size:
    """Keep the totals of a checked leaf. Raises Refused E-FLOW-519."""
    held = size_of(node, peer)
    if batch.leaf <= held.leaf:
        return held
    shrunk = any(batch.totals.get(type, 0) < count for type, count in held.totals.items())
    if min(batch.totals.values(), default=0) < 0 or sum(batch.totals.values()) > BATCH * (batch.leaf + 1) or shrunk:
        refused = Refused("E-FLOW-519", "The leaf shown claims sizes that do not go with its ledger.")
        refuse(node, peer, Misdeed.UNPROVED, refused)
    size = Size(batch.leaf, batch.at, node.clock(), batch.totals)
    node.store.notes.set(SIZE.format(peer=peer), msgspec.json.encode(size).decode())
    return size


def size_of(node: Node, peer: str) -> Size:
    """What a peer proved last; nothing before the first time."""
    text = node.store.notes.get(SIZE.format(peer=peer))
    return msgspec.json.decode(text, type=Size) if text else Size()


def committed_by(node: Node, peer: str, type: ObservableType) -> int:
    """How many values of a type a peer proved to have committed to."""
    return size_of(node, peer).totals.get(type.value, 0)
