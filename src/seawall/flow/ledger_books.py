"""What this node knows of ledgers: what it signed of each, what peers signed of its own, and which say two things.

Evidence, both checkpoints, stays until two people settle it: going back to the first story does not undo the second.
"""

from __future__ import annotations

import msgspec

from seawall import ledger as log
from seawall.flow.node import Node
from seawall.identity import read_card
from seawall.ledger import EventKind, Held, LedgerEvent, Verdict, VerifierKey
from seawall.model.peer import PeerRecord

HELD, TOLD = "witness:{origin}", "ledger-told:{peer}"
FORK, FORKS = "ledger-fork:{subject}", "ledger-forks"
OWN = "own"  # our own ledger, as a peer holds it
MAX_FORKS = 1_000  # subjects that are remembered; a node has tens of peers and witnesses few
ANSWERS = {
    Verdict.CONSISTENT: "cosigned",
    Verdict.ELSEWHERE: "elsewhere",
    Verdict.ROLLED_BACK: "forked",
    Verdict.FORKED: "forked",
}


class Told(msgspec.Struct, frozen=True):
    """What a peer signed of our ledger last, and when it was last asked (microseconds UTC)."""

    size: int = 0
    asked_old: int = -1  # the size from which it was last asked to go on
    asked_size: int = 0
    asked_at: int = 0


class Fork(msgspec.Struct, frozen=True):
    """Two checkpoints that one key signed and that do not go together: the proof that a ledger was changed."""

    subject: str  # the peer, the witnessed ledger, or OWN
    at: int  # microseconds UTC
    reason: str  # "forked" or "rolled-back"
    held: str  # the note that was signed before
    given: str  # the one that does not continue it
    told_by: str = ""  # of our own ledger: who holds the other one


def keep_fork(node: Node, fork: Fork) -> None:
    """Keep the evidence and put it on the record; the first evidence stays when more comes."""
    if fork_of(node, fork.subject) is not None:
        return
    names = subjects(node)
    if len(names) < MAX_FORKS:
        node.store.notes.set(FORKS, msgspec.json.encode([*names, fork.subject]).decode())
        node.store.notes.set(FORK.format(subject=fork.subject), msgspec.json.encode(fork).decode())
    details: dict[str, str | int | list[str]] = {"reason": fork.reason, "held": fork.held, "given": fork.given}
    node.ledger.record_event(LedgerEvent(EventKind.LEDGER_FORKED, fork.at, "node", fork.subject, details))


def fork_of(node: Node, subject: str) -> Fork | None:
    """The evidence against this ledger."""
    text = node.store.notes.get(FORK.format(subject=subject))
    return msgspec.json.decode(text, type=Fork) if text else None


def forget_fork(node: Node, subject: str) -> None:
    """Two people settled it. What happened stays on our ledger."""
    if fork_of(node, subject) is not None:
        node.store.notes.set(FORKS, msgspec.json.encode([name for name in subjects(node) if name != subject]).decode())
        node.store.notes.delete(FORK.format(subject=subject))


def subjects(node: Node) -> list[str]:
    """Whose ledgers say two things."""
    text = node.store.notes.get(FORKS)
    return msgspec.json.decode(text, type=list[str]) if text else []


def forks(node: Node) -> list[Fork]:
    """All evidence, in the order in which it came."""
    return [fork for subject in subjects(node) if (fork := fork_of(node, subject)) is not None]


def ledger_key_of(peer: PeerRecord) -> VerifierKey:
    """Under which key the peer's checkpoints are checked."""
    return VerifierKey(f"seawall/{peer.node_id}", log.ED25519, read_card(peer.card).signing_public)


def told_of(node: Node, peer: str) -> Told:
    """What the peer signed of our ledger, as far as we heard."""
    text = node.store.notes.get(TOLD.format(peer=peer))
    return msgspec.json.decode(text, type=Told) if text else Told()


def tell(node: Node, peer: str, told: Told) -> None:
    """Remember it."""
    node.store.notes.set(TOLD.format(peer=peer), msgspec.json.encode(told).decode())


def held_of(node: Node, origin: str) -> Held:
    """The last checkpoint of that ledger which we signed."""
    text = node.store.notes.get(HELD.format(origin=origin))
    return msgspec.json.decode(text, type=Held) if text else Held()


def hold(node: Node, origin: str, held: Held) -> None:
    """Durable when this returns; only then may the cosignature leave."""
    node.store.notes.set(HELD.format(origin=origin), msgspec.json.encode(held).decode())
