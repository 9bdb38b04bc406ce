"""``seawall peers`` and ``sync``: other nodes, known by pinned keys after a check by two people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.model import ExitStatus

CARRIED = "https://carried.invalid"
peers = App(name="peers", help="Other nodes.")
app.command(peers)


@peers.command
def card() -> None:
    """Print the card that the other side adds (JSON)."""
    import sys

    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        sys.stdout.write(node.keys.card().decode().rstrip("\n") + "\n")


@peers.command
def add(
    file: Path,
    /,
    *,
    url: Annotated[
        str, Parameter(help="The peer's listener, https://host:8701; left out when only carried files reach it.")
    ] = CARRIED,
    code_name: Annotated[str, Parameter(help="The name under which our own people know this peer.")],
    replace: Annotated[
        bool, Parameter(negative=(), help="A newer card of a peer we have; without --url its address stays.")
    ] = False,
) -> None:
    """Add a peer from its card. Nothing is exchanged before 'peers verify'.

    With --replace the keys held of the peer may vouch for the new card, and everything goes on; where they do not, the
    peer is pending until two people compare the new fingerprint.

    JSON: code_name, node_id, fingerprint, state; with --replace vouched too.
    """
    from seawall.flow.node import Node
    from seawall.flow.peers import add_peer, replace_card

    with Node.open(context.node, token=context.token) as node:
        if replace:
            context.out.pairs(replace_card(node, file, url=None if url == CARRIED else url, code_name=code_name))
        else:
            context.out.pairs(add_peer(node, file, url=url, code_name=code_name))


@peers.command
def verify(
    code_name: str, /, *, fingerprint: Annotated[str, Parameter(help="As the other side read it out to you.")]
) -> None:
    """Confirm a peer's fingerprint; two named people (--token and --approver-token) stand for it.

    JSON: code_name, state, approved_by.
    """
    from seawall.flow.node import Node
    from seawall.flow.peers import verify_peer

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(verify_peer(node, code_name, fingerprint))


@peers.command(name="list")
def list_peers() -> None:
    """List peers with state, last contact and health.

    Health is never, ok, behind (objects wait), failing, throttled, quarantined, suspended, pending or severed.

    JSON items: code_name, node_id, state, url, fingerprint, last_sync, health, reason, failing_since, failures,
    waiting, lag_seconds, misdeeds, ledger (cosigned, never-seen, forked, rolled-back, or restored: it waits for
    'peers accept-restore').
    """
    from seawall.flow.node import Node
    from seawall.flow.peers import describe_peers

    with Node.open(context.node, token=context.token) as node:
        items = describe_peers(node)
    context.out.table(
        items,
        ["code_name", "state", "health", "ledger", "waiting", "last_sync", "url", "fingerprint", "reason"],
        empty="No peer yet.",
    )


@peers.command
def suspend(code_name: str, /) -> None:
    """Stop both directions until somebody verifies the peer again."""
    _set_state(code_name, "suspended")


@peers.command
def sever(code_name: str, /) -> None:
    """End the relation: both directions stop for good and its blocks leave our exports."""
    _set_state(code_name, "severed")


@peers.command
def release(code_name: str, /) -> None:
    """Lift the quarantine of a peer that misbehaved; both directions go on, in your name on the ledger.

    JSON: code_name, state, reason (what was held against it).
    """
    from seawall.flow.node import Node
    from seawall.flow.peers import release_peer

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(release_peer(node, code_name))


@peers.command
def accept_restore(code_name: str, /) -> None:
    """Accept that a peer's ledger begins again from its backup; two named people stand for it.

    Ask the peer by another way first: whoever took its keys could say the same. JSON: peer, restored_at, backup_at,
    leaves_before, leaves_kept, leaves_now, epoch, approved_by.
    """
    from seawall.flow.ledger_restored import accept_restore as accept
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(accept(node, code_name))


def _set_state(code_name: str, state: str) -> None:
    from seawall.flow.node import Node
    from seawall.flow.peers import set_state

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(set_state(node, code_name, state))


@app.command
def sync(peer: str, /) -> int:
    """Fetch what is new from a peer and push what is new to it; only the difference travels.

    JSON: received, sent, withheld, unchanged, rejected, refused (not taken by the peer), problems, and the cost. With
    --strict a problem is status 1.
    """
    from seawall.flow.exchange import sync_peer
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        node.require("sync")
        cost = Cost()  # of the exchange: the program and the store are loaded
        report = sync_peer(node, peer)
    context.out.pairs({**report, **cost.as_dict()})
    return ExitStatus.REJECTS if context.strict and (report["rejected"] or report["problems"]) else ExitStatus.DONE
