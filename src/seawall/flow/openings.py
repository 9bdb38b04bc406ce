"""Evidence before release: a node opens its commitment to a value, and the other side checks it first.

Steps of a check: (1) the checkpoint is the peer's own and somebody we believe cosigned it, (2) before the moment asked
for, (3) the leaf stands under it and was old enough, (4) the value's commitment stands in the leaf's batch, (5) salt,
value, day and source class give that commitment, (6) the day is not behind the leaf. Each failure has its sentence, and
one that no accident explains is a misdeed of the peer.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import NoReturn

import msgspec

from seawall import ledger as log
from seawall.exchange import Misdeed
from seawall.flow.commitment_tree import HASH_BYTES, SALT_BYTES, commitment, path_to, split
from seawall.flow.conduct import note_misdeed
from seawall.flow.cosigned import believed, best_note, cosigned_at, keep_cosigned, ledger_keys_of
from seawall.flow.met_commitments import MET
from seawall.flow.node import Node
from seawall.ledger import Checkpoint, EventKind
from seawall.ledger.proofs import MAX_PROOF
from seawall.ledger.tree import leaf_hash
from seawall.model import Fault, NotFound, ObservableType, Refused
from seawall.model.books import MAX_OPENING_BYTES, Opening, SourceClass
from seawall.model.epoch import day_of
from seawall.model.unreadable import UNREADABLE
from seawall.store.commitments import BATCH, Held

__all__ = [
    "BatchLeaf",
    "Content",
    "check_content",
    "check_leaf",
    "check_opening",
    "keep_cosigned",
    "not_in_batch",
    "open_commitment",
    "refuse",
    "require_before",
]

LEEWAY = 1  # days: a sensor's clock in another zone may be ahead of the leaf's
LOOKED_BACK = 4_000  # days that are tried to say that only the day is wrong


class BatchLeaf(msgspec.Struct, frozen=True):
    """What the leaf of a batch says, once it was checked."""

    leaf: int
    at: int  # microseconds UTC, by its owner
    cosigned_at: int  # by whom we believe
    root: bytes
    count: int
    totals: dict[str, int]


class Content(msgspec.Struct, frozen=True):
    """What a commitment is said to open to."""

    type: ObservableType
    value: str
    day: int
    source: SourceClass
    salt: bytes
    commitment: bytes


class _Details(msgspec.Struct):
    root: str
    count: int
    committed: list[str]
    met: list[str] = []  # by a node that compares what it merely met


class _Event(msgspec.Struct):
    kind: str
    at: int
    details: _Details


def open_commitment(
    node: Node, type: ObservableType, value: str | bytes, *, peer: str | None = None, met: bool = False
) -> Opening:
    """The evidence that we committed to this value, under the earliest checkpoint that ``peer`` (or anybody) cosigned.

    ``met``: to having met it, not to suspecting it. Raises NotFound E-FLOW-505 for a value that was never committed to,
    Refused E-FLOW-506 while no cosigned checkpoint covers it yet.
    """
    text = value.decode() if isinstance(value, bytes) else value
    held = node.store.met.find(type.value, text) if met else node.store.commitments.find(type.value, text)
    if held is None or held.batch.leaf is None:
        raise NotFound("E-FLOW-505", "This value was never committed to, so there is no evidence to show.")
    keep_cosigned(node)
    note = best_note(node, held.batch.leaf + 1, peer)
    if note is None:
        raise Refused(
            "E-FLOW-506",
            "Nobody cosigned the ledger since this value was committed to; 'seawall run checkpoints' asks the peers.",
        )
    proved = node.ledger.prove(held.batch.leaf, log.checkpoint_in(note, log.own_key(node.keys),
                                                                  *log.former_keys(node.keys)))  # fmt: skip
    hashes = split(node.store.commitments.batch_commitments(held.batch.number))
    return Opening(
        type=type,
        value=text,
        day=held.day,
        source=SourceClass(held.source) if isinstance(held, Held) else SourceClass.MET,
        salt=held.salt.hex(),
        commitment=hashes[held.place].hex(),
        place=held.place,
        path=tuple(each.hex() for each in path_to(hashes, held.place)),
        leaf=proved.index,
        leaf_salt=proved.salt or "",
        event=proved.event or "",
        ledger_path=proved.path,
        checkpoint=note,
    )


def check_opening(node: Node, peer: str, opening: Opening, *, before: int) -> BatchLeaf:
    """Pass when ``peer`` had committed to this value by the moment ``before`` (microseconds UTC), and can prove it.

    Raises Refused, each with its own sentence: E-FLOW-507 cannot be read, 508
    checkpoint not the peer's own, 509 cosigned by nobody we know, 510 cosigned too late, 511 leaf not under it, 512
    leaf too young, 513 not in that batch, 514 another salt or value, 515 another day, 516 first seen behind its own
    leaf, 521 another source class; E-FLOW-043 when it was one misdeed too many.
    """
    salt, hashed, path = _bytes(node, peer, opening)
    batch = check_leaf(
        node, peer, leaf=opening.leaf, salt=opening.leaf_salt, event=opening.event, path=opening.ledger_path,
        note=opening.checkpoint, before=before,
    )  # fmt: skip
    require_before(node, peer, batch, before)
    try:
        log.check_inclusion(leaf_hash(hashed), opening.place, batch.count, batch.root, path)
    except Refused:
        refuse(node, peer, Misdeed.UNPROVED, not_in_batch())
    content = Content(opening.type, opening.value, opening.day, opening.source, salt, hashed)
    check_content(node, peer, content, batch)
    return batch


def require_before(node: Node, peer: str, batch: BatchLeaf, before: int) -> None:
    """Pass when a batch stood by a moment. Raises Refused E-FLOW-510, 512; 043 when it was one misdeed too many."""
    if batch.cosigned_at > before:
        raise _cosigned_late()
    if batch.at > before:
        refused = Refused(
            "E-FLOW-512", "The value was committed to at a moment that is younger than this session allows."
        )
        refuse(node, peer, Misdeed.UNPROVED, refused)


def check_leaf(
    node: Node, peer: str, *, leaf: int, salt: str, event: str, path: tuple[str, ...], note: str, before: int
) -> BatchLeaf:
    """Steps 1 to 3: what a leaf of the peer's ledger says of a batch, under a checkpoint cosigned before ``before``."""
    checkpoint, stamp = _checkpoint(node, peer, note)
    if stamp > before:
        raise _cosigned_late()
    try:
        hashed = hashlib.sha256(bytes.fromhex(salt) + event.encode()).digest()
        steps = [bytes.fromhex(each) for each in path]
        said = msgspec.json.decode(event, type=_Event)
        totals = dict(_total(each) for each in said.details.committed[: len(ObservableType)])
        totals |= {MET + type: count for type, count in map(_total, said.details.met[: len(ObservableType)])}
        root = bytes.fromhex(said.details.root)
        good = said.kind == EventKind.COMMITTED.value and len(root) == HASH_BYTES and 0 < said.details.count <= BATCH
    except (ValueError, *UNREADABLE):
        good = False
    if not good:
        refuse(node, peer, Misdeed.MALFORMED, _unreadable())
    try:
        log.check_inclusion(leaf_hash(hashed), leaf, checkpoint.size, checkpoint.root, steps)
    except Refused:
        refuse(
            node, peer, Misdeed.UNPROVED, Refused("E-FLOW-511", "The leaf does not stand under the checkpoint shown.")
        )
    return BatchLeaf(leaf, said.at, stamp, root, said.details.count, totals)


def refuse(node: Node, peer: str, misdeed: Misdeed, refused: Refused) -> NoReturn:
    """Count it against the peer, and raise it. Raises Refused E-FLOW-043 instead when it was one too many."""
    note_misdeed(node, peer, misdeed, f"{refused.code}: {refused.text.format(**refused.values)}")
    raise refused


def _checkpoint(node: Node, peer: str, note: str) -> tuple[Checkpoint, int]:
    record = node.store.peers.get(peer)
    try:
        checkpoint = log.checkpoint_in(note, *ledger_keys_of(node, record))
    except Refused:
        refuse(node, peer, Misdeed.FORGED, Refused("E-FLOW-508", "The checkpoint shown was not signed by its ledger."))
    except Fault:
        refuse(node, peer, Misdeed.MALFORMED, _unreadable())
    stamp = cosigned_at(note, believed(node, peer))
    if stamp is None:
        raise Refused("E-FLOW-509", "Nobody whose word counts here cosigned the checkpoint shown; ask for it again.")
    return checkpoint, stamp


def _bytes(node: Node, peer: str, opening: Opening) -> tuple[bytes, bytes, list[bytes]]:
    """Salt, commitment and path, each of its length; a path no longer than a proof can be."""
    try:
        salt, hashed = bytes.fromhex(opening.salt), bytes.fromhex(opening.commitment)
        path = [bytes.fromhex(each) for each in opening.path]
        small = len(opening.path) <= MAX_PROOF and len(opening.ledger_path) <= MAX_PROOF
        long = sum(map(len, (opening.value, opening.event, opening.checkpoint)))
        whole = len(salt) == SALT_BYTES and all(len(each) == HASH_BYTES for each in (hashed, *path))
        whole = whole and all(len(each) == 2 * HASH_BYTES for each in opening.ledger_path)
        if not (whole and small and long <= MAX_OPENING_BYTES and abs(opening.day) < 10**6):
            raise ValueError("bounds")  # noqa: TRY301 - one sentence for every way in which bytes can be wrong
        opening.value.encode()
    except ValueError:
        refuse(node, peer, Misdeed.MALFORMED, _unreadable())
    return salt, hashed, path


def check_content(node: Node, peer: str, opening: Content, batch: BatchLeaf) -> None:
    """Steps 5 and 6. Raises Refused E-FLOW-514 to 516 and 521; 043 when it was one misdeed too many."""
    salt, hashed = opening.salt, opening.commitment
    type, value, source = opening.type.value.encode(), opening.value.encode(), opening.source.value.encode()
    if commitment(salt, type, value, opening.day, source) != hashed:
        last = day_of(batch.at) + LEEWAY
        days = range(last - LOOKED_BACK, last + 1)
        if any(commitment(salt, type, value, day, source) == hashed for day in days):
            refused = Refused("E-FLOW-515", "The value was committed to with another day on which it was first seen.")
            refuse(node, peer, Misdeed.UNPROVED, refused)
        if any(commitment(salt, type, value, opening.day, other.value.encode()) == hashed for other in SourceClass):
            refused = Refused("E-FLOW-521", "The value was committed to with another class of source.")
            refuse(node, peer, Misdeed.UNPROVED, refused)
        refused = Refused("E-FLOW-514", "The commitment opens neither to this value nor with this salt.")
        refuse(node, peer, Misdeed.UNPROVED, refused)
    if opening.day > day_of(batch.at) + LEEWAY:
        shown = date(1970, 1, 1) + timedelta(days=min(opening.day, 10**6))
        refused = Refused(
            "E-FLOW-516", "The value is said to be first seen on {day}, after it was committed to.", day=shown
        )
        refuse(node, peer, Misdeed.UNPROVED, refused)


def not_in_batch() -> Refused:
    """Step 4 failed."""
    return Refused("E-FLOW-513", "The commitment does not stand in the batch named.")


def _cosigned_late() -> Refused:
    return Refused("E-FLOW-510", "The checkpoint shown was cosigned after this session began; show an earlier one.")


def _total(text: str) -> tuple[str, int]:
    type, _, count = text.partition(" ")
    return ObservableType(type).value, int(count)


def _unreadable() -> Refused:
    return Refused("E-FLOW-507", "The evidence shown cannot be read; it is not what Seawall writes.")
