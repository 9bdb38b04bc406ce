"""``seawall protect radius`` and ``protect canaries``: what the safety gate measured, and what is watched first."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from seawall.cli.app import context
from seawall.cli.protect import protect

Kind = Annotated[str | None, Parameter(name="--type", help="Type of the values, where it is not plain.")]


@protect.command
def radius(values: Annotated[tuple[str, ...], Parameter(help="Values.")], /, *, kind: Kind = None) -> None:
    """How many legitimate sessions of our own a block of each value would have cut.

    Answered from the table that the job 'radius' builds from the lake; how old it is and what it stands on is shown.
    JSON items: type, value, known (false: not enough data), sessions, hosts, seen, last; beside them table (built_at,
    age_seconds, days, covered_days, sessions, enough, stale).
    """
    from seawall.flow.node import Node
    from seawall.flow.safety_shown import list_radii

    out = context.out
    with Node.open(context.node, token=context.token) as node:
        found = list_radii(node, values, kind, out.lang)
    items, table = found["items"], found["table"]
    if not isinstance(items, list) or not isinstance(table, dict):
        return
    columns = ["type", "value", "known", "sessions", "hosts", "seen", "last"]
    out.table(items, columns, empty="Name a value.", extra={"table": table})
    if out.json:
        return
    if "missing" in table:
        out.note("Not enough data: {why}", why=str(table["missing"]))
    elif not table["enough"]:
        out.note(
            "Not enough data: {sessions} sessions of {covered} days; what was not met tells nothing yet.",
            sessions=table["sessions"],
            covered=table["covered_days"],
        )
    else:
        out.note(
            "From {sessions} sessions of {covered} days; built {age} seconds ago.",
            sessions=table["sessions"],
            covered=table["covered_days"],
            age=table["age_seconds"],
        )


@protect.command
def canaries(
    *,
    forget: Annotated[
        str | None, Parameter(help="Forget what a canary or a rollback found of this value; it is judged anew.")
    ] = None,
    kind: Kind = None,
) -> None:
    """List what is watched first, since when and why.

    JSON items: type, value, since, why; with --forget: type, value, forgotten.
    """
    from seawall.flow.node import Node
    from seawall.flow.safety_shown import list_canaries, start_anew

    out = context.out
    with Node.open(context.node, token=context.token) as node:
        if forget is not None:
            out.pairs(start_anew(node, forget, kind))
            return
        items = list_canaries(node, out.lang)
    out.table(items, ["type", "value", "since", "why"], empty="Nothing is watched first.")
