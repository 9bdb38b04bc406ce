"""``seawall ledger``: the record of every release, refusal and receipt."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import Limit

ledger = App(name="ledger", help="The tamper-evident record of what left and what was refused.")
app.command(ledger)

Against = Annotated[Path | None, Parameter(help="A checkpoint of this ledger that was kept from earlier.")]
Out = Annotated[Path | None, Parameter(name=["--out", "-o"], help="Write to this file, else to standard output.")]


@ledger.command
def verify(*, against: Against = None) -> None:
    """Recompute the whole ledger; names the first bad leaf if there is one, and a checkpoint that it contradicts.

    JSON: valid, size, root, signed, erased, sealed (leaves whose contents could not be checked), against, cosigned
    (witness, size), forks, and the cost. A bad leaf, a fork and a roll back are status 2 and a sentence.
    """
    from seawall.flow.at_rest_destroying import is_destroyed, verify_tree
    from seawall.flow.node import Node
    from seawall.flow.proving import verify_ledger

    cost = Cost()
    if is_destroyed(context.node):
        context.out.pairs({**verify_tree(context.node), **cost.as_dict()})
        context.out.note("The node's keys were destroyed: the tree holds, what leaves said cannot be read any more.")
        return
    with Node.open(context.node, token=context.token) as node:
        report = verify_ledger(node, against=against)
    context.out.pairs({**report, **cost.as_dict()})


@ledger.command
def show(
    *,
    limit: Limit = 100,
    after: Annotated[
        int, Parameter(help="Continue after this leaf: the 'next' of the page before.", validator=Number(gte=-1))
    ] = -1,
) -> None:
    """List leaves, oldest first.

    JSON items: index, at, kind, recipient, circle, rule, objects, leaf_hash, event.
    """
    from seawall.flow.ledger import list_leaves
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        page = list_leaves(node, limit=limit, after=after)
    context.out.table(
        page.items,
        ["index", "at", "kind", "recipient", "circle", "rule", "objects"],
        empty="The ledger is empty.",
        following=page.next,
    )


@ledger.command
def prove(
    name: str | None = None,
    /,
    *,
    leaf: Annotated[int | None, Parameter(help="Prove this leaf.", validator=Number(gte=0))] = None,
    not_sent: Annotated[bool, Parameter(help="Count what was released, to show that it was not.", negative="")] = False,
    to: Annotated[str | None, Parameter(help="Only releases to, and refusals of, this recipient.")] = None,
    against: Against = None,
    out: Out = None,
) -> None:
    """Prove a leaf, or all leaves that name an object id, SHA-256 or recipient; 'seawall ledger verifier' checks it.

    With -o the proof goes to the file and a summary to the screen. JSON: size, root, leaves, releases, refusals,
    others, erased, sent, out, and the cost; without -o the proof itself, with a signed statement of these counts.
    """
    from seawall.flow.node import Node
    from seawall.flow.proving import prove_leaf, prove_named
    from seawall.model import Fault

    if (name is None) == (leaf is None) or (not_sent and name is None):
        raise Fault("E-CLI-066", "Give either what to look for or --leaf; --not-sent wants what to look for.")
    cost = Cost()
    shown: dict[str, object]
    with Node.open(context.node, token=context.token) as node:
        if leaf is not None:
            proof = prove_leaf(node, leaf, against=against)
            shown = {"leaf": leaf}
        else:
            with context.out.progress("Reading the ledger", rows=True) as bar:
                proof, found = prove_named(node, name or "", recipient=to, against=against, on_progress=bar.show)
            shown = {
                "releases": len(found.releases),
                "refusals": len(found.refusals),
                "others": len(found.others),
                "erased": len(found.erased),
                "sent": bool(found.releases),
            }
    size, root = proof.checkpoint.split("\n")[1:3]
    shown = {"size": int(size), "root": base64.b64decode(root).hex(), "leaves": len(proof.leaves), **shown}
    if not_sent and not context.json and shown["sent"]:
        context.out.note("It was sent: the leaves are in the proof.")
    _write(proof, out, {**shown, "out": None if out is None else str(out), **cost.as_dict()})


@ledger.command
def checkpoint(
    *,
    since: Annotated[
        int | None,
        Parameter(help="As a request to a witness who signed this many leaves last.", validator=Number(gte=0)),
    ] = None,
    peer: Annotated[str | None, Parameter(help="Ask this peer to cosign it, with the next sync or drop.")] = None,
    out: Out = None,
) -> None:
    """Print the signed head (c2sp.org/tlog-checkpoint), to be kept elsewhere, printed, mailed or cosigned.

    JSON: origin, size, root, since, verifier_key, witness_key, former_keys, checkpoint; with --peer: peer, size, old,
    notice.
    """
    from seawall.flow.node import Node
    from seawall.flow.witness_desk import checkpoint_text
    from seawall.flow.witnessing import ask_for_cosignature

    with Node.open(context.node, token=context.token) as node:
        if peer is not None:
            node.require("sync")
            context.out.pairs(ask_for_cosignature(node, peer, old=since))
            return
        shown, data = checkpoint_text(node, since)
    if out is not None:
        out.write_bytes(data)
    if context.json:
        context.out.result(shown)
    elif out is None:
        context.out.result(None, data.decode().splitlines())


@ledger.command
def key() -> None:
    """Print the keys under which this node's checkpoints and cosignatures are checked; pass them on by another way.

    JSON: verifier_key, witness_key, former_keys.
    """
    from seawall.flow.node import Node
    from seawall.flow.witness_desk import keys_of_ledger

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(keys_of_ledger(node))


@ledger.command
def cosign(
    file: Path,
    /,
    *,
    key: Annotated[str | None, Parameter(help="The ledger's verifier key, when it is no peer's; kept.")] = None,
    out: Out = None,
) -> None:
    """As a witness, sign somebody's checkpoint if it continues what was signed here before (c2sp.org/tlog-witness).

    A fork or a roll back is refused with status 3, and both checkpoints are kept. JSON: origin, size, root,
    cosignature, note.
    """
    from seawall.flow.node import Node
    from seawall.flow.witness_desk import cosign_file

    with Node.open(context.node, token=context.token) as node:
        signed = cosign_file(node, file, key)
    note = str(signed["note"])
    if out is not None:
        out.write_text(note, "utf-8")
    if context.json or out is None:
        context.out.result(signed, note.splitlines())


@ledger.command
def witnessed(
    file: Path, /, *, key: Annotated[str, Parameter(help="The witness's key, as it was given to you by another way.")]
) -> None:
    """Keep a checkpoint of ours that a witness signed.

    JSON: witness, size, root.
    """
    from seawall.flow.node import Node
    from seawall.flow.witness_desk import take_cosigned

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(take_cosigned(node, file, key))


@ledger.command
def forks(
    *, settle: Annotated[str | None, Parameter(help="Two people have looked into this ledger's evidence.")] = None
) -> None:
    """List ledgers that say two things, each with both checkpoints.

    --settle takes two people (--token and --approver-token). JSON items: ledger, at, reason, told_by, held, given.
    """
    from seawall.flow.node import Node
    from seawall.flow.witness_desk import list_forks, settle_fork

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        if settle is not None:
            context.out.pairs(settle_fork(node, settle))
            return
        items = list_forks(node)
    context.out.table(items, ["ledger", "at", "reason", "told_by", "held", "given"], empty="No ledger says two things.")


@ledger.command
def tiles(folder: Path, /) -> None:
    """Write the ledger as plain files that others' tools read (c2sp.org/tlog-tiles); commitments only, no contents.

    JSON: folder, size, files.
    """
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        node.require("audit")
        files = node.ledger.export_tiles(folder)
        size = node.ledger.size
    context.out.pairs({"folder": str(folder), "size": size, "files": files})


@ledger.command
def verifier() -> None:
    """Print the stand-alone verifier: one Python file that needs only 'cryptography'. Run it with 'python3 -I'."""
    import sys
    from importlib.resources import files

    sys.stdout.write(files("seawall.ledger").joinpath("standalone.py").read_text("utf-8"))


def _write(proof: object, out: Path | None, shown: dict[str, object]) -> None:
    import msgspec

    if out is None:
        context.out.result(proof, msgspec.json.format(msgspec.json.encode(proof), indent=2).decode().splitlines())
        return
    out.write_bytes(msgspec.json.format(msgspec.json.encode(proof), indent=2) + b"\n")
    context.out.pairs(shown)
