"""Ledgers that vouch for each other: this node asks its peers to cosign its checkpoints, and cosigns theirs.

A cosignature says: this ledger continues the one we signed before. Notices of kind ``checkpoint`` carry

    {"ask": {"old": N, "proof": [base64 ...], "checkpoint": note}}      sign this; it continues the N leaves you signed
    {"cosigned": note}                                                 signed
    {"elsewhere": note}                                                no: this is what we signed last; go on from there
    {"forked": note}                                                   no: this is what we signed, and yours differs

Whoever cosigns learns how many leaves the ledger has, so roughly how much is released and refused; never what.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from seawall import ledger as log
from seawall.flow.ledger_books import (
    ANSWERS,
    OWN,
    Fork,
    Told,
    fork_of,
    forks,
    held_of,
    hold,
    keep_fork,
    ledger_key_of,
    tell,
    told_of,
)
from seawall.flow.ledger_restored import restore_waits
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.ledger import Checkpoint, Held, Request, Verdict, VerifierKey
from seawall.model import Fault, Refused
from seawall.model.notice import Notice, NoticeKind
from seawall.model.peer import PeerRecord, PeerState

ASK_EVERY = 86_400 * 1_000_000 - 600 * 1_000_000  # microseconds: a daily job must not miss a day by its own length
SECOND = 1_000_000


def ask_for_cosignature(node: Node, peer: str, *, old: int | None = None) -> dict[str, object]:
    """Queue our newest checkpoint for ``peer``, with the proof that it continues what the peer signed (``old``)."""
    told = told_of(node, peer)
    head = node.ledger.head()
    old = told.size if old is None else old
    proof = node.ledger.prove_continues(old, head) if old <= head.size else []
    body = {
        "old": old,
        "proof": [base64.b64encode(item).decode() for item in proof],
        "checkpoint": note_of(node, head),
    }
    number = send_notice(node, peer, NoticeKind.CHECKPOINT, {"ask": body})
    tell(node, peer, Told(told.size, old, head.size, node.clock()))
    return {"peer": peer, "size": head.size, "old": old, "notice": number}


def checkpoint_job(node: Node) -> str:
    """Once a day, ask every verified peer whose cosignature is behind."""
    asked = []
    for record in node.store.peers.list():
        told = told_of(node, record.code_name)
        due = node.clock() - told.asked_at >= ASK_EVERY and node.ledger.head().size > told.asked_size
        if record.state is PeerState.VERIFIED and due:
            try:
                ask_for_cosignature(node, record.code_name)
                asked.append(record.code_name)
            except Fault as fault:  # one peer with a full queue must not stop the rest
                asked.append(f"{record.code_name}: {fault}")
    return f"asked {', '.join(asked)}" if asked else "nobody to ask"


def take_checkpoint(node: Node, notice: Notice) -> None:
    """Handle a notice of kind ``checkpoint``; bears to be repeated. Raises Fault or Refused to reject it."""
    record = node.store.peers.get(notice.peer)
    body = notice.body
    if isinstance(asked := body.get("ask"), dict):
        _answer(node, record, _request(asked))
    elif isinstance(note := body.get("cosigned"), str):
        theirs = ledger_key_of(record)
        witness = VerifierKey(theirs.name, log.COSIGNATURE, theirs.public)
        kept = log.keep(node.folder / "ledger", note, node.keys, witness)
        told = told_of(node, notice.peer)
        tell(node, notice.peer, msgspec.structs.replace(told, size=max(kept.size, told.size)))
    elif isinstance(note := body.get("elsewhere", body.get("forked")), str):
        _hear_other_word(node, notice.peer, note)
    else:
        raise Refused("E-FLOW-360", "The notice about a checkpoint says nothing that is known here.")


def cosign_request(node: Node, data: bytes, key: VerifierKey) -> tuple[Verdict, Held, str]:
    """As a witness: verdict, what is held now, the cosigned note (empty unless consistent). Evidence is kept."""
    request = log.read_request(data)
    peers = (peer.code_name for peer in node.store.peers.list() if f"seawall/{peer.node_id}" == key.name)
    return _judge(node, request, key, subject=next(peers, key.name))


def describe_ledger_of(node: Node, peer: PeerRecord) -> str:
    """One word on a peer's ledger, for ``peers list`` and ``doctor``."""
    if restore_waits(node, peer.code_name):
        return "restored"
    if (fork := fork_of(node, peer.code_name)) is not None:
        return fork.reason
    return "cosigned" if held_of(node, f"seawall/{peer.node_id}").note else "never-seen"


def _answer(node: Node, record: PeerRecord, request: Request) -> None:
    if restore_waits(node, record.code_name):
        raise Refused("E-FLOW-361", "Your ledger was restored; two people here must accept that first.")
    verdict, held, note = _judge(node, request, ledger_key_of(record), subject=record.code_name)
    answer = {ANSWERS[verdict]: note if verdict is Verdict.CONSISTENT else held.note}
    if held.note or note:
        send_notice(node, record.code_name, NoticeKind.CHECKPOINT, answer)


def _judge(node: Node, request: Request, key: VerifierKey, *, subject: str) -> tuple[Verdict, Held, str]:
    before = held_of(node, key.name)
    verdict, held = log.judge(request, before, key)
    if verdict is Verdict.CONSISTENT:
        hold(node, key.name, held)
        note = log.read_note(held.note.encode()).only(key) + log.cosign(held.note, node.keys, node.clock() // SECOND)
        return verdict, held, note
    if verdict is not Verdict.ELSEWHERE:
        keep_fork(node, Fork(subject, node.clock(), verdict.value, held.note, request.note))
    return verdict, held, ""


def _hear_other_word(node: Node, peer: str, note: str) -> None:
    """A peer signed something else of our ledger than we thought: go on from there, or know that ours was changed."""
    theirs = log.checkpoint_in(
        note, log.own_key(node.keys), *log.former_keys(node.keys)
    )  # ours, or it is worth nothing
    ours = node.ledger.head()
    if theirs.size > ours.size:
        keep_fork(node, Fork(OWN, node.clock(), Verdict.ROLLED_BACK.value, note, note_of(node, ours), peer))
    elif node.ledger.root_at(theirs.size) != theirs.root:
        keep_fork(node, Fork(OWN, node.clock(), Verdict.FORKED.value, note, note_of(node, ours), peer))
    elif told_of(node, peer).asked_old != theirs.size:
        ask_for_cosignature(node, peer, old=theirs.size)


def _request(asked: dict[str, Any]) -> Request:
    try:
        lines = [base64.b64encode(base64.b64decode(item, validate=True)).decode() + "\n" for item in asked["proof"]]
        text = f"old {int(asked['old'])}\n{''.join(lines)}\n{asked['checkpoint']}"
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise Refused("E-FLOW-360", "The notice about a checkpoint says nothing that is known here.") from None
    return log.read_request(text.encode())


def note_of(node: Node, head: Checkpoint) -> str:
    """The signed text of a head of ours."""
    return log.note_over(node.keys, head)


def ledgers_told(node: Node) -> str:
    """One sentence on all ledgers. Raises Fault E-FLOW-376 when one says two things or waits for two people."""
    told = [f"{fork.subject} was {fork.reason} ({fork.told_by or 'seen here'})" for fork in forks(node)]
    told += [f"{peer.code_name} was restored and waits for two people" for peer in _restored(node)]
    if told:
        raise Fault(
            "E-FLOW-376",
            "A ledger does not continue what was signed: {what}; see 'seawall ledger forks' and ask them by telephone.",
            what="; ".join(told),
        )
    vouching = len(log.kept(node.folder / "ledger", node.keys.payload_box))
    return f"none says two things; {vouching} vouch for ours"


def _restored(node: Node) -> list[PeerRecord]:
    return [peer for peer in node.store.peers.list() if restore_waits(node, peer.code_name)]
