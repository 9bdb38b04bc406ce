"""``seawall protect``: what may be blocked, in the form that enforcement tools load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost

protect = App(name="protect", help="Files for DNS, packet filter and IDS, made from releases only.")
app.command(protect)


@protect.command
def export(
    *,
    to: Annotated[str, Parameter(help="rpz, nftables, suricata or csv.")],
    output: Annotated[
        Path | None, Parameter(name=["-o", "--output"], help="File (suricata: folder); else standard output.")
    ] = None,
    include_watch: Annotated[
        bool, Parameter(help="Also write what may only be watched, marked so.", negative="")
    ] = False,
) -> None:
    """Export what may be blocked: own and imported indicators, and a peer's under auto-enforce.

    JSON (needs -o): to, made_at, written, blocks, watches, by_type, left_out, left_out_items, first_expiry, output, and
    the cost.
    """
    from seawall.flow.node import Node
    from seawall.flow.protect import export as write

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        summary = write(node, to, output=output, include_watch=include_watch, json=context.json)
    if output is not None:
        context.out.pairs({**summary, **cost.as_dict()})


@protect.command
def status() -> None:
    """List the latest exports, and which directives were taken back.

    JSON items: to, output, made_at, by, blocks, watches, left_out, first_expiry; beside them undone
    (undo, at, by, reason).
    """
    from seawall.flow.node import Node
    from seawall.flow.undo import list_exports, list_undone

    with Node.open(context.node, token=context.token) as node:
        exports, undone = list_exports(node), list_undone(node)
    out = context.out
    columns = ["made_at", "to", "output", "by", "blocks", "watches", "left_out", "first_expiry"]
    out.table(exports.items, columns, empty="Nothing was exported yet.", extra={"undone": undone})
    if undone and not out.json:
        out.table(undone, ["undo", "at", "by", "reason"], empty="")


@protect.command
def undo(
    directive: str,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why, for those who read the record later.")] = "",
    again: Annotated[bool, Parameter(help="Give a directive free that was taken back.", negative="")] = False,
) -> None:
    """Take one directive back, by the name that an export shows as 'undo'; later exports leave it out.

    JSON: undo, undone, by, reason.
    """
    from seawall.flow.node import Node
    from seawall.flow.undo import undo_directive

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(undo_directive(node, directive, reason=reason, again=again))
