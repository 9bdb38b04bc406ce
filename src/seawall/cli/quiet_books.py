"""``seawall commitments``, ``budgets`` and ``decoys``: what bounds a peer that is curious."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.model import Fault

commitments = App(name="commitments", help="What this node committed to before any peer asks, and what stays out.")
budgets = App(name="budgets", help="How much each peer may ask, in plain words, and what is left.")
decoys = App(name="decoys", help="Values that only somebody who guesses can hold.")
for group in (commitments, budgets, decoys):
    app.command(group)

TypeOption = Annotated[str | None, Parameter(help="The type, where the value does not tell, e.g. wallet.")]
COLUMNS = ["peer", "type", "state", "now", "committed", "initial_left", "daily_left", "yearly_left", "hot_left"]


@commitments.default
def show() -> None:
    """Show how many values were committed to, how many may enter a comparison, and why others stay out.

    JSON: committed, may_enter, types (type: committed, may_enter), left_out (type: reason: number), excluded_by_hand,
    batches, last_at, cosigned_up_to, witnesses.
    """
    from seawall.flow.commitment_view import describe_commitments
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(describe_commitments(node))


@commitments.command(name="run")
def run_now() -> None:
    """Commit to all candidates that are new, now; 'seawall serve' does it every few minutes. JSON: new, committed."""
    from seawall.flow.commitments import commit_candidates
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node, context.out.progress("committing", rows=True) as bar:
        node.require("match")
        new = commit_candidates(node, bar.show)
        total = sum(count for _, _, count in node.store.commitments.counts())
    context.out.pairs({"new": new, "committed": total})


@commitments.command
def exclude(
    value: Annotated[str | None, Parameter(help="An address, range, name, URL, hash, wallet ...")] = None,
    /,
    *,
    file: Annotated[Path | None, Parameter(help="A list with one value a line.")] = None,
    type: TypeOption = None,
) -> None:
    """Keep a value out of every comparison from now on: an ongoing operation, or what must not even be asked about.

    A range covers its addresses; a name covers those below it, and URLs and mail addresses there. JSON: given, added,
    excluded.
    """
    from seawall.flow import excluded as flow
    from seawall.flow.node import Node

    if (value is None) == (file is None):
        raise Fault("E-CLI-082", "Give either a value or --file with a list.")
    values = [value] if value is not None else flow.values_in(file) if file is not None else []
    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(flow.exclude(node, values, type))


@commitments.command
def include(value: str, /, *, type: TypeOption = None) -> None:
    """Take a value off the list of exclusions. JSON: removed, excluded."""
    from seawall.flow import excluded as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(flow.include(node, value, type))


@commitments.command(name="excluded")
def list_excluded() -> None:
    """List what people here keep out of every comparison. JSON items: type, value, added_at, added_by."""
    from seawall.flow import excluded as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = flow.excluded(node)
    context.out.table(items, ["type", "value", "added_at", "added_by"], empty="Nothing is kept out by hand.")


@commitments.command(name="open")
def open_value(value: str, /, *, type: TypeOption = None) -> None:
    """Print the evidence that a value was committed to; it tells the value to whoever reads it.

    JSON: type, value, first_seen (days since 1970-01-01), source, salt, commitment, place, path, leaf, leaf_salt,
    event, ledger_path, checkpoint.
    """
    from seawall.flow.commitment_view import show_opening
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(show_opening(node, value, type))


@commitments.command(name="trust-witness")
def trust_witness(key: str, /) -> None:
    """Let a witness that is no peer date what peers commit to; KEY as 'seawall ledger key' prints it there.

    JSON: witnesses.
    """
    from seawall.flow.cosigned import believe
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(believe(node, key))


@budgets.default
def show_budgets(peer: str | None = None, /) -> None:
    """Show how much a peer may ask of each type, bound by bound, and what is left; without PEER, of all.

    JSON items: peer, type, state (running, paused, stopped), reason, now, committed, initial_left, initial_cap,
    daily_left, daily_cap, yearly_left, yearly_cap, hot_left, hot_cap, refilled_left, epoch, epoch_start, epoch_end,
    says; and peers: peer, state, since, reason, decoys_hit.
    """
    from seawall.flow.budget_words import describe_budgets, peer_states
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items, states = describe_budgets(node, peer, context.out.lang), peer_states(node, peer)
    empty = "No peer proved any commitments or asked anything yet; a day's sum of each type is open to it."
    context.out.table(items, COLUMNS, empty=empty, extra={"peers": states})
    if not context.json:
        lines = [str(line) for item in items if peer is not None for line in _lines(item)]
        lines += [f"{row['peer']}: {row['state']} {row['reason']}".rstrip() for row in states]
        context.out.result(None, lines)


@budgets.command
def refill(
    peer: str,
    /,
    *,
    type: Annotated[str, Parameter(help="e.g. ipv4 or domain.")],
    count: Annotated[int, Parameter(help="Values to add for this epoch.", validator=Number(gte=1))],
) -> None:
    """Add to what a peer may ask in this epoch; takes a second person (--approver-token). JSON: as 'budgets' items."""
    from seawall.flow.budget_words import shown
    from seawall.flow.budgets import refill as add
    from seawall.flow.excluded import type_named
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(shown(node, add(node, peer, type_named(type), count), context.out.lang))


@budgets.command
def approve(peer: str, /, *, type: Annotated[str, Parameter(help="e.g. ipv4 or domain.")]) -> None:
    """Go on after figures that were far from the past; takes a second person (--approver-token).

    JSON: peer, type, reason, approved_by.
    """
    from seawall.flow.excluded import type_named
    from seawall.flow.node import Node
    from seawall.flow.plausible import approve_pause

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(approve_pause(node, peer, type_named(type)))


@decoys.command
def draw(
    *,
    type: Annotated[str, Parameter(help="ipv4, ipv6, domain or wallet.")],
    count: Annotated[int, Parameter(help="How many more.", validator=Number(gte=1, lte=10_000))],
    file: Annotated[Path | None, Parameter(help="Wallets that were never on chain, one a line.")] = None,
) -> None:
    """Draw secret decoys from unused space of your own: own ranges and zones that the lake never saw.

    JSON: type, drawn, decoys.
    """
    from seawall.flow.decoys import draw_decoys
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(draw_decoys(node, type, count, file))


@decoys.command(name="list")
def list_all() -> None:
    """List the decoys; the list must not leave this node. JSON items: type, value, drawn_at, drawn_by, retired."""
    from seawall.flow.decoys import list_decoys
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = list_decoys(node)
    context.out.table(items, ["type", "value", "drawn_at", "drawn_by", "retired"], empty="No decoy yet.")


@decoys.command
def remove(
    value: Annotated[str | None, Parameter(help="One decoy.")] = None,
    /,
    *,
    type: Annotated[str, Parameter(help="ipv4, ipv6, domain or wallet.")],
    all: Annotated[bool, Parameter(help="Every decoy of that type.", negative="")] = False,
) -> None:
    """Forget a decoy, or all of a type. JSON: type, removed, decoys."""
    from seawall.flow.decoys import remove_decoys
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(remove_decoys(node, type, value, all_of_them=all))


@decoys.command
def resume(peer: str, /) -> None:
    """Go on comparing with a peer that hit decoys, in your own name; the decoys that it hit are retired.

    JSON: peer, resumed_by, decoys_retired.
    """
    from seawall.flow.node import Node
    from seawall.flow.overlap_stops import resume_overlap

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(resume_overlap(node, peer))


def _lines(item: dict[str, object]) -> list[object]:
    says = item["says"]
    return ["", f"{item['type']}:", *(f"  {line}" for line in says)] if isinstance(says, list) else []
