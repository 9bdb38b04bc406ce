"""What is shown to outsiders of the ledger: that a leaf stands in it, what it says of an object, and that it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from seawall import ledger as log
from seawall.flow.ledger_books import forks
from seawall.flow.node import Node
from seawall.flow.witnessing import note_of
from seawall.identity import dsse
from seawall.ledger import Checkpoint, Earlier, Found, OnProgress, Proof
from seawall.model import Fault, NotFound, rfc3339

MAX_CHECKPOINT_BYTES = 16 * 1024  # of a file that is given by hand; also the bound of a signed note
MAX_NAMED = 500  # characters of what is looked for: an id, a digest, a name


def prove_leaf(node: Node, index: int, *, against: Path | None = None) -> Proof:
    """One leaf under the present checkpoint. Raises NotFound E-LEDGER-009."""
    node.require("audit")
    head = node.ledger.head()
    return _proof(node, head, (index,), against, None)


def prove_named(
    node: Node,
    name: str,
    *,
    recipient: str | None = None,
    against: Path | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Proof, Found]:
    """Every leaf that names ``name`` (to ``recipient``, when given), and a signed statement of how many do.

    At most MAX_PROVED leaves stand in the proof, the newest; the statement counts all. Raises Fault E-FLOW-368.
    """
    node.require("audit")
    if not 0 < len(name) <= MAX_NAMED:
        raise Fault(
            "E-FLOW-368", "Give the id, digest or name to look for, of at most {most} characters.", most=MAX_NAMED
        )
    head = node.ledger.head()
    found = node.ledger.search(name, head, recipient, on_progress)
    statement = _statement(node, head, name, recipient, found)
    return _proof(node, head, found.naming[-log.MAX_PROVED :], against, statement), found


def verify_ledger(node: Node, *, against: Path | None = None) -> dict[str, object]:
    """Recompute the whole tree, and compare it with ``against`` and with every checkpoint that others cosigned.

    Raises Fault E-LEDGER-010 naming the first bad leaf, E-FLOW-365 when a later checkpoint is known, E-FLOW-366 when
    one differs.
    """
    node.require("audit")
    report = node.ledger.verify()
    cosigned = log.kept(node.folder / "ledger", node.keys.payload_box)
    for item in cosigned:
        _compare(node, log.checkpoint_in(item.note, *_own_keys(node)), item.witness)
    compared = None
    if against is not None:
        compared = _read_checkpoint(node, against)
        _compare(node, compared, against.name)
    return {
        "valid": True,
        "size": report.size,
        "root": report.root,
        "signed": report.signed,
        "erased": report.erased,
        "sealed": report.sealed,
        "against": None if compared is None else compared.size,
        "cosigned": [{"witness": item.witness, "size": item.size} for item in cosigned],
        "forks": len(forks(node)),
    }


def _proof(
    node: Node, head: Checkpoint, indexes: tuple[int, ...], against: Path | None, statement: dict[str, Any] | None
) -> Proof:
    leaves = tuple(node.ledger.prove(index, head) for index in indexes)
    notes = [item.note for item in log.kept(node.folder / "ledger", node.keys.payload_box)]
    if against is not None:
        _compare(node, _read_checkpoint(node, against), against.name)
        notes.append(against.read_text("utf-8"))
    earlier = []
    for note in notes:
        size = log.checkpoint_in(note, *_own_keys(node)).size
        if size <= head.size:
            path = tuple(item.hex() for item in node.ledger.prove_continues(size, head))
            earlier.append(Earlier(note, path))
    return Proof(log.FORMAT, str(log.own_key(node.keys)), note_of(node, head), leaves, tuple(earlier), statement)


def _statement(node: Node, head: Checkpoint, name: str, recipient: str | None, found: Found) -> dict[str, Any]:
    to = f" to {recipient}" if recipient else ""
    says = (
        f"Of the {found.leaves} leaves under this checkpoint that name {name}{to}, {len(found.releases)} are releases, "
        f"{len(found.refusals)} refusals and {len(found.others)} something else; {len(found.erased)} leaves were "
        "erased and say nothing any more. Seawall lets nothing leave without a leaf. This is the word of the node that "
        "signed it: whoever is handed the ledger counts again with the verifier. What left past Seawall, or under "
        "another name, stands in no leaf that was counted."
    )
    said = {
        "at": rfc3339(node.clock()),
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "looked_for": name,
        "recipient": recipient,
        "releases": len(found.releases),
        "refusals": len(found.refusals),
        "others": len(found.others),
        "erased": len(found.erased),
        "says": says,
    }
    envelope = dsse.sign(msgspec.json.encode(said, order="sorted"), log.STATEMENT_TYPE, node.keys)
    signed: dict[str, Any] = msgspec.json.decode(envelope)
    return signed


def _read_checkpoint(node: Node, path: Path) -> Checkpoint:
    with path.open("rb") as file:
        data = file.read(MAX_CHECKPOINT_BYTES + 1)
    return log.checkpoint_in(data.decode("utf-8", "replace"), *_own_keys(node))


def _compare(node: Node, checkpoint: Checkpoint, holder: str) -> None:
    try:
        root = node.ledger.root_at(checkpoint.size)
    except NotFound:
        raise Fault(
            "E-FLOW-365",
            "The ledger was rolled back: {holder} has a checkpoint of {size} leaves, signed here, and there are fewer.",
            holder=holder,
            size=checkpoint.size,
        ) from None
    if root != checkpoint.root:
        raise Fault(
            "E-FLOW-366",
            "The ledger was forked: {holder} has a checkpoint of {size} leaves, signed here, with another root.",
            holder=holder,
            size=checkpoint.size,
        )


def _own_keys(node: Node) -> tuple[log.VerifierKey, ...]:
    return (log.own_key(node.keys), *log.former_keys(node.keys))
