"""Evidence for many values at once: what values of one batch share is said, proved and checked once a message.

    batch     leaf, its way to a cosigned checkpoint, and the hashes that lead from all its values to its root
    value     its place in the batch, commitment, salt, day and source class

One value alone takes some 4 kB, most of it a checkpoint with its signatures; 200 of one batch take some 250 bytes each.
The steps of a check are those of ``openings``: (1) to (3) once a batch, (4) for all its values together, (5) and (6)
for each. A batch that does not hold vouches for none of its values; a value that does not open spoils no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from seawall import ledger as log
from seawall.exchange import Misdeed
from seawall.flow.commitment_tree import HASH_BYTES, SALT_BYTES, paths_to, root_over, split
from seawall.flow.cosigned import best_note, keep_cosigned
from seawall.flow.node import Node
from seawall.flow.openings import BatchLeaf, Content, check_content, check_leaf, not_in_batch, refuse, require_before
from seawall.ledger.proofs import MAX_PROOF
from seawall.model import ObservableType, Refused
from seawall.model.books import MAX_OPENING_BYTES, SourceClass
from seawall.store.commitments import BATCH, Held
from seawall.store.met import HeldMet

Key = tuple[ObservableType, str]
MAX_BATCHES = 200  # of one message: as many as it has values, each from a batch of its own
MAX_PATH = BATCH * HASH_BYTES  # bytes: with every second value of a full batch each needs its neighbour, and no more
ANY_TIME = 1 << 62

Hash = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_OPENING_BYTES // 2)]


class SharedBatch(msgspec.Struct, frozen=True, array_like=True):
    """What the values of one batch share."""

    leaf: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]  # index in the ledger
    leaf_salt: Annotated[str, msgspec.Meta(max_length=2 * HASH_BYTES)]
    event: Text  # canonical JSON, as the leaf commits to it
    ledger_path: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=MAX_PROOF)]
    checkpoint: Text  # signed note with at least one cosignature
    path: Annotated[bytes, msgspec.Meta(max_length=MAX_PATH)]  # ``commitment_tree.paths_to``, joined


class OpenedValue(msgspec.Struct, frozen=True, array_like=True):
    """The evidence for one value, beside what its batch shares."""

    batch: Annotated[int, msgspec.Meta(ge=0, lt=MAX_BATCHES)]  # among those of the message
    place: Annotated[int, msgspec.Meta(ge=0, lt=BATCH)]  # in the batch
    commitment: Hash
    salt: Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    day: Annotated[int, msgspec.Meta(gt=-(10**6), lt=10**6)]  # UTC, since 1970-01-01
    source: SourceClass


def open_shared(
    node: Node, values: Sequence[Key], *, peer: str, met: frozenset[Key] = frozenset()
) -> tuple[dict[Key, OpenedValue], tuple[SharedBatch, ...]]:
    """The evidence that we committed to these values (at most ``MAX_BATCHES``), each batch under the earliest
    checkpoint of this peer, else of anybody; values that cannot be opened yet, or never were committed to, are left
    out. ``met``: of these, the commitment to having met them, not to suspecting them."""
    keep_cosigned(node)
    by_batch: dict[int, list[tuple[Key, Held | HeldMet]]] = {}
    for type, value in values:
        book = node.store.met if (type, value) in met else node.store.commitments
        held = book.find(type.value, value)
        if held is not None and held.batch.leaf is not None:
            by_batch.setdefault(held.batch.number, []).append(((type, value), held))
    opened: dict[Key, OpenedValue] = {}
    batches: list[SharedBatch] = []
    for number, members in sorted(by_batch.items()):
        hashes = split(node.store.commitments.batch_commitments(number))
        shared = _shared(node, peer, members[0][1], hashes, [held.place for _, held in members])
        if shared is None:
            continue
        for key, held in members:
            source = SourceClass(held.source) if isinstance(held, Held) else SourceClass.MET
            opened[key] = OpenedValue(len(batches), held.place, hashes[held.place], held.salt, held.day, source)
        batches.append(shared)
    return opened, tuple(batches)


def check_shared(
    node: Node, peer: str, batches: Sequence[SharedBatch], said: Mapping[Key, tuple[OpenedValue, int]]
) -> dict[Key, BatchLeaf | Refused]:
    """For each value with the moment (microseconds UTC) by which ``peer`` must have committed to it: what its batch's
    leaf says, or why the evidence does not hold (``check_opening`` has the codes)."""
    found: dict[Key, BatchLeaf | Refused] = {}
    by_batch: dict[int, list[Key]] = {}
    for key, (opened, _) in said.items():
        by_batch.setdefault(opened.batch, []).append(key)
    for number, keys in by_batch.items():
        try:
            if number >= len(batches):
                refuse(node, peer, Misdeed.UNPROVED, not_in_batch())
            leaf = _check_batch(node, peer, batches[number], [said[key][0] for key in keys])
        except Refused as refused:
            found.update(dict.fromkeys(keys, refused))
            continue
        for key in keys:
            opened, before = said[key]
            try:
                require_before(node, peer, leaf, before)
                content = Content(*key, opened.day, opened.source, opened.salt, opened.commitment)
                check_content(node, peer, content, leaf)
                found[key] = leaf
            except Refused as refused:
                found[key] = refused
    return found


def _shared(
    node: Node, peer: str, held: Held | HeldMet, hashes: Sequence[bytes], places: Sequence[int]
) -> SharedBatch | None:
    if held.batch.leaf is None:
        return None
    note = best_note(node, held.batch.leaf + 1, peer)
    if note is None:
        return None
    head = log.checkpoint_in(note, log.own_key(node.keys), *log.former_keys(node.keys))
    proved = node.ledger.prove(held.batch.leaf, head)
    return SharedBatch(
        leaf=proved.index,
        leaf_salt=proved.salt or "",
        event=proved.event or "",
        ledger_path=tuple(bytes.fromhex(each) for each in proved.path),
        checkpoint=note,
        path=b"".join(paths_to(hashes, places)),
    )


def _check_batch(node: Node, peer: str, batch: SharedBatch, values: Sequence[OpenedValue]) -> BatchLeaf:
    """Steps (1) to (4)."""
    leaf = check_leaf(
        node, peer, leaf=batch.leaf, salt=batch.leaf_salt, event=batch.event,
        path=tuple(each.hex() for each in batch.ledger_path), note=batch.checkpoint, before=ANY_TIME,
    )  # fmt: skip
    at_place: dict[int, bytes] = {}
    alike = all(at_place.setdefault(one.place, one.commitment) == one.commitment for one in values)
    if not alike or root_over(leaf.count, at_place, split(batch.path)) != leaf.root:
        refuse(node, peer, Misdeed.UNPROVED, not_in_batch())
    return leaf
