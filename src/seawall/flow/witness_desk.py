"""Witnesses that are no peers carry files: a checkpoint is signed here, or ours is brought back signed."""

from __future__ import annotations

from pathlib import Path

from seawall import ledger as log
from seawall.flow.ledger_books import forget_fork, fork_of, forks, ledger_key_of
from seawall.flow.node import Node
from seawall.flow.witnessing import cosign_request
from seawall.ledger import Request, Verdict, VerifierKey
from seawall.ledger.witness import MAX_REQUEST_BYTES
from seawall.model import Fault, NotFound, Refused, rfc3339

KNOWN_KEY = "witness-key:{origin}"


def keys_of_ledger(node: Node) -> dict[str, object]:
    """What auditors and witnesses are told by another way than the files."""
    return {
        "verifier_key": str(log.own_key(node.keys)),
        "witness_key": str(log.witness_key(node.keys)),
        "former_keys": [str(key) for key in log.former_keys(node.keys)],
    }


def checkpoint_text(node: Node, since: int | None) -> tuple[dict[str, object], bytes]:
    """The present checkpoint; with ``since``, as the request to a witness who signed that many leaves last."""
    node.require("audit")
    head = node.ledger.head()
    note = log.note_over(node.keys, head)
    data = note.encode()
    if since is not None:
        data = Request(since, tuple(node.ledger.prove_continues(since, head)), note).encode()
    shown: dict[str, object] = {"origin": head.origin, "size": head.size, "root": head.root.hex(), "since": since}
    return shown | keys_of_ledger(node) | {"checkpoint": note}, data


def cosign_file(node: Node, path: Path, key: str | None) -> dict[str, object]:
    """Sign somebody's checkpoint when it continues what was signed here before; ``note`` is what goes back.

    Raises Refused E-FLOW-370 for a key that is not known, 371 for a fork, 372 when the proof begins elsewhere.
    """
    node.require("audit")
    with path.open("rb") as file:
        data = file.read(MAX_REQUEST_BYTES + 1)
    signer = _signer(node, log.read_request(data).note, key)
    verdict, held, note = cosign_request(node, data, signer)
    if key is not None:
        node.store.notes.set(KNOWN_KEY.format(origin=signer.name), str(signer))
    if verdict is Verdict.ELSEWHERE:
        raise Refused(
            "E-FLOW-372",
            "Signed here last were {size} leaves of it; ask again with 'seawall ledger checkpoint --since {size}'.",
            size=held.size,
        )
    if verdict is not Verdict.CONSISTENT:
        raise Refused(
            "E-FLOW-371",
            "This checkpoint is not signed: the ledger {origin} was {what}; both checkpoints are kept, see "
            "'seawall ledger forks'.",
            origin=signer.name,
            what=verdict.value,
        )
    line = note.splitlines()[-1] + "\n"
    return {"origin": signer.name, "size": held.size, "root": held.root.hex(), "cosignature": line, "note": note}


def take_cosigned(node: Node, path: Path, key: str) -> dict[str, object]:
    """Keep a checkpoint of ours that a witness signed; ``key`` is the witness's, given by hand."""
    node.require("audit")
    with path.open("rb") as file:
        data = file.read(MAX_REQUEST_BYTES + 1)
    kept = log.keep(node.folder / "ledger", data.decode("utf-8", "replace"), node.keys, log.read_key(key))
    return {"witness": kept.witness, "size": kept.size, "root": kept.root.hex()}


def list_forks(node: Node) -> list[dict[str, object]]:
    """The evidence against every ledger that says two things."""
    node.require("audit")
    return [
        {
            "ledger": fork.subject,
            "at": rfc3339(fork.at),
            "reason": fork.reason,
            "told_by": fork.told_by,
            "held": fork.held,
            "given": fork.given,
        }
        for fork in forks(node)
    ]


def settle_fork(node: Node, subject: str) -> dict[str, object]:
    """Two named people have looked into it. Raises NotFound E-FLOW-373, Refused E-FLOW-022 without a second person."""
    first, second = node.require("manage-peers"), node.approver
    fork = fork_of(node, subject)
    if fork is None:
        raise NotFound("E-FLOW-373", "Nothing is held against the ledger {ledger}.", ledger=ascii(subject[:80]))
    if second is None:
        raise Refused("E-FLOW-022", "A second person must agree; give their token with --approver-token.")
    node.event(log.EventKind.OVERRIDE, subject, what="ledger fork settled", approved_by=[first.name, second.name])
    forget_fork(node, subject)
    return {"ledger": subject, "reason": fork.reason, "approved_by": [first.name, second.name]}


def _signer(node: Node, note: str, key: str | None) -> VerifierKey:
    origin = note.split("\n", 1)[0]
    known = [ledger_key_of(peer) for peer in node.store.peers.list() if f"seawall/{peer.node_id}" == origin]
    kept = node.store.notes.get(KNOWN_KEY.format(origin=origin[:200]))
    known += [log.read_key(kept)] if kept is not None else []
    if key is None:
        if known:
            return known[0]
        raise Refused(
            "E-FLOW-370",
            "The key of the ledger {origin} is not known here; ask its owner for it and give it with --key.",
            origin=ascii(origin[:80]),
        )
    given = log.read_key(key)
    if given.name != origin or (known and given not in known):
        raise Refused(
            "E-FLOW-374",
            "The key given is not the one that is known for the ledger {origin}; ask its owner by another way.",
            origin=ascii(origin[:80]),
        )
    if given.kind != log.ED25519:
        raise Fault("E-FLOW-375", "This key is of a witness; a ledger's own key is the one called verifier_key.")
    return given
