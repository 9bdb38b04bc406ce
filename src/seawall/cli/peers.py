"""``seawall peers`` and ``sync``: other nodes, known by pinned keys after a check by two people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import After, Limit
from seawall.model import ExitStatus, Fault

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
    waiting, lag_seconds, misdeeds, keys (version, expires, state, former, changed), ledger (cosigned, never-seen,
    forked, rolled-back, or restored: it waits for 'peers accept-restore'), farewell (what it said when it ended the
    relation), compromised_since (while what it sent since is set aside), overlap (running, question, paused or stopped:
    see 'seawall budgets').
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
    """Stop both directions at once, on every way, until two people verify the peer again; what it sent blocks nothing.

    JSON: code_name, state, orders_ended (out of force when this returns), blocks_expire; of very many also
    orders_removed, orders_put (by another's word, or watched only), sweep_seconds.
    """
    from seawall.cli.sweeping import swept
    from seawall.flow.ending import end_relation
    from seawall.flow.node import Node
    from seawall.model.peer import PeerState

    with Node.open(context.node, token=context.token) as node:
        done = end_relation(node, code_name, PeerState.SUSPENDED)
        context.out.pairs(done | swept(node))


@peers.command
def sever(
    code_name: str,
    /,
    *,
    farewell: Annotated[str | None, Parameter(help="Words that go to the peer first, as a signed notice.")] = None,
    held_data: Annotated[
        str | None, Parameter(help="expire or delete what it sent, where its circles agreed on less.")
    ] = None,
) -> None:
    """End the relation for good: both directions stop, nothing is tried again, what it sent blocks nothing.

    What it sent is kept, expired or deleted as each circle's terms say. JSON: code_name, state, orders_ended,
    blocks_expire, of very many orders also orders_removed, orders_put, sweep_seconds, and of a peer with a node
    farewell (when asked), notices_dropped, messages_dropped, recalls_unreachable, misp_removed,
    held_data (circle, rule, expired, deleted), comparison_keys_wiped.
    """
    from seawall.cli.sweeping import swept
    from seawall.flow.ending import end_relation
    from seawall.flow.node import Node
    from seawall.flow.term_words import checked_held_data
    from seawall.model.peer import PeerState

    wish = None if held_data is None else checked_held_data(held_data)
    with Node.open(context.node, token=context.token) as node:
        done = end_relation(node, code_name, PeerState.SEVERED, farewell=farewell, held_data=wish)
        context.out.pairs(done | swept(node))


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


@peers.command
def exposure(code_name: str, /, *, limit: Limit = 100, after: After = 0) -> None:
    """Say what a peer holds of ours, by the ledger and the outboxes; values only to whom their marking permits.

    JSON: peer, objects, waiting (released and not fetched yet), by_type, by_tlp, by_circle, first_sent, last_sent,
    recalled, confirmed, items (id, type, tlp, circles, versions, first_sent, last_sent, recalled, recall, values),
    next, and the cost.
    """
    from seawall.flow.exposure import exposure as exposure_of
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node, context.out.progress("reading") as bar:
        document = exposure_of(node, code_name, limit=limit, after=after, progress=bar.show)
    if context.out.json:
        context.out.result({**document, **cost.as_dict()})
        return
    items, following = document.pop("items"), document.pop("next")
    context.out.pairs({**document, **cost.as_dict()})
    columns = ["id", "tlp", "circles", "first_sent", "last_sent", "recalled", "values"]
    if isinstance(items, list) and items:
        context.out.table(items, columns, empty="", following=following)


@peers.command
def compromised(
    code_name: str,
    /,
    *,
    since: Annotated[str | None, Parameter(help="From this moment on nothing it sent counts (RFC 3339).")] = None,
    dry_run: Annotated[
        bool, Parameter(help="Only say what would be set aside, and who must be told.", negative="")
    ] = False,
    undo: Annotated[bool, Parameter(help="Give back what was set aside.", negative="")] = False,
) -> None:
    """Set aside all that a peer sent since a moment: it no longer matches, warns or blocks; the peer is suspended.

    What others sent about the same stays, so scores return to what they were. --undo gives everything back; the peer
    stays suspended until two people verify it. JSON: peer, since, state, objects, words (about values), sightings,
    by_type, derived, derived_count, must_be_told (receiver, objects, ids), dry_run, problems.
    """
    from seawall.flow.compromised import mark_compromised, undo_compromised
    from seawall.flow.node import Node

    if (since is None) == (not undo):
        raise Fault("E-CLI-072", "Give either --since with a moment, or --undo.")
    with Node.open(context.node, token=context.token) as node:
        if undo:
            document = undo_compromised(node, code_name)
        else:
            document = mark_compromised(node, code_name, str(since), dry_run=dry_run)
    context.out.pairs(document)


@app.command
def sync(peer: str, /) -> int:
    """Fetch what is new from a peer and push what is new to it; only the difference travels.

    A peer with a relay (see 'peers relay') is reached through it. JSON: received, sent, withheld, unchanged, rejected,
    refused (not taken by the peer), problems, waiting (sealed messages that it has not acknowledged), and the cost.
    With --strict a problem is status 1.
    """
    from seawall.flow.node import Node
    from seawall.flow.post_sync import sync_and_deliver

    with Node.open(context.node, token=context.token) as node:
        node.require("sync")
        cost = Cost()  # of the exchange: the program and the store are loaded
        report = sync_and_deliver(node, peer)
    context.out.pairs({**report, **cost.as_dict()})
    return ExitStatus.REJECTS if context.strict and (report["rejected"] or report["problems"]) else ExitStatus.DONE
