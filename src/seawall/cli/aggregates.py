"""``seawall aggregates``: sums over several nodes in which nobody sees another's counts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.paging import Limit
from seawall.model import ExitStatus, Fault

aggregates = App(name="aggregates", help="Compare without revealing: noised sums over several nodes.")
app.command(aggregates)

COLUMNS = ["round", "query", "period", "state", "starter", "members", "set_ups", "contributions", "expires"]
TwoNodes = Annotated[
    bool, Parameter(negative=(), help="Two members only: each learns the other's counts, with noise over them.")
]
Days = Annotated[int, Parameter(help="How long the round stays open.", validator=Number(gte=1, lte=60))]
PAIRS = ("round", "query", "period", "state", "starter", "members", "set_ups", "contributions", "waiting_for", "untold",
         "expires", "rerun_of", "reason", "by_file", "tlp", "left_out")  # fmt: skip


@aggregates.command
def catalogue() -> None:
    """Show the questions that may be asked, their bins, noise and budget, and who agreed to them.

    JSON: version, sha256, valid_from, source, verified, agreed, not_yet, untold, least_nodes, least_count, items (name,
    about, available, unavailable_because, unit, epsilon, most_weeks, bins, bins_per_unit, cap, data_set, releases,
    spent, left, epsilon_spent, next_at).
    """
    from seawall.flow.aggregates_view import catalogue_document
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        _catalogue(catalogue_document(node))


@aggregates.command
def agree() -> None:
    """Agree to the catalogue in this node's name: signed, on the ledger, told to all verified peers.

    JSON: as 'aggregates catalogue'.
    """
    from seawall.flow import aggregates as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        _catalogue(flow.agree(node))


@aggregates.command
def start(
    query: str,
    /,
    *,
    with_: Annotated[str, Parameter(name="--with", help="Peers to ask, separated by commas; this node takes part.")],
    period: Annotated[str, Parameter(help="A week that is over, 2026-W12, or several: 2026-W10..2026-W13.")],
    days: Days = 7,
    two_nodes_hide_nothing: TwoNodes = False,
) -> None:
    """Propose a round to peers and take part in it; messages leave with the next exchange.

    JSON: round, query, period, state, starter, members, set_ups, contributions, waiting_for, untold, created_at,
    expires, rerun_of, contributed_at, reason, warnings.
    """
    from seawall.flow import aggregates as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        _round(
            flow.start(node, query, others=_names(with_), period=period, days=days, two_nodes=two_nodes_hide_nothing)
        )


@aggregates.command
def join(round_: Annotated[str, Parameter(name="ROUND")], /, *, two_nodes_hide_nothing: TwoNodes = False) -> None:
    """Take part in a round that a peer proposed: once for these weeks, charged to the budget. JSON: as 'start'."""
    from seawall.flow import aggregates as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        _round(flow.join(node, round_, two_nodes=two_nodes_hide_nothing))


@aggregates.command
def decline(round_: Annotated[str, Parameter(name="ROUND")], /) -> None:
    """Stay out of a round. JSON: as 'start'."""
    from seawall.flow import aggregates as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        _round(flow.decline(node, round_))


@aggregates.command
def rerun(
    round_: Annotated[str, Parameter(name="ROUND")],
    /,
    *,
    without: Annotated[str, Parameter(help="Members who dropped out, separated by commas.")],
    days: Days = 7,
    two_nodes_hide_nothing: TwoNodes = False,
) -> None:
    """Propose a round of ours again, without members who dropped out: new keys, new noise, charged again.

    JSON: as 'start'.
    """
    from seawall.flow import aggregates as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        _round(flow.rerun(node, round_, without=_names(without), days=days, two_nodes=two_nodes_hide_nothing))


@aggregates.command(name="list")
def list_rounds(*, limit: Limit = 100) -> None:
    """List rounds, newest first; 'invited' ones wait for 'aggregates join'. JSON items: as 'start'."""
    from seawall.flow.aggregates_view import list_rounds as listed
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = listed(node, limit=limit)
    context.out.table(items, COLUMNS, empty="No aggregate round yet.")


@aggregates.command
def show(
    round_: Annotated[str, Parameter(name="ROUND")],
    /,
    *,
    plot: Annotated[Path | None, Parameter(help="Draw the result into this SVG file.")] = None,
) -> None:
    """Show a round and, once all contributed, its result with the noise's deviation and intervals.

    JSON: as 'start', and by_file, tlp, left_out, budget (data_set, releases, spent, left, epsilon_spent, next_at),
    result (null before; else noise_deviation, margin_95, suppressed, bins: week, bin, count, low, high, nodes,
    suppressed).
    """
    from seawall.flow.aggregates import find
    from seawall.flow.aggregates_view import drawable, show_round
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        kept = find(node, round_)
        document = show_round(node, kept)
        if plot is not None:
            _draw(plot, document, drawable(node, kept).bins)
    _round(document)


@aggregates.command
def refill(
    data_set: str,
    /,
    *,
    releases: Annotated[int, Parameter(help="How many were not made after all.", validator=Number(gte=1, lte=1_000))],
) -> None:
    """Take back releases that count as made because this node was restored; takes a second person (--approver-token).

    Ask the other members first what this node contributed since the backup. JSON: data_set, releases, spent, left,
    epsilon_spent, next_at.
    """
    from seawall.flow.aggregates_restored import refill as refilled
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(refilled(node, data_set, releases))


@aggregates.command
def audit(round_: Annotated[str, Parameter(name="ROUND")], /) -> int:
    """Show what this node put into a round, in the clear, and whether it is what the node committed to.

    For auditors; exit status 3 when it is not. JSON: round, query, period, commitment, holds, items (week, bin, count,
    noise, presence).
    """
    from seawall.flow.aggregates import find
    from seawall.flow.aggregates_audit import audit as audited
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        document: dict[str, Any] = audited(node, find(node, round_))
    if context.json:
        context.out.result(document)
    else:
        context.out.pairs({name: value for name, value in document.items() if name != "items"})
        context.out.table(document["items"], ["week", "bin", "count", "noise", "presence"], empty="")
    return ExitStatus.DONE if document["holds"] else ExitStatus.REFUSED


@aggregates.command
def coverage(
    file: Annotated[Path | None, Parameter(help="CSV with the columns control and guarded.")] = None,
    /,
    *,
    systems: Annotated[int | None, Parameter(help="How many systems were asked.")] = None,
    at: Annotated[str | None, Parameter(help="When that was so, RFC 3339; now unless told.")] = None,
    clear: Annotated[bool, Parameter(help="Let go of all answers.", negative="")] = False,
) -> None:
    """Keep or show how many own systems each security control guards: what 'baseline-coverage' counts.

    Controls are the 22 categories of NIST CSF 2.0 (GV.OC to RC.CO). Only these figures are kept, no system and no
    owner. JSON: at, systems, sets, items (control, guarded, share).
    """
    from seawall.flow.aggregates_coverage import forget_answers, keep_answers, show_answers
    from seawall.flow.node import Node
    from seawall.model import to_microseconds
    from seawall.model.moments import parse_moment

    if (file is None) is not (systems is None) or (file is None and at is not None) or (clear and file is not None):
        raise Fault("E-CLI-126", "Give a file with --systems, or --clear alone, or nothing.")
    moment = None if at is None else to_microseconds(parse_moment(at))
    with Node.open(context.node, token=context.token) as node:
        if file is not None and systems is not None:
            document = keep_answers(node, file, systems=systems, at=moment)
        else:
            document = forget_answers(node) if clear else show_answers(node)
    if context.json:
        context.out.result(document)
        return
    context.out.pairs({name: value for name, value in document.items() if name != "items"})
    rows = cast("list[dict[str, object]]", document["items"])
    context.out.table(rows, ["control", "guarded", "share"], empty="No answers are kept.")


@aggregates.command
def export(
    round_: Annotated[str, Parameter(name="ROUND")],
    /,
    *,
    to: Annotated[str, Parameter(help="The member who gets the file.")],
    output: Annotated[Path, Parameter(name=["-o", "--output"], help="The file, which must be new.")],
) -> None:
    """Write what a member without a network should have heard of a round. JSON: round, peer, file, documents, sha256.

    The file tells who asks what of whom; carry it as carefully as that deserves.
    """
    from seawall.flow.aggregates import find
    from seawall.flow.aggregates_files import export_round
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(export_round(node, find(node, round_), to, output))


@aggregates.command(name="import")
def import_file(file: Path, /) -> int:
    """Take in a file that 'aggregates export' made at another member. JSON: documents, rejected, problems."""
    from seawall.flow.aggregates_files import import_rounds
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        document = import_rounds(node, file)
    context.out.pairs(document)
    if document["documents"] == document["rejected"]:
        return ExitStatus.USAGE
    return ExitStatus.REJECTS if context.strict and document["rejected"] else ExitStatus.DONE


def _catalogue(document: dict[str, Any]) -> None:
    if context.json:
        context.out.result(document)
        return
    context.out.pairs({name: value for name, value in document.items() if name != "items"})
    columns = ["name", "available", "unit", "epsilon", "most_weeks", "bins_per_unit", "data_set", "left", "next_at"]
    context.out.table(document["items"], columns, empty="")
    for item in document["items"]:
        if not item["available"]:
            context.out.note(
                "{query} cannot be asked yet: {reason}.", query=item["name"], reason=item["unavailable_because"]
            )


def _round(document: dict[str, Any]) -> None:
    if context.json:
        context.out.result(document)
        return
    context.out.pairs({name: document[name] for name in PAIRS if name in document})
    if document.get("result"):
        result = document["result"]
        context.out.note(
            "Each count bears noise with a standard deviation of {deviation}; the intervals hold in 95 of 100 cases.",
            deviation=result["noise_deviation"],
        )
        columns = ["week", "bin", "count", "low", "high", "nodes", "suppressed"]
        context.out.table(result["bins"], columns, empty="")
    if "budget" in document:
        budget = document["budget"]
        context.out.note(
            "The data set {data_set} has {left} of {releases} releases left.",
            data_set=budget["data_set"], left=budget["left"], releases=budget["releases"],
        )  # fmt: skip
    if len(document["members"]) == 2:
        context.out.note(
            "A sum of two hides nothing: the other node takes its own count away and holds yours, with only the noise "
            "over it."
        )


def _draw(path: Path, document: dict[str, Any], bins: Any) -> None:
    from seawall.cli.aggregates_plot import plot

    tr = context.out.tr
    drawn = plot(
        bins,
        title=f"{document['query']} {document['period']}",
        foot=tr(
            "Sums over {members} nodes; noise with a standard deviation of {deviation}, 95 % intervals.",
            members=len(document["members"]),
            deviation=document["result"]["noise_deviation"],
        ),
        suppressed={"too few nodes": tr("suppressed: too few nodes"), "too small": tr("suppressed: too small")},
    )
    path.write_text(drawn, "utf-8")


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
