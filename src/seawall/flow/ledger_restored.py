"""A peer's ledger that begins again from a backup: two people here accept that, and until then it is not cosigned.

The notice of kind ``restored`` carries the restore leaf with its way to a checkpoint that the peer signed, so only the
holder of its key can say so; two people, because that may be whoever took the key.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall import ledger as log
from seawall.flow.ledger_books import forget_fork, fork_of, held_of, hold, ledger_key_of
from seawall.flow.node import Node
from seawall.ledger import EventKind, Held, ProvedLeaf
from seawall.ledger.layout import commitment_of
from seawall.ledger.tree import leaf_hash
from seawall.model import NotFound, Refused, rfc3339
from seawall.model.notice import Notice
from seawall.model.unreadable import UNREADABLE

WAITS = "ledger-restored:{peer}"


class Restoration(msgspec.Struct, frozen=True):
    """A peer says that it restored a backup."""

    at: int  # microseconds UTC, the peer's clock
    backup_at: int
    kept: int  # leaves that the backup held
    epoch: int
    held: Held  # the checkpoint over the restore leaf


def take_restored(node: Node, notice: Notice) -> None:
    """Handle a notice of kind ``restored``. Raises Refused E-FLOW-362 when the leaf does not prove it."""
    key = ledger_key_of(node.store.peers.get(notice.peer))
    try:
        note = str(notice.body["checkpoint"])
        leaf = msgspec.convert(notice.body["leaf"], ProvedLeaf)
        checkpoint = log.checkpoint_in(note, key)
        event = _opened(leaf)
        log.check_inclusion(
            leaf_hash(bytes.fromhex(leaf.commitment)),
            leaf.index,
            checkpoint.size,
            checkpoint.root,
            [bytes.fromhex(item) for item in leaf.path],
        )
        details = event["details"]
        said = Restoration(
            int(event["at"]),
            int(details["backup_at"]),
            int(details["kept"]),
            int(details["epoch"]),
            Held(checkpoint.size, checkpoint.root, note),
        )
    except (KeyError, TypeError, ValueError, *UNREADABLE):
        raise _unproved() from None
    node.store.notes.set(WAITS.format(peer=notice.peer), msgspec.json.encode(said).decode())


def restore_waits(node: Node, peer: str) -> bool:
    """Whether this peer restored a backup that nobody here accepted yet."""
    return node.store.notes.get(WAITS.format(peer=peer)) is not None


def accept_restore(node: Node, peer: str) -> dict[str, object]:
    """Two named people accept that the peer's ledger begins again from its backup (rule 9).

    Raises NotFound E-FLOW-363 when it says nothing of the kind, Refused E-FLOW-022 without a second person.
    """
    first, second = node.require("manage-peers"), node.approver
    record = node.store.peers.get(peer)
    text = node.store.notes.get(WAITS.format(peer=peer))
    if text is None:
        raise NotFound("E-FLOW-363", "{peer} says nothing of a restored backup; there is nothing to accept.", peer=peer)
    if second is None:
        raise Refused("E-FLOW-022", "A second person must agree; give their token with --approver-token.")
    said = msgspec.json.decode(text, type=Restoration)
    origin = ledger_key_of(record).name
    before, fork = held_of(node, origin), fork_of(node, peer)
    node.event(
        EventKind.RESTORE_ACCEPTED,
        peer,
        approved_by=[first.name, second.name],
        held=before.note,
        given=said.held.note,
        fork=fork.reason if fork is not None else "",
    )
    hold(node, origin, said.held)
    forget_fork(node, peer)
    node.store.notes.delete(WAITS.format(peer=peer))
    return {
        "peer": peer,
        "restored_at": rfc3339(said.at),
        "backup_at": rfc3339(said.backup_at),
        "leaves_before": before.size,
        "leaves_kept": said.kept,
        "leaves_now": said.held.size,
        "epoch": said.epoch,
        "approved_by": [first.name, second.name],
    }


def _opened(leaf: ProvedLeaf) -> dict[str, Any]:
    if leaf.salt is None or leaf.event is None:
        raise _unproved()
    commitment = commitment_of(bytes.fromhex(leaf.salt), leaf.event.encode())
    event = msgspec.json.decode(leaf.event, type=dict[str, Any])
    if commitment.hex() != leaf.commitment or event.get("kind") != EventKind.RESTORED.value:
        raise _unproved()
    return event


def _unproved() -> Refused:
    return Refused("E-FLOW-362", "The notice of a restored ledger does not prove what it says.")
