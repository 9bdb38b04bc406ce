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
    """Export what may be blocked: own and imported indicators, and a peer's under auto-enforce."""
    from seawall.flow.node import Node
    from seawall.flow.protect import export as write

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        summary = write(node, to, output=output, include_watch=include_watch, json=context.json)
    if output is not None:
        context.out.pairs({**summary, **cost.as_dict()})
