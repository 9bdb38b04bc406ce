"""What a restored node does before anything else: nothing that may have been spent since the backup is spent again.

The backup does not know what left after it was made, so every cap of a standing release counts as reached for a day,
and every peer is told by a signed leaf; two people there accept it (``ledger_restored``). Agents go on with what they
hold until two people here approve the restored order book (``book_epoch``).
"""

from __future__ import annotations

import msgspec

from seawall.flow.aggregates_restored import spend_releases
from seawall.flow.book_epoch import begin_epoch
from seawall.flow.budgets import spend_all
from seawall.flow.hunts_answer import spend_points
from seawall.flow.ledger_seen import keep_seen
from seawall.flow.node import ADMINISTRATOR, Node
from seawall.flow.notices import send_notice
from seawall.flow.prekeys import tell_anew
from seawall.flow.usage import Usage
from seawall.ledger import EventKind, Held, LedgerEvent, note_over
from seawall.model import Fault, rfc3339
from seawall.model.notice import NoticeKind
from seawall.model.peer import PeerState

EPOCH = "node-epoch"


def begin_anew(node: Node, backup_at: int, kept: Held) -> dict[str, object]:
    """Write the restore leaf, spend the budgets, begin a new epoch, queue the notices. ``kept``: the backup's head."""
    at = node.clock()
    epoch = int(node.store.notes.get(EPOCH) or 0) + 1
    node.store.notes.set(EPOCH, str(epoch))
    begin_epoch(node, at, backup_at)
    spent = spend_budgets(node, at)
    details: dict[str, str | int | list[str]] = {
        "backup_at": backup_at,
        "kept": kept.size,
        "root": kept.root.hex(),
        "epoch": epoch,
        "spent": spent,
    }
    recorded = node.ledger.record_event(LedgerEvent(EventKind.RESTORED, at, ADMINISTRATOR, node.keys.node_id, details))
    told = _tell_peers(node, recorded.leaf_index)
    tell_anew(node, wipe=True)  # a backup holds none, and what was sealed for the former ones is lost
    keep_seen(node, node.ledger)
    return {
        "restored_at": rfc3339(at),
        "leaf": recorded.leaf_index,
        "epoch": epoch,
        "budgets_spent": len(spent),
        "peers_told": told,
        "agents_wait": [point.name for point in node.store.orders.points() if point.fingerprint is not None],
    }


def spend_budgets(node: Node, at: int) -> list[str]:
    """Count standing releases as used up to their caps, guesses as asked, aggregates as given, answers too; whose."""
    spent: list[str] = []
    for terms in node.store.circles.list():
        usage = Usage.load(node, terms.name)
        for standing in terms.standing:
            usage.add(standing.name, max(standing.cap_per_day, standing.cap_per_hour), at)
            spent.append(f"{terms.name}: {standing.name}")
        usage.save(node)
    return spent + spend_all(node, at) + spend_releases(node, at) + spend_points(node, at)


def _tell_peers(node: Node, leaf: int) -> list[str]:
    head = node.ledger.head()
    body = {
        "leaf": msgspec.to_builtins(node.ledger.prove(leaf, head)),
        "checkpoint": note_over(node.keys, head),
    }
    told = []
    for peer in node.store.peers.list():
        if peer.state in (PeerState.PENDING, PeerState.SEVERED):
            continue
        try:
            send_notice(node, peer.code_name, NoticeKind.RESTORED, body)
        except Fault:  # a full queue: its checkpoints will not continue, and people there will ask
            continue
        told.append(peer.code_name)
    return told
